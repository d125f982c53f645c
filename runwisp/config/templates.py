"""Templates of messages, as far as loading the configuration goes (spec: notifications, templates).

What they can say is made in :mod:`runwisp.notify.templates`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runwisp.config.files import CannotRead, read_text
from runwisp.config.problems import one_line, reject
from runwisp.errors import ProblemClass

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

#: The filters that templates have besides those of the language.
FILTERS = ("telegram", "slack", "slack_code", "rfc3339", "human_time", "human_duration")
#: The largest template, in megabytes.
MAX_FILE_MB = 1


def sandbox(*, autoescape: bool = False) -> SandboxedEnvironment:
    """The language: names that are not there are errors, and nothing reaches out of what is given."""
    # They cost more memory than an idle daemon can spare, and few configurations have templates.
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=autoescape)


def read_template(path: str) -> str:
    """The text of a template that can be parsed.

    :raises runwisp.config.problems.Rejected: if it cannot, or the file cannot be read
    """
    try:
        template = read_text(path, MAX_FILE_MB)
    except CannotRead as error:
        raise reject(ProblemClass.IO, f"cannot be used: cannot read {path}: {error}") from None
    _parse(template, path)
    return template


def _parse(template: str, path: str) -> None:
    from jinja2 import TemplateSyntaxError

    language = sandbox()
    language.filters.update(dict.fromkeys(FILTERS, str))
    try:
        language.from_string(template)
    except TemplateSyntaxError as error:
        reason = f"{error.message} at line {error.lineno}"
    # The template becomes Python, which has limits of its own and says so in many ways.
    except Exception as error:
        reason = str(error) or type(error).__name__
    else:
        return
    raise reject(ProblemClass.FORMAT, one_line(f"cannot be used: {path} is no template: {reason}"))
