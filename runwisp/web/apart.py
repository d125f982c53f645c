"""Work in threads for requests whose client may leave before it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


def spared(work: Deferred[T], on_cancel: Callable[[], None] = lambda: None) -> Deferred[T]:
    """What ``work`` comes to. Who awaits this can be cancelled; the work is not, since no thread can be.

    :param on_cancel: called then, to let the work end early
    """
    waiting: Deferred[T] = Deferred(lambda _: on_cancel())

    def tell(result: T | Failure) -> None:
        # Otherwise nobody is left who wants to know, not even of a failure.
        if not waiting.called:
            waiting.callback(result)

    work.addBoth(tell)
    return waiting
