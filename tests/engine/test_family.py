from __future__ import annotations

import os
import subprocess
from functools import partial
from subprocess import PIPE

from hypothesis import given
from hypothesis import strategies as st

from runwisp.engine import procfs
from runwisp.engine.family import Family, ProcessTable, offspring
from runwisp.engine.procfs import ProcessInfo

LEADER = 100


def process(
    pid: int, *, parent: int = 1, group: int | None = None, session: int | None = None, started: int = 50
) -> ProcessInfo:
    """A process that leads its own group and session unless said otherwise."""
    return ProcessInfo(pid, f"p{pid}", False, parent, group or pid, session or pid, started)


def test_group_and_session_are_offspring() -> None:
    in_group = process(5, group=LEADER, session=LEADER)
    in_session = process(6, session=LEADER)
    assert offspring(LEADER, [in_group, process(7), in_session], []) == [in_group, in_session]


def test_those_known_before_are_recognised_by_pid_and_start() -> None:
    known = [process(5, parent=LEADER), process(6, parent=LEADER, started=40)]
    orphan, stranger = process(5), process(6)
    assert offspring(LEADER, [orphan, stranger], known) == [orphan]


def test_children_of_offspring_are_offspring() -> None:
    chain = [process(9, parent=8), process(8, parent=7), process(7, session=LEADER)]
    assert offspring(LEADER, [*chain, process(10, parent=11)], []) == chain


def test_a_process_with_the_leaders_number_ends_the_claim_on_group_and_session() -> None:
    reused = process(LEADER)
    its_child = process(5, parent=LEADER, group=LEADER, session=LEADER)
    known = process(6)
    assert offspring(LEADER, [reused, its_child, known], [known]) == [known]


def test_nobody_comes_from_nobody() -> None:
    assert offspring(LEADER, [process(5), process(6, parent=5)], []) == []


ids = st.integers(1, 12)
listings = st.lists(
    st.builds(process, ids, parent=ids, group=ids, session=ids),
    unique_by=lambda found: found.pid,
    max_size=12,
)


@given(listing=listings, known=listings)
def test_offspring_is_closed_under_children_and_adds_no_stranger(
    listing: list[ProcessInfo], known: list[ProcessInfo]
) -> None:
    found = offspring(12, listing, known)
    pids = {each.pid for each in found}
    is_reused = any(each.pid == 12 for each in listing)
    for each in listing:
        is_own = (each.pid, each.started) in {(one.pid, one.started) for one in known}
        is_near = not is_reused and 12 in (each.group, each.session)
        if is_own or is_near or each.parent in pids:
            assert each in found
        else:
            assert each not in found


def test_a_listing_serves_all_who_waited_for_it() -> None:
    table = ProcessTable("RUNWISP_RUN_ID")
    first = table.processes(now=10.0, not_before=9.0)
    assert table.processes(now=10.5, not_before=9.5) is first
    assert table.processes(now=10.5, not_before=10.2) is not first


def test_a_listing_from_the_future_of_the_clock_is_not_used() -> None:
    table = ProcessTable("RUNWISP_RUN_ID")
    late = table.processes(now=10.0, not_before=9.0)
    assert table.processes(now=5.0, not_before=4.0) is not late


def test_a_family_without_a_start_time_claims_nobody() -> None:
    family = Family(ProcessTable("RUNWISP_RUN_ID"), os.getpid(), lambda: None, "01J")
    assert family.survivors(1.0, 0.0) == ()


def test_processes_older_than_the_leader_are_not_its_family() -> None:
    script = ["/bin/sh", "-c", "echo; read x"]
    with subprocess.Popen(script, stdin=PIPE, stdout=PIPE, env={"RUNWISP_RUN_ID": "01J"}) as sleeper:
        # Popen may return a moment before the program has its environment.
        assert sleeper.stdout is not None
        sleeper.stdout.readline()
        found = procfs.read_process(sleeper.pid)
        assert found is not None
        families = [
            Family(ProcessTable("RUNWISP_RUN_ID"), 2**22 + 1, partial(int, started), "01J")
            for started in (found.started, found.started + 1)
        ]
        members = [[member.pid for member in family.survivors(1.0, 0.0)] for family in families]
        assert families[0].kill(found)
    assert members == [[sleeper.pid], []]
