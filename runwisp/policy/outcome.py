"""How the end of a process is recorded (spec: runtime, end reasons and exit codes)."""

from __future__ import annotations

from runwisp.model import EndReason

#: Stands for an exit code where there is none: ended by a signal, or never started.
NO_EXIT_CODE = -1


def outcome(cause: EndReason | None, exit_status: int | None, signal: int | None) -> tuple[EndReason, int]:
    """End reason and exit code of a run.

    :param cause: why the daemon ended the run, recorded before it exited; None if it ended by itself
    :param exit_status: of the leader; None if it was ended by ``signal`` or could not start
    """
    exit_code = NO_EXIT_CODE if exit_status is None or signal is not None else exit_status
    if cause is not None:
        return cause, exit_code
    return (EndReason.SUCCESS if exit_code == 0 else EndReason.FAILED), exit_code
