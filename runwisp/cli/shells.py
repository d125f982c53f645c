"""The scripts that make shells complete ``runwisp``, and the answers to them (spec: interfaces, completion).

They call the program with the line so far in the environment; click then finds out which parameter is meant.
"""

from __future__ import annotations

import os

import click
from click.shell_completion import (
    BashComplete,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

from runwisp.cli.completing import VARIABLE

PROGRAM = "runwisp"

_BASH = """\
%(complete_func)s() {
    local kind value
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
            plain) COMPREPLY+=("$value") ;;
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
        esac
    done < <(COMP_WORDS=${COMP_LINE:0:COMP_POINT} COMP_WORDBREAKS=$COMP_WORDBREAKS \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


_ZSH = """\
#compdef %(prog_name)s

%(complete_func)s() {
    local kind value help
    local -a plain described answer
    answer=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) \\
        %(complete_var)s=zsh_complete %(prog_name)s 2>/dev/null)}")
    [[ $PREFIX == --*=* ]] && compset -P '*='
    for kind value help in $answer; do
        case $kind in
            plain) [[ $help == _ ]] && plain+=("$value") || described+=("$value:$help") ;;
            file) _path_files -f ;;
            dir) _path_files -/ ;;
        esac
    done
    [[ -n $described ]] && _describe -V unsorted described
    [[ -n $plain ]] && compadd -V unsorted -a plain
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = """\
function %(complete_func)s
    set -l flag (string match -r -- '^--[^=]*=' (commandline -ct))
    for item in (env COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -ct) \\
            %(complete_var)s=fish_complete %(prog_name)s 2>/dev/null)
        set -l part (string split -m 1 , -- $item)
        switch $part[1]
            case plain
                echo "$flag$part[2]"
            case file
                __fish_complete_path $part[2] | string replace -r -- '^' "$flag"
            case dir
                __fish_complete_directories $part[2] | string replace -r -- '^' "$flag"
        end
    end
end

complete --no-files --command %(prog_name)s --arguments '(%(complete_func)s)'
"""


class _Bash(BashComplete):
    """Click's own takes a name with a colon for three words, as bash does."""

    source_template = _BASH

    def source(self) -> str:
        # Click's looks at the bash of this machine, which need not be the one that the script is for.
        return ShellComplete.source(self)

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)
        incomplete = "" if line[-1:].isspace() else words.pop()
        return words[1:], incomplete

    def complete(self) -> str:
        args, incomplete = self.get_completion_args()
        flag, equals, value = incomplete.partition("=")
        word = value if equals and flag.startswith("-") else incomplete
        # Bash replaces only what comes after the last of these.
        done = max(word.rfind(mark) for mark in os.environ.get("COMP_WORDBREAKS", ":")) + 1
        items = self.get_completions(args, incomplete)
        return "\n".join(f"{item.type},{item.value[done:]}" for item in items)


class _Zsh(ZshComplete):
    """Click's own replaces the flag too when a value behind ``=`` is completed."""

    source_template = _ZSH


class _Fish(FishComplete):
    """Click's own cuts values at a comma, and has nothing to offer behind ``=``."""

    source_template = _FISH


_CLASSES: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}
SHELLS = tuple(_CLASSES)


def register() -> None:
    """Have click answer the scripts."""
    for name, cls in _CLASSES.items():
        add_completion_class(cls, name)


def script(shell: str) -> str:
    """The script for one of :data:`SHELLS`."""
    # The commands do not matter here: they are asked when the script calls.
    return _CLASSES[shell](click.Command(PROGRAM), {}, PROGRAM, VARIABLE).source()
