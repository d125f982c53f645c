"""The configuration to begin with, as ``runwisp init`` and the first ``runwisp`` write it.

Spec: interfaces, without a subcommand.
"""

from __future__ import annotations

import os
from pathlib import Path

from runwisp.errors import RunWispError

STARTER = """\
#:schema ./runwisp.schema.json
# What RunWisp runs. After a change: `runwisp validate`, then `runwisp reload`.
# For an editor that completes keys: `runwisp schema > runwisp.schema.json`.

[tasks.hello]
description = "Says hello when it is asked to: runwisp run-task hello"
run = 'echo "Hello from $RUNWISP_TASK"'

# A task with a schedule: every night at half past two.
#
# [tasks.backup]
# description = "Nightly backup"
# cron = "30 2 * * *"
# timeout = "1h"
# on_overlap = "skip"
# retry_attempts = 2
# retry_delay = "5m"
# run = "./backup.sh"

# A service: two processes that are kept alive.
#
# [services.worker]
# description = "Works through the queue"
# instances = 2
# run = "exec ./worker"
"""


def write_starter(path: Path, text: str = STARTER, *, is_forced: bool = False) -> None:
    """Put the starter, or another configuration, at ``path``, whole or not at all.

    :param is_forced: replace what is there
    :raises RunWispError: there is something, and nobody has said that it may go
    :raises OSError: it cannot be written
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with scratch.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if is_forced:
            scratch.replace(path)
        else:
            # Unlike a renaming, a link never takes the place of anything.
            path.hardlink_to(scratch)
    except FileExistsError:
        error = RunWispError(f"{path} exists already")
        error.hints = ["--force replaces it"]
        raise error from None
    finally:
        scratch.unlink(missing_ok=True)
