"""A text with one mistake, and short ways to write one."""

from __future__ import annotations

from attrs import frozen

TASK = "[tasks.t]\nrun = 'true'\n"
SERVICE = "[services.s]\nrun = 'true'\n"
SLACK = "[[notifier]]\nid = 'n'\ntype = 'slack'\nwebhook_url = 'https://hooks.example.net/x'\n"


@frozen
class Bad:
    """A text with one mistake. ``says`` are parts of its message.

    ``is_beyond_schema``: no schema can tell, for it takes other keys, other files or this machine.
    """

    class_: str
    key: str
    text: str
    says: tuple[str, ...] = ()
    is_beyond_schema: bool = False


def bad_task(class_: str, key: str, line: str, *says: str, beyond: bool = False) -> Bad:
    return Bad(class_, f"tasks.t.{key}", f"{TASK}§{line}\n", ("task t: ", *says), beyond)


def bad_service(class_: str, key: str, line: str, *says: str, beyond: bool = False) -> Bad:
    return Bad(class_, f"services.s.{key}", f"{SERVICE}§{line}\n", ("service s: ", *says), beyond)


def bad_table(table: str, class_: str, key: str, line: str, *says: str, beyond: bool = False) -> Bad:
    return Bad(class_, f"{table}.{key}", f"[{table}]\n§{line}\n", (f"{table}.{key} ", *says), beyond)


def bad_notifier(class_: str, key: str, type_: str, lines: str, *says: str, beyond: bool = False) -> Bad:
    text = f"[[notifier]]\nid = 'n'\ntype = '{type_}'\n{lines}\n"
    return Bad(class_, f"notifier[0].{key}", text, ("notifier n: ", *says), beyond)


def bad_route(class_: str, key: str, lines: str, *says: str, beyond: bool = False) -> Bad:
    text = f"{SLACK}[[notification_route]]\n{lines}\n"
    return Bad(class_, f"notification_route[0].{key}", text, ("route 0: ", *says), beyond)


DURATION_EXAMPLES = ('"2h30m"', '"2d"', '"1w"')
CRON_SHAPES = ("five fields", "six fields", "@every")
