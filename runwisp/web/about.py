"""What stays as it is about a daemon while it lives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from runwisp.model import Seconds, UnixMs


@frozen(kw_only=True)
class About:
    """``host`` and ``port`` are the bound address; ``began_s`` is the start on the monotonic clock."""

    fingerprint: str
    pid: int
    started_at: UnixMs
    began_s: float
    host: str
    port: int
    data_dir: Path
    socket: Path
    work_dir: str
    is_auth_required: bool
    is_service_managed: bool
    can_switch_user: bool

    def uptime(self, now_s: float) -> Seconds:
        return Seconds(round(now_s - self.began_s, 3))


def is_service_managed(environ: Mapping[str, str], pid: int) -> bool:
    """Whether systemd or launchd has started the process ``pid``, which has this environment.

    What a service starts inherits most of its variables, so only those count that speak of this process.
    """
    return (
        "NOTIFY_SOCKET" in environ
        or environ.get("SYSTEMD_EXEC_PID") == str(pid)
        or environ.get("XPC_SERVICE_NAME", "0") not in ("", "0")
    )
