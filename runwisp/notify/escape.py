"""Takes the special meaning out of a text, for each of the markups that channels use."""

from __future__ import annotations

import re

#: Parts what it stands between for programs, and not for the eye.
_GAP = "\u200b"
_FENCE_LIKE = re.compile("`(?=`)")
_MENTION = re.compile(r"(?<!\w)@(?=\w)")
_DISCORD = re.compile(r"[\\*_~`|\[\]<]|^[>#-]")
_MARKDOWN_V2 = re.compile(r"[_*\[\]()~`>#+=|{}.!\\-]")


def html(text: str) -> str:
    """For HTML, and for that of Telegram, which knows no other names of characters."""
    return slack(text).replace('"', "&quot;")


def slack(text: str) -> str:
    """For Slack's markup. All that begins a mention, a link or a command there is an angle bracket."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def slack_code(text: str) -> str:
    """For a block of code in Slack's markup."""
    return slack(unfenced(text))


def discord(line: str) -> str:
    """For a line of Discord's Markdown."""
    return _DISCORD.sub(r"\\\g<0>", line)


def telegram_html(text: str) -> str:
    """For Telegram's HTML, so that no name after an ``@`` calls anybody."""
    return html(unmentioned(text))


def telegram_markdown(text: str) -> str:
    """For Telegram's MarkdownV2, likewise."""
    return _MARKDOWN_V2.sub(r"\\\g<0>", unmentioned(text))


def unmentioned(text: str) -> str:
    """Part each ``@`` from a name behind it; addresses of mail stay as they are."""
    return _MENTION.sub(f"@{_GAP}", text)


def unfenced(text: str) -> str:
    """Part backticks that stand together, so that they cannot close a block of code."""
    return _FENCE_LIKE.sub(f"`{_GAP}", text)
