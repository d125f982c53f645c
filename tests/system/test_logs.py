"""Logs of the real daemon: its threads, its files and its clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.system.program import Daemon, running
from tests.system.talk import Answer, SocketConnection, ask

pytestmark = pytest.mark.system

PRINTS = """
    [tasks.prints]
    run = "echo before; echo failure >&2; echo after; printf 'no newline'"
"""
#: Lines on which an expression of the worst kind takes its time.
BURDENS = r"""
    [tasks.burdens]
    run = '''
    echo before
    awk 'BEGIN {
        while (length(line) < 60000) line = line (rand() < .5 ? "aab" : "ba")
        for (n = 0; n < 400; n++) print line
    }'
    '''
"""
HOSTILE = "(?:a?){500}[ab]{500}$Z?q"


def get(daemon: Daemon, path: str) -> Answer:
    answer = ask(SocketConnection(daemon.data / "runwisp.sock"), path)
    assert answer.status == 200, answer
    return answer


# Any: JSON of any shape.
def run_of(daemon: Daemon, name: str) -> Any:
    """A run, from its trigger to its end."""
    connection = SocketConnection(daemon.data / "runwisp.sock")
    answer = ask(connection, f"/api/tasks/{name}/trigger?wait=true", "POST")
    assert answer.status == 201, answer
    assert answer.json()["status"] == "ended"
    return answer.json()


def test_what_a_run_has_printed_is_paged_downloaded_and_found(tmp_path: Path) -> None:
    with running(tmp_path, PRINTS) as daemon:
        run = run_of(daemon, "prints")
        path = f"/api/runs/{run['id']}/log"
        page = get(daemon, f"{path}?from=1&limit=10000").json()
        assert (page["total_lines"], page["finalized"], page["partials"]) == (4, True, [])
        assert page["items"][-1]["text"] == "no newline"
        raw = get(daemon, f"{path}/raw").body
        (log,) = daemon.data.glob("logs/prints/*.log")
        assert raw == log.read_bytes().removesuffix(b"\n")
        assert sorted(raw.decode().split("\n")) == sorted(item["text"] for item in page["items"])
        found = get(daemon, "/api/tasks/prints/log/search?q=FAIL").json()
        (hit,) = found["items"]
        assert (hit["run_id"], hit["stream"], hit["text"]) == (run["id"], "stderr", "failure")


def test_a_hostile_search_disturbs_nobody_and_ends_with_its_client_or_the_daemon(tmp_path: Path) -> None:
    search = f"/api/tasks/burdens/log/search?regex=true&q={quote(HOSTILE)}"
    with running(tmp_path, BURDENS) as daemon:
        run_of(daemon, "burdens")
        # More than search at the same time: the last one has its turn because the others have left.
        for _ in range(4):
            connection = SocketConnection(daemon.data / "runwisp.sock")
            connection.request("GET", search)
            assert get(daemon, "/health").body == b"OK"
            connection.close()
        assert len(get(daemon, "/api/tasks/burdens/log/search?q=before").json()["items"]) == 1
        connection = SocketConnection(daemon.data / "runwisp.sock")
        connection.request("GET", search)
        assert get(daemon, "/health").body == b"OK"
        assert daemon.stop() == 0
