"""`bigconst completion SHELL`: a script by which bash, zsh or fish complete commands, options and files.

The script is made from the parser of the commands, whose metavars say what a value is: DIR is a directory; FILE, A, B
and PNG are files.  Choices are completed as words.
"""

import argparse
import functools
import re
from dataclasses import dataclass

from bigconst.base.screen import write

_EPILOG = """\
examples:
  source <(bigconst completion bash)                                   in ~/.bashrc
  bigconst completion zsh > ~/.zfunc/_bigconst                         ~/.zfunc being in fpath before compinit
  bigconst completion fish > ~/.config/fish/completions/bigconst.fish
"""
FILES, DIRECTORIES = "files", "directories"
_MOST_CHOICES = 12
"""most choices that are completed: more, like the numbers 0 to 19, are not worth a list"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object, whose commands, also those added later, it completes."""
    parser = commands.add_parser(
        "completion", help="script for the shell's completion", epilog=_EPILOG,
        description="Print a script by which a shell completes commands, options, choices, files and directories.")
    parser.add_argument("shell", choices=tuple(_SCRIPTS), help="which shell")
    parser.set_defaults(run=functools.partial(run, commands))


@dataclass(frozen=True)
class Takes:
    """The values of an argument: a kind of path, or one of some words; a number has neither."""

    paths: str = ""
    """FILES, DIRECTORIES or neither"""
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """An option in its long form, or in its only form."""

    name: str
    help: str
    value: Takes | None
    """None for a switch"""


@dataclass(frozen=True)
class Command:
    """A command; one of two words, like `estimate phi`, has both in `path`."""

    path: tuple[str, ...]
    help: str
    options: tuple[Option, ...]
    operands: Takes
    """values of all positional arguments together"""


def run(commands: argparse._SubParsersAction, arguments: argparse.Namespace) -> int:
    """Print the script of a shell for an argparse subparsers object."""
    write(_SCRIPTS[arguments.shell](described(commands)), end="")
    return 0


def described(commands: argparse._SubParsersAction, path: tuple[str, ...] = ()) -> list[Command]:
    """The commands of an argparse subparsers object, each followed by those below it."""
    # argparse has no public way to ask for any of this.
    helps = {each.dest: each.help for each in commands._choices_actions}
    found = []
    for name, parser in commands.choices.items():
        options, operands, below = [], [], []
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                below += described(action, (*path, name))
                operands.append(Takes(words=tuple(action.choices)))
            elif action.option_strings:
                value = None if action.nargs == 0 else _takes(action)
                options.append(Option(action.option_strings[-1], _plain(action.help), value))
            else:
                operands.append(_takes(action))
        paths = {each.paths for each in operands}
        together = Takes(next((kind for kind in (FILES, DIRECTORIES) if kind in paths), ""),
                         tuple(word for each in operands for word in each.words))
        found += [Command((*path, name), _plain(helps[name]), tuple(options), together), *below]
    return found


def _takes(action: argparse.Action) -> Takes:
    names = action.metavar if isinstance(action.metavar, str) else action.dest
    if action.choices is not None and len(choices := tuple(map(str, action.choices))) <= _MOST_CHOICES:
        return Takes(words=choices)
    if "FILE" in names or names in ("A", "B", "PNG"):      # also FILE-OR-URL; A and B are compared
        return Takes(FILES)
    return Takes(DIRECTORIES if "DIR" in names else "")


def _plain(text: str | None) -> str:
    """Help as one line."""
    return " ".join((text or "").replace("%%", "%").split())


# -- bash ---------------------------------------------------------------------------------

_BASH = """\
# bash completion for bigconst: source <(bigconst completion bash)
_bigconst() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD - 1]}}"
    local command="" words="" paths="" options="" line
    # bash parts --option=value at the sign.
    if [[ $word == "=" ]]; then word=""; elif [[ $before == "=" ]]; then before="${{COMP_WORDS[COMP_CWORD - 2]}}"; fi
    (( COMP_CWORD > 1 )) && command="${{COMP_WORDS[1]}}"
    (( COMP_CWORD > 2 )) && case "$command ${{COMP_WORDS[2]}}" in
        {nested}) command+=" ${{COMP_WORDS[2]}}" ;;
    esac
    case "$command $before" in
{values}
        *) case "$command" in
{commands}
        esac ;;
    esac
    [[ -n $options && ( $word == -* || -z $words$paths ) ]] && words="$options" paths=""
    COMPREPLY=()
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
        [[ -n $words ]] && compgen -W "$words" -- "$word"
        case "$paths" in files) compgen -f -- "$word" ;; directories) compgen -d -- "$word" ;; esac
    )
    [[ -z $paths ]] || compopt -o filenames 2> /dev/null
}}
complete -F _bigconst bigconst
"""


def bash(commands: list[Command]) -> str:
    """The script for bash."""
    known: dict[str, set[Takes | None]] = {}
    for command in commands:
        for option in command.options:
            known.setdefault(option.name, set()).add(option.value)
    groups: dict[Takes, dict[str, None]] = {}       # ordered sets of patterns
    for command in commands:
        for option in command.options:
            if option.value is not None:
                # Most options mean the same with every command.
                pattern = (f'*" {option.name}"' if len(known[option.name]) == 1
                           else f'"{" ".join(command.path)} {option.name}"')
                groups.setdefault(option.value, {})[pattern] = None
    values = "\n".join(f"        {'|'.join(patterns)}) {_assigned(takes)} ;;" for takes, patterns in groups.items())
    top = f'            "") {_assigned(Takes(words=_first_words(commands)))} ;;'
    arms = [f'            "{" ".join(command.path)}") {_assigned(command.operands, command.options)} ;;'
            for command in commands]
    nested = "|".join(f'"{" ".join(each.path)}"' for each in commands if len(each.path) == 2) or "' '"
    return _BASH.format(nested=nested, values=values, commands="\n".join([top, *arms]))


def _first_words(commands: list[Command]) -> tuple[str, ...]:
    return (*(each.path[0] for each in commands if len(each.path) == 1), "--help", "--version")


def _assigned(takes: Takes, options: tuple[Option, ...] = ()) -> str:
    values = {"words": " ".join(takes.words), "paths": takes.paths, "options": " ".join(each.name for each in options)}
    return "; ".join(f'{name}="{value}"' for name, value in values.items() if value) or ":"


# -- zsh ----------------------------------------------------------------------------------

_ZSH = """\
#compdef bigconst
_bigconst() {{
    local -a commands=(
{names}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        compadd -- --help --version
        return
    fi
    local command=$words[2]
    shift words; (( CURRENT-- ))
    if (( CURRENT > 2 )) && [[ "$command $words[2]" == ({nested}) ]]; then
        command+=" $words[2]"
        shift words; (( CURRENT-- ))
    fi
    case $command in
{commands}
    esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _bigconst "$@"; else compdef _bigconst bigconst; fi
"""


def zsh(commands: list[Command]) -> str:
    """The script for zsh: a function file below fpath, or to be sourced after compinit."""
    names = "\n".join(f"        '{each.path[0]}:{_zsh_text(each.help)}'" for each in commands if len(each.path) == 1)
    nested = "|".join(f"'{' '.join(each.path)}'" for each in commands if len(each.path) == 2) or "' '"
    arms = []
    for command in commands:
        lines = [f"'*{option.name}[{_zsh_text(option.help)}]{_zsh_value(option.value)}'" for option in command.options]
        lines.append(f"'*{_zsh_value(command.operands)}'")
        arms.append(f"        '{' '.join(command.path)}') _arguments \\\n            "
                    + " \\\n            ".join(lines) + " ;;")
    return _ZSH.format(names=names, nested=nested, commands="\n".join(arms))


def _zsh_text(text: str) -> str:
    """The text as a description for zsh, to be put between single quotes."""
    return re.sub(r"([][:\\])", r"\\\1", text).replace("'", r"'\''")


def _zsh_value(takes: Takes | None) -> str:
    if takes is None:
        return ""
    if takes.words:
        return f":word:({' '.join(takes.words)})"
    return f":{takes.paths or 'value'}:" + {FILES: "_files", DIRECTORIES: "_files -/", "": " "}[takes.paths]


# -- fish ---------------------------------------------------------------------------------

def fish(commands: list[Command]) -> str:
    """The script for fish."""
    lines = ["# fish completion for bigconst", "complete -c bigconst -f",
             "complete -c bigconst -n __fish_use_subcommand -l help -d 'all commands'",
             "complete -c bigconst -n __fish_use_subcommand -l version"]
    nested = {command.path[0] for command in commands if len(command.path) == 2}
    for command in commands:
        first, *second = command.path
        if not second:
            lines.append(f"complete -c bigconst -n __fish_use_subcommand -a {first} -d '{_fish_text(command.help)}'")
        begin = f"complete -c bigconst -n '{_fish_condition(command.path, commands, first in nested)}'"
        for option in command.options:
            name, text = option.name.removeprefix("--"), _fish_text(option.help)
            lines.append(f"{begin} -l {name} -d '{text}'{_fish_value(option.value)}")
        if command.operands != Takes():
            lines.append(f"{begin}{_fish_value(command.operands)}".replace(" -r -F", " -F").replace(" -x", ""))
    return "\n".join(lines) + "\n"


def _fish_condition(path: tuple[str, ...], commands: list[Command], nested: bool) -> str:
    words = "(commandline -opc)"
    first = f'set -l words {words}; test "$words[2]" = {path[0]}'
    if len(path) == 2:
        return f'{first}; and test "$words[3]" = {path[1]}'
    if nested:
        below = " ".join(each.path[1] for each in commands if len(each.path) == 2 and each.path[0] == path[0])
        return f'{first}; and not contains -- "$words[3]" {below}'
    return first


def _fish_text(text: str) -> str:
    """The text for fish, to be put between single quotes."""
    return re.sub(r"(['\\])", r"\\\1", text)


def _fish_value(takes: Takes | None) -> str:
    if takes is None:
        return ""
    if takes.words:
        return f" -x -a '{' '.join(takes.words)}'"
    return {FILES: " -r -F", DIRECTORIES: " -x -a '(__fish_complete_directories)'", "": " -x"}[takes.paths]


_SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish}
