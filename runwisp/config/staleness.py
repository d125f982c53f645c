"""Whether the files on disk still say what was loaded (spec: config, one source of definitions)."""

from __future__ import annotations

from runwisp.config.files import CannotRead, digest_of, read_text
from runwisp.config.include import matches
from runwisp.config.settings import Config
from runwisp.config.source import MAX_FILE_MB


def is_stale(config: Config) -> bool:
    """Whether a reload would read something else: a file that was changed, has gone or has come.

    It reads files, and so may block. What is only touched, or written again with the same text, is not stale.
    """
    included = matches(config.daemon.include, config.path)
    if not config.files.keys() >= set(included):
        return True
    try:
        return any(digest_of(read_text(path, MAX_FILE_MB)) != digest for path, digest in config.files.items())
    except CannotRead:
        return True
