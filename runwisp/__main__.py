"""``python -m runwisp`` is ``runwisp``."""

from __future__ import annotations

from runwisp.cli.main import main

main(prog_name="runwisp")
