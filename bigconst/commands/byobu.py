"""`bigconst byobu-install` and `byobu-remove`: a run's progress in the status bar of byobu or tmux.

byobu runs the script bin/N_NAME in its directory every N seconds and shows the line that it prints, but only where
byobu's item `custom` is on.  In tmux the item is off by default; a line in statusrc, which byobu reads after everything
else, turns it on.  The script and this line carry a mark, by which they are recognised later.

A byobu that was never started has no file `status`; when it starts, it replaces `status` and statusrc by its own
defaults.  To keep the line in statusrc, `status` is copied here from these defaults, as byobu does.
"""

import argparse
import os
import shlex
import shutil
import sys

from bigconst.base.errors import InputOutputError, UsageError
from bigconst.base.screen import write

SCRIPT = "10_bigconst"
"""name of the script, which byobu runs every 10 seconds"""
MARK = "# made by `bigconst byobu-install`"
"""comment in the script, and in the line of statusrc"""

_SWITCH = f"""\
case " $tmux_right " in *" custom "*) ;; *) tmux_right="custom $tmux_right" ;; esac {MARK}
"""
_INSTALL_EPILOG = """\
examples:
  bigconst byobu-install                  the run whose scratch is ./swap
  bigconst byobu-install /mnt/a           another one; it takes the place of the first

The line is that of `bigconst status --short`, renewed every ten seconds, and empty while the directory holds no run.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Declare both commands on an argparse subparsers object."""
    install = commands.add_parser(
        "byobu-install", help="show a run in the status bar of byobu", epilog=_INSTALL_EPILOG,
        description="Show how far the run of a directory is in byobu's status bar, and print the line that tmux needs.")
    install.add_argument("directory", metavar="DIR", nargs="?", default="swap",
                         help="a scratch or --checkpoint directory of the run, or that of a queue (default: swap)")
    install.set_defaults(run=install_script)
    remove = commands.add_parser(
        "byobu-remove", help="take it out again",
        description="Take out of byobu's status bar what byobu-install has put there.")
    remove.set_defaults(run=remove_script)


def install_script(arguments: argparse.Namespace) -> int:
    """Write the script and turn it on.

    Raises UsageError where DIR is no directory or a script of this name is not ours; InputOutputError.
    """
    directory = os.path.abspath(arguments.directory)
    if not os.path.isdir(directory):
        raise UsageError(f"{directory} is not a directory", "name a scratch or --checkpoint directory of the run")
    if "\n" in directory:
        raise UsageError("the directory's name has a line break", "give it another name")
    path = _script_path()
    before = _read(path)
    if before and MARK not in before:
        #: A script of that name is yours, and stays. Rename it, or remove it by hand.
        raise UsageError(f"{path} was not made by bigconst", "rename it")
    command = _status_command(directory)
    # byobu gives the line to printf as its format.
    _write(path, f"#!/bin/sh\n{MARK}\n{shlex.join(command)} 2>/dev/null | sed 's/%/%%/g'\n", 0o777)
    begun = _begin_settings()
    rc = _statusrc_path()
    lines = _read(rc)
    if MARK not in lines:
        _write(rc, lines + ("\n" if lines and not lines.endswith("\n") else "") + _SWITCH)
    write(f"byobu shows the run of {directory} within seconds, by {path}" if begun else
          f"written {path}; byobu is not installed, so repeat this when it has been started once")
    write(f"tmux without byobu: put this into ~/.tmux.conf\n{tmux_line(command)}")
    return 0


def remove_script(arguments: argparse.Namespace) -> int:
    """Remove the script and the line.  Raises UsageError for a script that is not ours, InputOutputError."""
    path, rc = _script_path(), _statusrc_path()
    script, lines = _read(path), _read(rc)
    if script and MARK not in script:
        raise UsageError(f"{path} was not made by bigconst", "remove it by hand if it is not wanted")
    if MARK in lines:
        _write(rc, "".join(line for line in lines.splitlines(keepends=True) if MARK not in line))
    if script:
        try:
            os.unlink(path)
        except OSError as error:
            raise InputOutputError(f"cannot remove {path}: {error.strerror}", "remove it by hand") from error
    write(f"removed {path}" if script else f"there is no {path}")
    return 0


def byobu_directory() -> str:
    """The directory of byobu's configuration, found in the order of byobu's file include/dirs."""
    named, home = os.environ.get("BYOBU_CONFIG_DIR", ""), os.path.expanduser("~")
    if os.path.isdir(named):
        return os.path.abspath(named)
    if os.path.isdir(xdg := os.environ.get("XDG_CONFIG_HOME", "")):
        return os.path.join(os.path.abspath(xdg), "byobu")
    for name in (".config/byobu", ".local/share/byobu"):
        if os.path.isdir(path := os.path.join(home, name)):
            return path
    return os.path.join(home, ".byobu")


def tmux_line(command: list[str]) -> str:
    """The line of a tmux configuration that shows what a command prints."""
    # The shell's quoting is innermost, then comes that of tmux's formats (where # and % mean something), then that of
    # its strings.
    text = shlex.join(command).replace("#", "##").replace("%", "%%")
    for character in '\\"$':
        text = text.replace(character, "\\" + character)
    return f'set -g status-right "#({text})"'


def _status_command(directory: str) -> list[str]:
    # A status bar has neither our PATH nor a fixed directory: the interpreter is named by its path, and -P keeps the
    # current directory out of sys.path.
    return [sys.executable, "-P", "-m", "bigconst", "status", "--short", directory]


def _begin_settings() -> bool:
    """Copy byobu's default file `status` if there is none yet; False where byobu is not installed."""
    path = os.path.join(byobu_directory(), "status")
    if os.path.exists(path):
        return True
    program = shutil.which("byobu")
    if program is None:
        return False
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(program)))
    text = _read(os.path.join(prefix, "share/byobu/status/status"))
    if text:
        _write(path, text)
    return bool(text)


def _script_path() -> str:
    return os.path.join(byobu_directory(), "bin", SCRIPT)


def _statusrc_path() -> str:
    return os.path.join(byobu_directory(), "statusrc")


def _read(path: str) -> str:
    """A file's text, empty where there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise InputOutputError(f"cannot read {path}: {error.strerror}", "make it readable") from error


def _write(path: str, text: str, mode: int = 0o666) -> None:
    """Replace a file at once: byobu may run or read it at any moment."""
    from bigconst.storage.durable import NO_FAILPOINTS, replace_file

    remedy = "make its directory writable, or let BYOBU_CONFIG_DIR name another one"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError as error:
        raise InputOutputError(f"cannot write {path}: {error.strerror}", remedy) from error
    # byobu runs whatever has a name that begins with a digit.
    replace_file(path, text.encode("utf-8", "surrogateescape"), NO_FAILPOINTS, remedy, part=".{}.part", mode=mode)
