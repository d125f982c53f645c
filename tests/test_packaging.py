"""What is shipped: an sdist and a wheel that are complete, and a plugin that twistd finds."""

from __future__ import annotations

import shutil
import site
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import runwisp

pytestmark = pytest.mark.system

ROOT = Path(__file__).parent.parent
NOT_SOURCE = (
    ".git",
    ".venv",
    ".tools",
    "build",
    "dist",
    "data",
    "_build",
    "*.egg-info",
    "__pycache__",
    ".*cache",
)
SHIPPED = {".css", ".html", ".js", ".json", ".py", ".sql", ".svg", ".toml"}
TWISTD = "from twisted.scripts.twistd import run; run()"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the sdist and the wheel made from it, built from a copy of the project."""
    source = tmp_path_factory.mktemp("source") / "runwisp"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*NOT_SOURCE))
    dist = tmp_path_factory.mktemp("dist")
    output(source, sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(source))
    return dist


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of a new virtual environment with the wheel.

    Dependencies come from the environment of the tests, whose directory is added as a plain path: the
    ``.pth`` files in it, among them that of an editable install, have no effect there.
    """
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet")
    output(home, *pip, "--no-deps", "--no-index", str(wheel))
    libraries = next(home.glob("lib/python*/site-packages"))
    (libraries / "test-environment.pth").write_text("\n".join(site.getsitepackages()))
    return home / "bin"


def output(directory: Path, *command: str) -> str:
    """What a command that has to succeed prints, run in a directory other than the project's."""
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_wheel_has_every_module_and_data_file_of_the_package(wheel: Path) -> None:
    wanted = {str(path.relative_to(ROOT)) for path in (ROOT / "runwisp").rglob("*") if path.suffix in SHIPPED}
    assert {Path(name).suffix for name in wanted} == SHIPPED
    names = set(zipfile.ZipFile(wheel).namelist())
    assert wanted | {"twisted/plugins/runwisp_plugin.py"} <= names
    assert not {"twisted/__init__.py", "twisted/plugins/__init__.py"} & names


def test_the_wheel_has_nothing_but_the_package_and_the_plugin(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"runwisp", "twisted", f"runwisp-{runwisp.__version__}.dist-info"}


def test_the_sdist_has_what_tests_and_documentation_need(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        ".ci/need",
        ".ci/run",
        "CHANGES.rst",
        "LICENSE",
        "Makefile",
        "README.rst",
        "contrib/demo/hints.txt",
        "docs/conf.py",
        "docs/index.rst",
        "pyproject.toml",
        "setup.cfg",
        "tests/test_packaging.py",
        "twisted/plugins/runwisp_plugin.py",
    } <= names


def test_the_installed_wheel_is_not_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = output(tmp_path, str(installed / "python"), "-c", "import runwisp; print(runwisp.__file__)")
    assert Path(where).is_relative_to(installed.parent)


def test_twistd_finds_the_plugin_of_the_installed_wheel(installed: Path, tmp_path: Path) -> None:
    shown = output(tmp_path, str(installed / "python"), "-c", TWISTD, "--help")
    assert "Runs tasks and keeps services alive." in shown


def test_the_plugin_of_the_installed_wheel_knows_our_options(installed: Path, tmp_path: Path) -> None:
    shown = output(tmp_path, str(installed / "python"), "-c", TWISTD, "-n", "runwisp", "--help")
    assert all(option in shown for option in ("--config", "--data", "--host", "--port"))


def test_the_command_of_the_installed_wheel_tells_its_version(installed: Path, tmp_path: Path) -> None:
    assert runwisp.__version__ in output(tmp_path, str(installed / "runwisp"), "--version")


def test_twistd_finds_the_plugin_of_the_environment_of_the_tests(tmp_path: Path) -> None:
    shown = output(tmp_path, sys.executable, "-c", TWISTD, "--help")
    assert "Runs tasks and keeps services alive." in shown


def test_the_command_of_the_environment_of_the_tests_tells_its_version(tmp_path: Path) -> None:
    command = Path(sys.executable).parent / "runwisp"
    assert runwisp.__version__ in output(tmp_path, str(command), "--version")
