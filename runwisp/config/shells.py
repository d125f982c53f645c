"""Which interpreters can be told to stop at the first command that fails (spec: config, shell)."""

from __future__ import annotations

_FAIL_FAST = frozenset(
    {"sh", "bash", "dash", "ash", "busybox", "zsh", "yash"}
    | {"ksh", "ksh93", "mksh", "lksh", "pdksh", "oksh", "loksh"}
)


def is_fail_fast(shell: str) -> bool:
    """True if the shell at this path takes ``-e``."""
    return shell.rpartition("/")[2] in _FAIL_FAST
