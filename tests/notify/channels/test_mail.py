"""Letters of both kinds, read by the standard library as mail programs would."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given

from runwisp.config.settings import Notifier
from runwisp.model import UnixMs
from runwisp.notify.channels import sendmail, smtp
from runwisp.notify.message import Message
from runwisp.notify.request import CannotRender, Letter
from runwisp.notify.shorten import head
from tests.notify import events
from tests.notify.channels.received import parts_of, read, text_of
from tests.notify.hostile import BARE, HUGE, WHOLE, failed, message, messages, notifier_of

_PEOPLE = """
from = "RunWisp <runwisp@example.net>"
to = ["Ops, all of them <ops@example.net>", "joe@example.net"]
cc = ["boss@example.net"]
bcc = ["audit@example.net"]
reply_to = "help@example.net"
"""
SMTP = notifier_of(f'type = "smtp"\nhost = "mail.example"\n{_PEOPLE}')
SENDMAIL = notifier_of(f'type = "sendmail"\n{_PEOPLE}')
NOW = UnixMs(events.START + 90_000)
EVERYBODY = ("ops@example.net", "joe@example.net", "boss@example.net", "audit@example.net")
_COMMON = {
    *("From", "To", "Cc", "Reply-To", "Subject", "Date", "Auto-Submitted", "X-Auto-Response-Suppress"),
    *("User-Agent", "MIME-Version", "Content-Type"),
}


class _Elements(HTMLParser):
    """The elements of a document and the text of each that has one."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.attributes: set[str] = set()
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.texts.append("")
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += data


@pytest.mark.parametrize("letter", [smtp.letter(SMTP, WHOLE, NOW), sendmail.letter(SENDMAIL, WHOLE, NOW)])
def test_a_letter_has_the_headers_of_an_automatic_one(letter: Letter) -> None:
    assert (letter.sender, letter.recipients) == ("runwisp@example.net", EVERYBODY)
    headers = read(letter)
    assert {name: headers[name] for name in _COMMON - {"Content-Type"}} == {
        "From": "RunWisp <runwisp@example.net>",
        "To": '"Ops, all of them" <ops@example.net>, joe@example.net',
        "Cc": "boss@example.net",
        "Reply-To": "help@example.net",
        "Subject": "db:backup failed",
        "Date": "Mon, 02 Mar 2026 03:01:30 +0100",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "User-Agent": "runwisp-notify/1",
        "MIME-Version": "1.0",
    }


def test_hidden_recipients_are_told_to_sendmail_alone() -> None:
    assert set(read(smtp.letter(SMTP, WHOLE, NOW)).keys()) == _COMMON | {"Message-ID"}
    letter = read(sendmail.letter(SENDMAIL, WHOLE, NOW))
    assert set(letter.keys()) == _COMMON | {"Bcc", "Content-Transfer-Encoding"}
    assert letter["Bcc"] == "audit@example.net"


def test_an_attempt_that_is_repeated_has_the_same_id_and_another_notifier_has_its_own() -> None:
    other = notifier_of(f'type = "smtp"\nhost = "mail.example"\n{_PEOPLE}')
    ids = [
        read(smtp.letter(notifier, WHOLE, now))["Message-ID"]
        for notifier, now in ((SMTP, NOW), (other, UnixMs(NOW + 5000)), (_renamed(SMTP), NOW))
    ]
    assert ids[0] == ids[1] != ids[2]
    assert re.fullmatch(rf"<{WHOLE.event.id}\.[0-9a-f]{{8}}@example\.net>", ids[0])


def _renamed(notifier: Notifier) -> Notifier:
    return Notifier(id="other", type=notifier.type, options=notifier.options)


def test_a_letter_by_smtp_says_the_same_in_html_and_in_plain_text() -> None:
    plain, html = parts_of(smtp.letter(SMTP, WHOLE, NOW))
    assert plain.splitlines() == [
        "❌ db:backup failed",
        "Exit code 3 after 41s.",
        "Triggered by cron · 2 Mar, 03:00",
        "line 1",
        "line 2",
        "line 3",
        f"Open the run ({WHOLE.link})",
        "from runwisp · bright-falcon",
    ]
    found = _Elements(html)
    assert found.tags == ["html", "body", "h1", "p", "p", "pre", "p", "a", "p"]
    assert found.attributes == {"style", "href"}


def test_a_letter_by_sendmail_is_plain_text() -> None:
    letter = sendmail.letter(SENDMAIL, WHOLE, NOW)
    assert b"\r" not in letter.content
    assert text_of(letter) == (
        "db:backup failed\n\nExit code 3 after 41s.\nTriggered by cron · 2 Mar, 03:00\n\n"
        f"line 1\nline 2\nline 3\n\n{WHOLE.link}\n\n--\nfrom runwisp · bright-falcon\n"
    )


def test_what_would_be_empty_is_left_out() -> None:
    _, html = parts_of(smtp.letter(SMTP, BARE, NOW))
    assert _Elements(html).tags == ["html", "body", "h1", "p", "p", "p"]
    assert text_of(sendmail.letter(SENDMAIL, BARE, NOW)) == (
        "Test message\n\nMessages of this daemon arrive here.\nNoticed by the daemon · 2 Mar, 03:00\n\n"
        "--\nfrom runwisp · bright-falcon\n"
    )
    alone = notifier_of('type = "sendmail"\nfrom = "a@b"\nto = ["c@d"]')
    assert set(read(sendmail.letter(alone, BARE, NOW)).keys()).isdisjoint({"Cc", "Bcc", "Reply-To"})


def test_repeats_are_counted_in_letters_too() -> None:
    told = message(events.failure(), coalesced_count=4, coalesced_summary=True)
    assert "4 times" in parts_of(smtp.letter(SMTP, told, NOW))[0]
    assert "4 times" in text_of(sendmail.letter(SENDMAIL, told, NOW))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("from", "a@b\r\nBcc: eve@example.net"),
        ("from", "x\n <a@b>"),
        ("to", ("a@b", "c@d\nSubject: x")),
        ("reply_to", "a@b\r"),
        ("to", ("jöe@example.net",)),
    ],
)
def test_an_address_with_another_line_is_refused_before_anything_is_sent(key: str, value: object) -> None:
    bad = Notifier(id="m", type=SENDMAIL.type, options={**SENDMAIL.options, key: value})
    with pytest.raises(CannotRender, match="cannot be written"):
        sendmail.letter(bad, BARE, NOW)
    with pytest.raises(CannotRender, match="cannot be written"):
        smtp.letter(bad, BARE, NOW)


def _has_the_subject(letter: Letter, told: Message) -> None:
    subject = read(letter)["Subject"]
    assert _squeezed(subject) == _squeezed(head(" ".join(told.title.split()), 250))
    for line in letter.content.splitlines():
        assert len(line) <= 998
        assert line.isascii()


def _squeezed(text: str) -> str:
    return "".join(text.split())


@given(messages())
@example(HUGE)
@example(failed("=?utf-8?q?=0ABcc=3A_eve=40example.net?=" * 4, "", ""))
def test_hostile_texts_stay_texts_in_a_letter_by_smtp(told: Message) -> None:
    letter = smtp.letter(SMTP, told, NOW)
    assert letter.recipients == EVERYBODY
    assert set(read(letter).keys()) == _COMMON | {"Message-ID"}
    assert letter.content.replace(b"\r\n", b"").isascii()
    assert not {b"\r"[0], b"\n"[0]} & set(letter.content.replace(b"\r\n", b""))
    _has_the_subject(letter, told)
    plain, html = parts_of(letter)
    found = _Elements(html)
    assert found.tags[:4] == ["html", "body", "h1", "p"]
    assert set(found.tags) <= {"html", "body", "h1", "p", "pre", "a"}
    assert found.attributes <= {"style", "href"}
    shown = dict(zip(found.tags, found.texts, strict=True))
    assert shown["h1"].strip("\n") == told.headline
    assert shown.get("pre", "").strip("\n") == told.tail.strip("\n")
    assert _squeezed(told.sentence) in _squeezed(plain)


@given(messages())
@example(HUGE)
@example(failed("=?utf-8?q?=0ABcc=3A_eve=40example.net?=" * 4, "", ""))
def test_hostile_texts_stay_texts_in_a_letter_by_sendmail(told: Message) -> None:
    letter = sendmail.letter(SENDMAIL, told, NOW)
    assert letter.recipients == EVERYBODY
    assert set(read(letter).keys()) - {"Content-Transfer-Encoding"} == _COMMON | {"Bcc"}
    _has_the_subject(letter, told)
    text = text_of(letter)
    assert told.sentence in text
    assert told.tail in text
