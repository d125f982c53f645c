"""Delivery by the program sendmail (spec: notifications, attempts and per type)."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Mapping

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.error import ProcessTerminated
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from runwisp.config.settings import Notifier
from runwisp.engine.process import STDERR, IChild, ISpawner, Launch, StartFailed
from runwisp.model import Seconds
from runwisp.notify import options, payload
from runwisp.notify.channel import Parcel, Permanent, Retryable, Teller
from runwisp.notify.message import Message
from runwisp.notify.request import CannotRender, Letter
from runwisp.policy.delivery import LONGEST_MAIL_ATTEMPT
from runwisp.units import now_ms

USUAL_PLACES = ("/usr/sbin/sendmail", "/usr/lib/sendmail", "/usr/bin/sendmail")
_NAME = "sendmail"
#: So much of what it complains about is repeated.
_MOST_BYTES = 4096
#: So long its pipes may stay open when it has ended.
FAREWELL_S = 1.0
#: ``EX_TEMPFAIL`` of sysexits.h.
_TRY_LATER = 75


class SendmailChannel:
    """A notifier of the type sendmail.

    :param environ: the environment of the program
    :param places: where it is looked for, before ``$PATH`` is searched
    :param limit: an attempt takes no longer
    """

    def __init__(
        self,
        notifier: Notifier,
        clock: IReactorTime,
        spawner: ISpawner,
        wall: Callable[[], float],
        environ: Mapping[str, str],
        places: tuple[str, ...] = USUAL_PLACES,
        limit: Seconds = LONGEST_MAIL_ATTEMPT,
    ) -> None:
        self._notifier = notifier
        self._clock = clock
        self._spawner = spawner
        self._wall = wall
        self._environ = environ
        self._places = places
        self._limit = limit
        self._teller = Teller(notifier)

    def write(self, message: Message) -> Letter:
        try:
            return payload.letter(self._notifier, message, now_ms(self._wall))
        except CannotRender as error:
            raise Permanent(self._teller.sentence(str(error)), has_gone_out=False) from error

    def send(self, parcel: Parcel) -> Deferred[str]:
        assert isinstance(parcel, Letter)
        sent = Deferred.fromCoroutine(self._send(parcel))
        return sent.addTimeout(self._limit, self._clock)

    async def _send(self, letter: Letter) -> str:
        program = self._program()
        ear = _Ear()
        child = self._start(program, letter, ear)
        try:
            await child.when_exited()
        except CancelledError:
            child.signal_group(signal.SIGKILL)
            text = f"{program} took longer than {self._limit:g} s"
            raise Retryable(self._teller.sentence(text)) from None
        finally:
            await self._hear_out(child, ear)
        return self._judged(program, ear)

    def _program(self) -> str:
        own = options.optional_text(self._notifier, "sendmail_path")
        if own is not None:
            return own
        for place in self._places:
            if os.access(place, os.X_OK):
                return place
        found = shutil.which(_NAME, path=self._environ.get("PATH"))
        if found is None:
            tried = ", ".join((*self._places, "$PATH"))
            text = self._teller.sentence(f"there is no {_NAME}; tried {tried}")
            raise Permanent(text, has_gone_out=False)
        return found

    def _start(self, program: str, letter: Letter, ear: _Ear) -> IChild:
        try:
            # It has no name, so that nothing of the letter stays if we are killed.
            with tempfile.TemporaryFile() as file:
                file.write(letter.content)
                file.seek(0)
                launch = Launch((program, "-t", "-i"), self._environ, cwd="/", stdin=file.fileno())
                return self._spawner.spawn(ear, launch)
        except StartFailed as error:
            raise Permanent(self._teller.sentence(error.reason), has_gone_out=False) from error
        except OSError as error:
            text = self._teller.sentence(f"the letter cannot be handed on: {error.strerror}")
            raise Retryable(text, has_gone_out=False) from error

    async def _hear_out(self, child: IChild, ear: _Ear) -> None:
        """Let it finish what it says; who delivers in the background may keep its pipes for longer."""
        try:
            await ear.ended.addTimeout(FAREWELL_S, self._clock)
        except (CancelledError, TimeoutError):
            child.close_pipes()

    def _judged(self, program: str, ear: _Ear) -> str:
        said = self._teller.excerpt(bytes(ear.complaint), _MOST_BYTES)
        if ear.status is None:
            return said or "accepted"
        how = f"exit code {ear.status}" if ear.status >= 0 else f"signal {-ear.status}"
        text = self._teller.sentence(f"{program}: {how}: {said}".removesuffix(": "))
        raise Retryable(text) if ear.status == _TRY_LATER else Permanent(text)


class _Ear(ProcessProtocol):
    """Hears what the program complains about, and how it ends.

    ``status`` is its exit code, or the number of a signal below 0; None if it has succeeded.
    """

    def __init__(self) -> None:
        self.complaint = bytearray()
        self.status: int | None = None
        #: Fires when it has ended and its pipes are closed.
        self.ended: Deferred[None] = Deferred()

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        if childFD == STDERR:
            self.complaint += data[: _MOST_BYTES - len(self.complaint)]

    def processExited(self, reason: Failure) -> None:
        ended = reason.value
        if isinstance(ended, ProcessTerminated):
            self.status = ended.exitCode if ended.exitCode is not None else -(ended.signal or 0)

    def processEnded(self, reason: Failure) -> None:
        if not self.ended.called:
            self.ended.callback(None)
