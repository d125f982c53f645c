from __future__ import annotations

import pytest

from runwisp.errors import UnknownNotifier
from runwisp.notify.targets import find_notifier
from tests import make

NOTIFIERS = make.config("""
[notifiers]
slack = { type = "slack", webhook_url = "https://x.example", channel = "#all" }
telegram = { type = "telegram", bot_token = "b", chat_id = "1" }
discord = { type = "discord", webhook_url = "https://x.example" }
ntfy = { type = "ntfy", topic = "t" }
pushover = { type = "pushover", token = "p", user = "u" }
smtp = { type = "smtp", host = "h", from = "a@b", to = ["c@d"], cc = ["e@f"], bcc = ["g@h"] }
sendmail = { type = "sendmail", from = "a@b", to = ["c@d"], cc = ["e@f"], bcc = ["g@h"] }
""").notifiers


@pytest.mark.parametrize(
    ("token", "replaced"),
    [
        ("slack:#ops", {"channel": "#ops"}),
        ("telegram:-5", {"chat_id": "-5"}),
        ("ntfy:other", {"topic": "other"}),
        ("pushover:u2", {"user": "u2"}),
        ("smtp:x@y", {"to": ("x@y",), "cc": (), "bcc": ()}),
        ("sendmail:x@y", {"to": ("x@y",), "cc": (), "bcc": ()}),
    ],
)
def test_a_target_takes_the_place_of_one_setting(token: str, replaced: dict[str, object]) -> None:
    found, parent = find_notifier(NOTIFIERS, token), NOTIFIERS[token.partition(":")[0]]
    assert (found.id, found.type) == (token, parent.type)
    assert found.options == {**parent.options, **replaced}


def test_a_token_without_a_target_is_the_notifier_itself() -> None:
    assert find_notifier(NOTIFIERS, " slack ") is NOTIFIERS["slack"]


def test_blanks_around_the_parts_do_not_matter() -> None:
    assert find_notifier(NOTIFIERS, " slack : #ops ") == find_notifier(NOTIFIERS, "slack:#ops")


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("gone", "gone, which is no notifier"),
        ("", "'', which is no notifier"),
        ("inapp", "built in"),
        ("inapp:x", "built in"),
        ("slack:", "no target"),
        ("slack:ops", "must begin with # or @"),
        ("discord:x", "takes no target"),
        ("smtp:nobody", "must be an address"),
    ],
)
def test_what_names_no_notifier_is_refused(token: str, says: str) -> None:
    with pytest.raises(UnknownNotifier) as caught:
        find_notifier(NOTIFIERS, token)
    assert says in str(caught.value)
