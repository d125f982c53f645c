"""Which outcomes are failures and what follows from them (spec: runtime, failure policy and FATAL)."""

from __future__ import annotations

from attrs import frozen

from runwisp.model import EndReason, Restart, Run, Seconds, Service, Task

#: The only end reasons that may lead to a retry, or to a restart under ``on_failure``.
ELIGIBLE = frozenset(
    {
        EndReason.FAILED,
        EndReason.TIMEOUT,
        EndReason.CRASHED,
        EndReason.LOG_OVERFLOW,
        EndReason.UNHEALTHY,
    }
)
_NEVER_RESTARTED = frozenset({EndReason.START_FAILED, EndReason.DAEMON_STOPPED})


def is_failure(failures: tuple[str, ...], reason: EndReason, exit_code: int) -> bool:
    """Whether a run that ended so is a failure of its unit.

    :param failures: the unit's tokens in force: end reasons, exit codes (``42``) and ranges (``1-23``)
    """
    if reason in failures:
        return True
    return reason is EndReason.FAILED and any(_has_code(token, exit_code) for token in failures)


def _has_code(token: str, exit_code: int) -> bool:
    if not token[:1].isdecimal():
        return False
    first, _, last = token.partition("-")
    return int(first) <= exit_code <= int(last or first)


def may_retry(task: Task, run: Run) -> bool:
    """Whether the ended ``run`` gets another attempt."""
    return run.end_reason in ELIGIBLE and run.is_failure and run.retry_attempt < task.retry_attempts


def restart_wanted(service: Service, run: Run) -> bool:
    """Whether the slot of the ended ``run`` is to be filled again, as far as its configuration goes."""
    match service.restart:
        case Restart.ALWAYS:
            return run.end_reason not in _NEVER_RESTARTED
        case Restart.ON_FAILURE:
            return run.end_reason in ELIGIBLE and run.is_failure
        case Restart.NEVER:
            return False


@frozen
class SlotHistory:
    """What the past exits of a replica's slot count for.

    ``exits_in_a_row`` chooses the next restart delay; ``failed_starts`` in a row lead to FATAL.
    """

    exits_in_a_row: int = 0
    failed_starts: int = 0

    def after(self, run: Run, *, was_healthy: bool) -> SlotHistory:
        """The history when ``run`` has ended too."""
        if was_healthy:
            return SlotHistory(exits_in_a_row=1)
        failed_starts = self.failed_starts if run.is_failure else 0
        if run.is_failure and run.end_reason in ELIGIBLE:
            failed_starts += 1
        return SlotHistory(self.exits_in_a_row + 1, failed_starts)

    def is_fatal(self, service: Service) -> bool:
        """Whether the supervisor gives up on the slot; never unless ``restart_attempts`` is set."""
        return service.restart_attempts is not None and self.failed_starts > service.restart_attempts


def is_healthy(service: Service, up: Seconds) -> bool:
    """Whether a replica that has been up for so long counts as healthy."""
    return up >= service.healthy_after
