from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import Seconds
from runwisp.web.auth.limits import SlidingWindow, client_of

#: Seconds that add up without rounding.
QUARTERS = st.integers(0, 32).map(lambda number: number / 4)


def attempts() -> SlidingWindow:
    return SlidingWindow(per_client=5, in_all=100, window=Seconds(300))


def test_the_sixth_attempt_in_five_minutes_waits_for_the_first_to_be_over() -> None:
    window = attempts()
    for at in range(5):
        assert window.wait("192.0.2.1", at) is None
        window.count("192.0.2.1", at)
    assert window.wait("192.0.2.1", 10) == 290
    assert window.wait("192.0.2.1", 299.5) == 1
    assert window.wait("192.0.2.1", 300) is None


def test_other_clients_do_not_wait() -> None:
    window = attempts()
    for _ in range(5):
        window.count("192.0.2.1", 0)
    assert window.wait("192.0.2.2", 1) is None


def test_all_clients_together_have_a_limit() -> None:
    window = attempts()
    for number in range(100):
        assert window.wait(f"192.0.2.{number}", number) is None
        window.count(f"192.0.2.{number}", number)
    assert window.wait("198.51.100.7", 100) == 200
    assert window.wait("198.51.100.7", 300) is None


def test_ten_thousand_addresses_take_the_room_of_those_that_were_let_try() -> None:
    window = attempts()
    refused = 0
    for number in range(10_000):
        address = f"10.{number >> 8}.{number & 255}.1"
        if window.wait(address, 0) is None:
            window.count(address, 0)
        else:
            refused += 1
    assert (len(window), refused) == (100, 9_900)


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_one_client_is_an_address_or_a_network_of_ipv6(address: str, client: str) -> None:
    assert client_of(address) == client


@given(
    st.integers(1, 3),
    st.integers(1, 6),
    st.lists(st.tuples(st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3"]), QUARTERS), max_size=40),
)
def test_attempts_wait_as_a_full_list_of_them_tells(
    per_client: int, in_all: int, steps: list[tuple[str, float]]
) -> None:
    window, now_s = SlidingWindow(per_client, in_all, Seconds(10)), 0.0
    counted: list[tuple[str, float]] = []

    def is_free(address: str, at: float) -> bool:
        live = [whose for whose, when in counted if at - when < 10]
        return live.count(address) < per_client and len(live) < in_all

    for address, pause_s in steps:
        now_s += pause_s
        wait_s = window.wait(address, now_s)
        assert (wait_s is None) is is_free(address, now_s)
        if wait_s is None:
            window.count(address, now_s)
            counted.append((address, now_s))
        else:
            assert 1 <= wait_s <= 10
            assert is_free(address, now_s + wait_s)
