"""Sphinx configuration. `make docs` builds the pages."""

from __future__ import annotations

import sys
from pathlib import Path

import runwisp

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "RunWisp"
author = "the RunWisp authors"
copyright = "the RunWisp authors"
version = release = runwisp.__version__

extensions = [
    "api_reference",
    "cli_reference",
    "config_reference",
    "keys_reference",
    "manual_pages",
    "screen",
]
exclude_patterns = ["_build", "parts"]
highlight_language = "none"
smartquotes = False
html_theme = "alabaster"
html_theme_options = {
    "description": "Scheduled tasks and kept-alive services, with a record of every run",
    "page_width": "1080px",
    "fixed_sidebar": True,
}
html_show_copyright = False
html_show_sourcelink = False

man_pages = [
    ("man/runwisp", "runwisp", "scheduled tasks and kept-alive services", author, 1),
    ("man/runwisp.toml", "runwisp.toml", "what RunWisp runs", author, 5),
]
