"""The seam between routing and what goes out of the machine."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from zope.interface import Interface

from runwisp.config.settings import Config
from runwisp.model import NotifyEvent
from runwisp.policy.coalescing import Due


class IOutbound(Interface):
    """Delivers messages through the notifiers of a configuration, and never delays its caller.

    A notifier is named by its token, ``id`` or ``id:target``, as the configuration has it.
    """

    def start(config: Config, fingerprint: str) -> None:
        """Take up what an earlier daemon left to be sent; called once, before the first :meth:`send`.

        :param fingerprint: the name of this daemon in messages
        """

    def send(token: str, due: Due) -> None:
        """Queue a message for one notifier; the first one for a token takes that notifier up."""

    def change(config: Config) -> None:
        """Use the notifiers of a new configuration; attempts under way come to their end with the old."""

    def stop(within_s: float) -> Deferred[None]:
        """Send what is queued for at most ``within_s`` seconds; fires when nothing is under way any more.

        What is not sent by then stays for the next daemon. Cancelling gives up at once.
        """


class IBell(Interface):
    """The rows of the bell, for those who have something to put there beside the routes."""

    def ring(events: Sequence[NotifyEvent]) -> Deferred[None]:
        """Store ``events``; fires when the rows are written and told to the bus.

        It does not fail: what the database refuses at the moment is written later.
        """
