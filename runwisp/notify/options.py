"""The settings of a notifier with the types that its type of notifier gives them."""

from __future__ import annotations

from runwisp.config.settings import Notifier


def text(notifier: Notifier, key: str) -> str:
    value = notifier.options[key]
    assert isinstance(value, str)
    return value


def optional_text(notifier: Notifier, key: str) -> str | None:
    """None if it is not set, or nothing that this type of notifier has."""
    value = notifier.options.get(key)
    assert value is None or isinstance(value, str)
    return value


def texts(notifier: Notifier, key: str) -> tuple[str, ...]:
    value = notifier.options[key]
    assert isinstance(value, tuple)
    return value


def mapping(notifier: Notifier, key: str) -> dict[str, str]:
    """Empty if it is not set."""
    value = notifier.options[key]
    assert value is None or isinstance(value, dict)
    return value or {}
