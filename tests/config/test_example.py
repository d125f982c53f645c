from __future__ import annotations

from pathlib import Path

import pytest
import tomli
from attrs import evolve

from runwisp.config.settings import Config
from runwisp.model import CatchUp, Overlap, RunOnStart, Seconds
from tests.config.example import ALIASED, CANONICAL, ENVIRON, FILES
from tests.config.loading import load_text
from tests.config.test_schema import VALIDATOR


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_text(tmp_path, CANONICAL, ENVIRON, FILES)


def test_the_example_loads_without_a_warning(config: Config) -> None:
    assert config.warnings == ()


@pytest.mark.parametrize("text", [CANONICAL, ALIASED])
def test_the_example_fits_the_schema(text: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(tomli.loads(text))] == []


def test_other_names_make_no_difference(config: Config, tmp_path: Path) -> None:
    aliased = load_text(tmp_path, ALIASED, ENVIRON, FILES)
    assert evolve(aliased, warnings=()) == evolve(config, warnings=())


def test_the_tables_of_the_example_come_out_complete(config: Config) -> None:
    assert set(config.tasks) == {"statements", "sync:mirror", "ping", "extra"}
    assert set(config.services) == {"store", "api"}
    assert set(config.notifiers) == {"chat", "pager"}
    assert len(config.routes) == 2
    assert config.daemon.trusted_proxies == ("192.168.7.0/24", "10.1.1.1/32")
    assert config.daemon.allowed_hosts == ("cron.lan", "cron.example.org")
    assert config.daemon.external_url == "https://cron.example.org"
    assert config.daemon.metrics_enabled


def test_a_task_of_the_example_comes_out_complete(config: Config) -> None:
    task = config.tasks["statements"]
    assert (task.description, task.timezone, task.timeout) == (
        "Prints test statements for $5",
        "Europe/Zurich",
        None,
    )
    assert task.env == {"REGION": "eu", "TZ": "UTC", "STAGE": "live"}
    assert task.secrets == {"API_KEY": "k1", "DB": "k2"}
    assert (task.on_overlap, task.catch_up) == (Overlap.TERMINATE, CatchUp.SKIP)
    assert (task.parallelism, task.umask, task.user) == (2, 0o77, "books:books")
    assert task.failures[-2:] == ("42", "stopped")
    assert "missed" not in task.failures
    assert '"${month:?}"' in task.run
    assert config.tasks["sync:mirror"].run_on_start is RunOnStart.BOOT
    assert config.tasks["extra"].catch_up is CatchUp.ALL


def test_a_service_of_the_example_comes_out_complete(config: Config) -> None:
    api, store = config.services["api"], config.services["store"]
    assert (api.instances, api.depends_on, api.restart_attempts) == (4, ("store",), 8)
    assert api.notify_on_failure == ("pager",)
    assert (store.stop_signal, store.healthy_after) == ("SIGQUIT", Seconds(3))
    assert not hasattr(store, "timeout")
