"""What the writer of a log tells those who follow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from attrs import frozen

from runwisp.model import Stream, UnixMs


@frozen
class Batch:
    """Lines that have just been written: ``data`` are whole lines, ``first_line`` the number of the first.

    With ``flags`` it is exactly one line.
    """

    first_line: int
    last_line: int
    stream: Stream
    data: bytes
    ts: UnixMs
    flags: int


@frozen
class TailChanged:
    """Another tail is pending in ``stream``; the writer's ``tails`` has it."""

    stream: Stream


@frozen
class Closed:
    """No line will follow."""


Update: TypeAlias = Batch | TailChanged | Closed
Subscriber: TypeAlias = Callable[[Update], None]
