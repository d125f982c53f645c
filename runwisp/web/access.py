"""The access log: one event for each request, when its answer is complete or its client has left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

if TYPE_CHECKING:
    from runwisp.web.channel import ApiRequest

log = Logger()

_FORMAT = "{method} {path} {status}"


def log_access(request: ApiRequest, now: float, is_complete: bool) -> None:
    """Log the request at ``now`` seconds; never its query, which may have a ticket or token in it."""
    fields: dict[str, Any] = {  # Any: as the logger takes them
        "method": request.method.decode("latin-1"),
        "path": request.shown_path,
        "status": request.code,
        "took": now - request.began,
        "bytes": request.sentLength,
        "client": "socket" if request.caller is None or request.caller.is_socket else request.caller.client,
    }
    if not is_complete:
        fields["aborted"] = True
    if request.failure is not None:
        log.failure(_FORMAT, failure=request.failure, **fields)
    elif request.code >= 500:
        log.warn(_FORMAT, **fields)
    else:
        log.debug(_FORMAT, **fields)
