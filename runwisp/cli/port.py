"""Who has the port that a daemon is about to listen at (spec: interfaces, without a subcommand)."""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

from attrs import frozen

from runwisp.errors import CannotListen

#: A daemon answers at once; something else may never do.
_ANSWER_S = 2.0
_LARGEST = 65_536
_ELSEWHERE = 308


@frozen
class Holder:
    """The RunWisp daemon that has the port."""

    version: str
    pid: int
    data_dir: Path
    config_path: str
    socket_path: Path


def check_port(host: str, port: int) -> None:
    """
    :raises CannotListen: a daemon could not listen there
    """
    from runwisp.web.listen.sockets import bind_tcp

    for listening in bind_tcp(host, port):
        listening.close()


def free_port(host: str) -> int:
    """A port that nobody listens at now.

    :raises CannotListen: the host cannot be listened at
    """
    from runwisp.web.listen.sockets import bind_tcp

    first, *others = bind_tcp(host, 0)
    with closing(first):
        for other in others:
            other.close()
        port: int = first.getsockname()[1]
        return port


def holder_of(port: int) -> Holder | None:
    """The daemon that listens at the port on this machine; None if it is something else."""
    try:
        document = _identity(HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S))
        if document is None:
            from runwisp.client.certificates import any_certificate

            # Nothing secret is sent: this only asks who is there.
            context = any_certificate()
            document = _identity(HTTPSConnection("127.0.0.1", port, timeout=_ANSWER_S, context=context))
        if document is None or document["name"] != "runwisp":
            return None
        return Holder(
            version=str(document["version"]),
            pid=int(document["pid"]),
            data_dir=Path(document["data_dir"]),
            config_path=str(document["config_path"]),
            socket_path=Path(document["socket_path"]),
        )
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return None


def _identity(connection: HTTPConnection) -> dict[str, str] | None:
    """What answers; None if it wants TLS."""
    with closing(connection):
        connection.request("GET", "/api/daemon/identity")
        response = connection.getresponse()
        if response.status == _ELSEWHERE:
            return None
        document: dict[str, str] = json.loads(response.read(_LARGEST))
        return document


def taken_by(holder: Holder, refusal: CannotListen) -> CannotListen:
    """The refusal of a port that another daemon has, with what can be done about it."""
    return CannotListen(
        f"{refusal}, by the RunWisp daemon of {holder.data_dir}",
        [
            *facts(holder),
            f"to see it:        runwisp tui --data {holder.data_dir}",
            f"to stop it:       runwisp stop --data {holder.data_dir}",
            "to have both:     runwisp --port N",
        ],
    )


def facts(holder: Holder) -> list[str]:
    """What is to be known of the other daemon."""
    return [
        f"version:          {holder.version}",
        f"process:          {holder.pid}",
        f"data directory:   {holder.data_dir}",
        f"configuration:    {holder.config_path}",
    ]
