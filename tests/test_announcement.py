from __future__ import annotations

from pathlib import Path

from attrs import evolve

from runwisp import __version__
from runwisp.announcement import Announcement
from runwisp.engine.boot import Taken
from tests.make import config

CONFIG = evolve(
    config(
        """
        [scheduler]
        timezone = "Europe/Vienna"
        [tasks.backup]
        cron = "30 2 * * *"
        run = "true"
        [tasks.mail]
        cron = "@daily"
        timezone = "Europe/London"
        run = "true"
        [tasks.once]
        run = "true"
        [services.web]
        run = "true"
        [services.workers]
        instances = 3
        run = "true"
        """
    ),
    path=Path("/etc/runwisp/runwisp.toml"),
)


def announcement(*, crashed: int = 0, made_up_for: int = 0) -> Announcement:
    return Announcement(
        url="http://127.0.0.1:9477",
        fingerprint="bright-falcon",
        config=CONFIG,
        data=Path("/var/lib/runwisp"),
        taken=Taken(crashed=crashed, made_up_for=made_up_for),
    )


def test_the_banner_says_where_everything_is_and_what_starts_each_unit() -> None:
    assert announcement().banner() == (
        f"RunWisp {__version__}, bright-falcon\n"
        "  listens at     http://127.0.0.1:9477\n"
        "  configuration  /etc/runwisp/runwisp.toml\n"
        "  data           /var/lib/runwisp\n"
        "  time zone      Europe/Vienna (config)\n"
        "  backup   30 2 * * *\n"
        "  mail     @daily (Europe/London)\n"
        "  once     by hand\n"
        "  web      kept alive\n"
        "  workers  kept alive, 3 replicas\n"
    )


def test_what_an_earlier_daemon_has_left_is_counted() -> None:
    banner = announcement(crashed=2, made_up_for=1).banner()
    assert "  crashed runs     2\n" in banner
    assert "  missed, run now  1\n" in banner


def test_a_line_of_the_log_says_the_same() -> None:
    assert announcement(crashed=2, made_up_for=1).fields() == {
        "url": "http://127.0.0.1:9477",
        "version": __version__,
        "fingerprint": "bright-falcon",
        "config": "/etc/runwisp/runwisp.toml",
        "data": "/var/lib/runwisp",
        "tasks": 3,
        "services": 2,
        "timezone": "Europe/Vienna (config)",
        "crashed": 2,
        "made_up_for": 1,
    }
