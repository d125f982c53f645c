"""The peers, each at a fixed version in a virtual environment of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SUPERVISOR = "supervisor==4.3.0"
CRONSTABLE = "cronstable==1.2.72"
CIRCUS = "circus==0.19.0"


def install(tools: Path, requirement: str) -> Path:
    """The ``bin`` directory of the environment below ``tools`` that has ``requirement``; made when missing.

    :raises subprocess.CalledProcessError: pip cannot install it
    """
    home = tools / requirement.replace("==", "-")
    complete = home / "complete"
    if not complete.exists():
        print(f"installing {requirement} into {home}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", requirement], check=True, stdout=sys.stderr)
        complete.touch()
    return home / "bin"
