from __future__ import annotations

import os
from pathlib import Path

import pytest

from runwisp.config.loader import FILE_NAME
from runwisp.config.settings import Config
from runwisp.config.staleness import is_stale
from tests.config.loading import load_text

TEXT = """
[daemon]
include = ["conf.d/*.toml"]
[tasks.t]
run = "true"
env_file = "t.env"
secrets_file = "t.secrets"
"""
FILES = {"conf.d/a.toml": "[tasks.a]\nrun = 'a'\n", "t.env": "A=1\n", "t.secrets": "S=1\n"}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_text(tmp_path, TEXT, files=FILES)


def test_what_was_just_loaded_or_only_touched_is_not_stale(config: Config, tmp_path: Path) -> None:
    assert not is_stale(config)
    for name in (FILE_NAME, *FILES):
        os.utime(tmp_path / name, (1, 1))
    assert not is_stale(config)


@pytest.mark.parametrize("name", [FILE_NAME, "conf.d/a.toml", "t.env"])
def test_a_file_that_was_changed_makes_it_stale_until_it_is_changed_back(
    config: Config, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    before = path.read_bytes()
    path.write_bytes(before.replace(b"a", b"b").replace(b"A", b"B"))
    assert is_stale(config)
    path.write_bytes(before)
    assert not is_stale(config)


@pytest.mark.parametrize("name", [FILE_NAME, "conf.d/a.toml", "t.env"])
def test_a_file_that_has_gone_or_is_no_text_makes_it_stale(config: Config, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xff")
    assert is_stale(config)
    (tmp_path / name).unlink()
    assert is_stale(config)


def test_a_file_that_has_come_into_an_included_directory_makes_it_stale(
    config: Config, tmp_path: Path
) -> None:
    (tmp_path / "conf.d/notes.txt").write_text("")
    assert not is_stale(config)
    (tmp_path / "conf.d/b.toml").write_text("")
    assert is_stale(config)


def test_files_of_secrets_are_not_looked_at(config: Config, tmp_path: Path) -> None:
    (tmp_path / "t.secrets").write_text("S=2\n")
    assert not is_stale(config)
