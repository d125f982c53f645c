"""Names, outputs and messages that try to break out of their channel."""

from __future__ import annotations

from hypothesis import strategies as st

from runwisp.config.settings import Notifier
from runwisp.model import EndReason, NotifyEvent, NotifyKind, UnixMs
from runwisp.notify.message import Message, build_message
from runwisp.policy import notify_events
from tests import make
from tests.notify import events

#: Each means something to a channel, a header, a terminal or an eye.
TRICKS = (
    '<b>&"\\',
    "```",
    "`",
    "<!channel>",
    "<@U012AB3CD>",
    "@everyone",
    "@here ",
    "\n",
    "\r\n",
    "\nBcc: eve@example.net\n",
    "\n\n<script>x</script>",
    "</blockquote></pre>",
    "&amp;&lt;&#64;",
    "[here](https://eve.example)",
    "*_~|#>-.!{}()=+",
    '","x":"',
    "'\"",
    "{{ 7 * 7 }}{% raw %}",
    "%0d%0a&chat_id=2",
    "=?utf-8?q?=0ABcc=3A_eve=40example.net?=",
    "\u202etxt.exe",
    "\u200f\u2067",
    "\u2028",
    "\x00\x1b[31m\x07",
    "\ud800",
    "\udcff",
    "👩‍🚀",
    "e\u0301",
    "  \t ",
    ".\r\n.\r\n",
    "…",
)
MEGABYTE = 1_000_000

_pieces = st.one_of(st.sampled_from(TRICKS), st.text(max_size=20))
#: Texts of a few characters up to some that no limit has room for.
texts = st.builds(
    lambda pieces, times: "".join(pieces) * times,
    st.lists(_pieces, max_size=8),
    st.sampled_from((1, 1, 1, 3, 40, 400)),
)
names = st.builds(lambda text: text or "x", texts)


def message(
    event: NotifyEvent,
    *,
    tail: str = "",
    external_url: str | None = None,
    fingerprint: str = "bright-falcon",
    coalesced_count: int | None = None,
    coalesced_summary: bool = False,
) -> Message:
    """A message of a daemon in Bratislava."""
    return build_message(
        event,
        fingerprint=fingerprint,
        zone="Europe/Bratislava",
        external_url=external_url,
        tail=tail,
        coalesced_count=coalesced_count,
        coalesced_summary=coalesced_summary,
    )


def failed(
    name: str, reason: str | None, tail: str, *, fingerprint: str = "bright-falcon", url: str | None = None
) -> Message:
    return message(events.failure(name, message=reason), tail=tail, external_url=url, fingerprint=fingerprint)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Messages about events of every kind, in which every text that others write is hostile."""
    kind = draw(st.sampled_from(NotifyKind))
    name, reason = draw(names), draw(st.none() | texts)
    return message(
        _event(kind, name, reason),
        tail=draw(texts),
        external_url=draw(
            st.sampled_from((None, "https://jobs.example.net", "https://e.example/" + "p" * 5000))
        ),
        fingerprint=draw(texts),
        coalesced_count=draw(st.none() | st.integers(1, 10**9)),
        coalesced_summary=draw(st.booleans()),
    )


def _event(kind: NotifyKind, name: str, reason: str | None) -> NotifyEvent:
    if kind is NotifyKind.TEST:
        return notify_events.notify_test(events.event_id(), events.START)
    if kind is NotifyKind.DELIVERY_FAILED:
        return notify_events.delivery_failed(
            events.failure(name), name, reason or "", events.event_id(), UnixMs(events.START)
        )
    run = events.ended_run(_REASONS.get(kind, EndReason.FAILED), name, message=reason)
    if kind is NotifyKind.RUN_STARTED:
        return notify_events.run_started(run, events.event_id(), events.START)
    if kind is NotifyKind.SERVICE_FATAL:
        return notify_events.service_fatal(run, 3, events.event_id(), events.START)
    if kind is NotifyKind.LOG_DISK_PRESSURE:
        return events.disk_pressure(name)
    return events.ended(run)


_REASONS = {
    NotifyKind.RUN_SUCCEEDED: EndReason.SUCCESS,
    NotifyKind.RUN_TIMEOUT: EndReason.TIMEOUT,
    NotifyKind.RUN_CRASHED: EndReason.CRASHED,
    NotifyKind.RUN_STOPPED: EndReason.STOPPED,
    NotifyKind.RUN_QUEUE_FULL: EndReason.QUEUE_FULL,
    NotifyKind.RUN_MISSED: EndReason.MISSED,
}

#: A failure in which all is there, and one whose every text has a megabyte.
WHOLE = failed("db:backup", None, "line 1\nline 2\nline 3", url="https://jobs.example.net")
HUGE = failed("😀" * MEGABYTE, '`<@&"\\' * (MEGABYTE // 6), "`<&\u200b@x" * (MEGABYTE // 6))
BARE = message(notify_events.notify_test(events.event_id(), events.START))


def notifier_of(toml_lines: str) -> Notifier:
    """The notifier ``n`` with the keys of ``toml_lines``."""
    return make.config(f"[notifiers.n]\n{toml_lines}").notifiers["n"]
