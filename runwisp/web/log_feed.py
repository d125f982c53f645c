"""Hands the lines of logs to any number of followers (spec: logs, following from line n).

All who have caught up with a log get the same events, made of what was just written. Who is behind reads on
from the files, and shares what is made of them with all who are at the same line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from attrs import Factory, define, field, frozen
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from runwisp.engine.happening import Happening
from runwisp.engine.seams import InThread
from runwisp.logs.follow import LINES_LIMIT, Arrivals, Lines, Passage, Rotated, lines_of
from runwisp.logs.library import Library
from runwisp.logs.live import Batch
from runwisp.logs.reader import Snapshot
from runwisp.logs.render import render
from runwisp.logs.writer import LogWriter
from runwisp.model import Run, RunId, Stream
from runwisp.web.log_frames import Frame, Frames, frame_of, frames_of
from runwisp.web.pace import Pace
from runwisp.web.resources.events import LogRotated
from runwisp.web.resources.log import PartialLine
from runwisp.web.routing import Outlet
from runwisp.web.sse import Nudge, event

#: The share of all time that may go into reading and writing down lines, and for how long it may be exceeded.
WORK_SHARE = 0.4
WORK_BURST_S = 0.25
#: What is kept of the events with lines that were made or used last.
KEPT_BYTES = 4 * 1024 * 1024
KEPT_FRAMES = 256
#: New lines are handed out at once after a pause, and in quick succession at most so often.
HAND_OUT_EVERY_S = 0.025
#: A tail is shown at most so often (spec: rest, log stream).
TAILS_EVERY_S = 0.1

_PIPES = (Stream.STDOUT, Stream.STDERR)


@frozen(kw_only=True)
class Means:
    """What following a log takes; shared by all logs.

    :param in_reactor: calls a function soon, in the thread of the reactor; it may be called in any thread
    """

    clock: IReactorTime
    in_thread: InThread
    in_reactor: Callable[[Callable[[], None]], object]
    pace: Pace = field(
        default=Factory(lambda self: Pace(self.clock, WORK_SHARE, WORK_BURST_S), takes_self=True)
    )
    frames: Frames = field(factory=partial(Frames, KEPT_BYTES, KEPT_FRAMES))


@frozen(eq=False)
class _Tail:
    """What a stream has written since its last newline: ``data`` as it is, ``text`` as an event."""

    data: bytes
    text: bytes


@define(eq=False)
class _Client:
    """``line`` is the number of the line that it gets next, 0 before that is known.

    ``tails`` are those that it shows.
    """

    outlet: Outlet
    passage: Passage
    line: int = 0
    tails: dict[Stream, _Tail] = field(factory=dict)
    nudge: Nudge = field(factory=Nudge)


class LogFeed:
    """All who follow the log of the run ``run_id``.

    :param writer: who writes it, None if nobody does any more
    """

    def __init__(
        self, means: Means, run_id: RunId, open_snapshot: Callable[[], Snapshot], writer: LogWriter | None
    ) -> None:
        self._means = means
        self._run_id = run_id
        self._open_snapshot = open_snapshot
        self._writer = writer
        self._clients: set[_Client] = set()
        self._reading: dict[int, Happening] = {}
        # The line after the last that was handed out as new; where there is no writer, after the last at all.
        self._front = 1
        self._is_closed = writer is None
        self._tails: dict[Stream, _Tail] = {}
        self._tails_s = 0.0
        self._handed_out_s = 0.0
        self._call: IDelayedCall | None = None
        self._tails_call: IDelayedCall | None = None
        self._arrivals: Arrivals | None = None
        if writer is not None:
            self._arrivals = Arrivals(writer, lambda: means.in_reactor(self._woken))
            arrived = self._arrivals.take()
            self._front, self._is_closed = arrived.next_line, arrived.is_closed

    @property
    def has_clients(self) -> bool:
        return bool(self._clients)

    async def follow(self, outlet: Outlet, start: int) -> int:
        """Write every line from ``start`` on to ``outlet``; a negative ``start`` counts from the end.

        :return: the number of the last line, when the log is closed
        :raises OSError: the files cannot be read
        """
        client = _Client(outlet, Passage(self._open_snapshot))
        self._clients.add(client)
        try:
            await self._begin(client, start)
            while True:
                await outlet.ready()
                if client.line < self._front:
                    await self._catch_up(client)
                elif self._is_closed:
                    return client.line - 1
                else:
                    client.passage.rest()
                    self._want_tails([client])
                    await client.nudge.wait()
        finally:
            self._clients.discard(client)
            client.passage.close()

    def close(self) -> None:
        """Nobody follows the log any more."""
        if self._arrivals is not None:
            self._arrivals.close()
        for call in (self._call, self._tails_call):
            if call is not None and call.active():
                call.cancel()
        self._means.frames.forget(self._run_id)

    # Who is behind

    async def _begin(self, client: _Client, line: int) -> None:
        async with self._means.pace.turn():
            start = await self._means.in_thread(client.passage.start, line)
        client.line = start.line
        if self._writer is None:
            self._front = start.total_lines + 1
        if start.is_gone:
            client.outlet.write(event("rotated", LogRotated(start.line)))

    async def _catch_up(self, client: _Client) -> None:
        """Hand the client the next event of the files, or wait until somebody else has read it."""
        line = client.line
        made = self._means.frames.get(self._run_id, line)
        if made is not None:
            _give(client, made)
        elif line in self._reading:
            await self._reading[line].when()
        else:
            reading = self._reading[line] = Happening()
            try:
                self._take(client, await self._read(client))
            finally:
                del self._reading[line]
                reading.happen()

    async def _read(self, client: _Client) -> Frame | Rotated | None:
        async with self._means.pace.turn():
            last = self._end_of_frame(client.line)
            return await self._means.in_thread(_read, client.passage, client.line, last)

    def _take(self, client: _Client, read: Frame | Rotated | None) -> None:
        if isinstance(read, Frame):
            self._means.frames.put(self._run_id, read)
            _give(client, read)
        elif read is not None:
            client.line = read.first_available
            client.outlet.write(event("rotated", LogRotated(client.line)))
        else:
            raise FileNotFoundError(f"line {client.line} of the log of {self._run_id} is gone")

    def _end_of_frame(self, line: int) -> int:
        """Where an event that begins with ``line`` ends, so that the next one is the same for many."""
        ends = [self._front - 1, (line - 1) // LINES_LIMIT * LINES_LIMIT + LINES_LIMIT]
        following = self._means.frames.next_start(self._run_id, line)
        return min(ends) if following is None else min(*ends, following - 1)

    # Who has caught up

    def _woken(self) -> None:
        if self._call is None and self._clients:
            pause_s = self._handed_out_s + HAND_OUT_EVERY_S - self._means.clock.seconds()
            delay_s = max(0.0, pause_s, self._means.pace.delay_s)
            self._call = self._means.clock.callLater(delay_s, self._hand_out)

    def _hand_out(self) -> None:
        """Give what is new to those who are waiting for it."""
        assert self._arrivals is not None
        self._call = None
        self._handed_out_s = self._means.clock.seconds()
        arrived = self._arrivals.take()
        waiting = [client for client in self._clients if client.line == self._front]
        if arrived.batches and waiting and arrived.batches[0].first_line == self._front:
            with self._means.pace.work():
                self._hand_out_lines(arrived.batches, waiting)
        self._front, self._is_closed = arrived.next_line, arrived.is_closed
        for client in tuple(self._clients):
            if client.line < self._front or self._is_closed:
                client.nudge.give()
        self._want_tails(self._clients)

    def _hand_out_lines(self, batches: Sequence[Batch], clients: Sequence[_Client]) -> None:
        for made in frames_of([line for batch in batches for line in lines_of(batch)]):
            self._means.frames.put(self._run_id, made)
            for client in clients:
                if client.line == made.first and client.outlet.is_ready:
                    _give(client, made)

    # Tails

    def _want_tails(self, clients: Iterable[_Client]) -> None:
        """Show the tails soon, if one of these has caught up and does not show them yet."""
        if self._tails_call is not None:
            return
        self._look_at_tails()
        if any(client.line == self._front and client.tails != self._tails for client in clients):
            delay_s = self._tails_s + TAILS_EVERY_S - self._means.clock.seconds()
            self._tails_call = self._means.clock.callLater(max(0.0, delay_s), self._show_tails)

    def _look_at_tails(self) -> None:
        """Note what is pending, unless lines that nobody has got yet stand before it."""
        writer = self._writer
        if writer is None or writer.total_lines >= self._front:
            return
        for stream in _PIPES:
            data = writer.tails.get(stream, b"")
            if not data:
                self._tails.pop(stream, None)
            elif stream not in self._tails or self._tails[stream].data != data:
                self._tails[stream] = _Tail(data, _partial(stream, render(data)))

    def _show_tails(self) -> None:
        self._tails_call = None
        self._tails_s = self._means.clock.seconds()
        self._look_at_tails()
        for client in tuple(self._clients):
            if client.outlet.is_ready and client.line == self._front:
                self._show_tails_to(client)
            else:
                client.nudge.give()

    def _show_tails_to(self, client: _Client) -> None:
        for stream in _PIPES:
            tail = self._tails.get(stream)
            if tail is client.tails.get(stream):
                continue
            if tail is None:
                del client.tails[stream]
                client.outlet.write(_partial(stream, ""))
            else:
                client.tails[stream] = tail
                client.outlet.write(tail.text)


@define(eq=False)
class LogFeeds:
    """The logs that are followed at the moment."""

    _means: Means
    _library: Library
    _feeds: dict[RunId, LogFeed] = field(factory=dict, init=False)

    async def follow(self, run: Run, outlet: Outlet, start: int) -> int:
        """:meth:`LogFeed.follow`, for a run that has ended or whose log is being written."""
        feed = self._feeds.get(run.id)
        if feed is None:
            open_snapshot = partial(self._library.snapshot, run)
            writer = self._library.writer(run.id)
            feed = self._feeds[run.id] = LogFeed(self._means, run.id, open_snapshot, writer)
        try:
            return await feed.follow(outlet, start)
        finally:
            if not feed.has_clients and self._feeds.get(run.id) is feed:
                del self._feeds[run.id]
                feed.close()


def _give(client: _Client, made: Frame) -> None:
    client.outlet.write(made.text)
    client.line = made.last + 1
    for stream in made.streams:
        client.tails.pop(stream, None)


def _partial(stream: Stream, text: str) -> bytes:
    return event("partial", PartialLine(stream=stream, text=text))


def _read(passage: Passage, line: int, last: int) -> Frame | Rotated | None:
    step = passage.read(line, last)
    return frame_of(step.items) if isinstance(step, Lines) else step
