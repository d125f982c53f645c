from __future__ import annotations

from itertools import islice

from runwisp.config.cron import parse
from runwisp.policy.firing import slots_between
from tests.policy import golden
from tests.policy.nights import ZONES


def test_every_slot_of_every_night_in_the_golden_file_has_its_fate() -> None:
    zones = set()
    for record in golden.recorded():
        zones.add(record.zone)
        for text, slots in record.slots.items():
            found = list(slots_between(parse(text), record.zone, record.begin, record.end, record.begin))
            assert found == slots, (record.zone, record.begin, text)
    assert zones == set(ZONES)


def test_the_golden_file_is_what_the_walk_finds() -> None:
    lines = golden.FILE.read_text().splitlines()
    # The first nights of the first zone; the whole is made by the module itself.
    assert list(islice(golden.made(), 12)) == lines[:12]
