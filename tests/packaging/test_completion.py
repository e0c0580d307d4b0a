"""Completion: what a real bash offers after a line; zsh and fish at least accept their scripts, where they are."""

import argparse
import shlex
import shutil
import subprocess

import pytest

from bigconst.cli import build_parser, main
from bigconst.constants.registry import CONSTANTS


def parsers(parser=None, path=()):
    """All commands, by path, from argparse itself."""
    found = {path: parser} if path else {}
    for action in (parser or build_parser())._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                found |= parsers(below, (*path, name))
    return found


@pytest.fixture
def script(capsys, tmp_path):
    """A function of a shell's name: the path of its script."""
    def made(shell):
        assert main(["completion", shell]) == 0
        path = tmp_path / shell
        path.write_text(capsys.readouterr().out)
        return path
    return made


@pytest.fixture
def offered(script, tmp_path, monkeypatch):
    """A function of the words up to the cursor, the last one unfinished: what bash offers."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    source = script("bash")
    folder = tmp_path / "folder"
    for name in ("disk one", "disk2"):
        (folder / name).mkdir(parents=True)
    (folder / "digits.txt").touch()
    monkeypatch.chdir(folder)

    def ask(*words):
        lines = [f"source {shlex.quote(str(source))}", f"COMP_WORDS=({shlex.join(words)})",
                 f"COMP_CWORD={len(words) - 1}", "_bigconst", 'printf "%s\\n" "${COMPREPLY[@]}"']
        done = subprocess.run(["bash", "--norc", "-uc", "\n".join(lines)], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return sorted(done.stdout.split("\n")[:-1]) if done.stdout != "\n" else []

    return ask


def test_commands(offered):
    names = {path[0] for path in parsers()}
    assert set(offered("bigconst", "")) == names | {"--help", "--version"}
    assert offered("bigconst", "byobu") == ["byobu-install", "byobu-remove"]
    assert offered("bigconst", "--v") == ["--version"]
    assert offered("bigconst", "nothing") == []
    assert offered("bigconst", "nothing", "") == []


def test_options_of_every_command(offered):
    for path, parser in parsers().items():
        wanted = {action.option_strings[-1] for action in parser._actions if action.option_strings}
        assert set(offered("bigconst", *path, "--")) == wanted, path
    assert len(parsers()) > 15


def test_choices(offered):
    assert offered("bigconst", "phi", "--base", "") == ["10", "16"]
    assert offered("bigconst", "phi", "--digits", "9", "--base", "=", "") == ["10", "16"]
    assert offered("bigconst", "phi", "--base", "=", "16") == ["16"]
    assert offered("bigconst", "phi", "--base", "=") == ["10", "16"]
    assert offered("bigconst", "phi", "--disk", "s") == ["ssd"]
    assert offered("bigconst", "completion", "") == ["bash", "fish", "zsh"]
    assert offered("bigconst", "estimate", "") == sorted([*CONSTANTS, "ll", "prp", "work"])
    assert offered("bigconst", "estimate", "ll", "--objective", "t") == ["time"]


def test_paths(offered):
    everything, directories = ["digits.txt", "disk one", "disk2"], ["disk one", "disk2"]
    assert offered("bigconst", "verify", "di") == everything
    assert offered("bigconst", "compare", "digits.txt", "di") == everything
    assert offered("bigconst", "phi", "--output", "dig") == ["digits.txt"]
    assert offered("bigconst", "phi", "--output", "=", "dig") == ["digits.txt"]
    assert offered("bigconst", "phi", "--json", "") == everything
    for line in (("status", ""), ("status", "--short", "di"), ("resume", "disk2", "--swap", ""), ("work", "d"),
                 ("byobu-install", ""), ("ll", "11", "--dir", "")):
        assert offered("bigconst", *line) == directories, line


def test_where_nothing_is_known_nothing_is_offered(offered):
    for line in (("phi", "--digits", ""), ("phi", "--memory", "d"), ("ll", "1"), ("sqrt", "d")):
        assert offered("bigconst", *line) == [], line


def test_bash_takes_it_as_the_completion_of_the_program(script):
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    line = f"source {shlex.quote(str(script('bash')))}; complete -p bigconst"
    assert subprocess.run(["bash", "--norc", "-c", line], capture_output=True, text=True, timeout=60).stdout == (
        "complete -F _bigconst bigconst\n")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_syntax(script, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-n", script(shell)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_every_command_and_option_is_in_it(script, shell):
    text = script(shell).read_text()
    for path, parser in parsers().items():
        assert {"zsh": f"'{' '.join(path)}') _arguments",
                "fish": f'test "$words[{len(path) + 1}]" = {path[-1]}'}[shell] in text
        for action in parser._actions:
            for name in action.option_strings[-1:]:
                assert (f"'*{name}[" if shell == "zsh" else f"-l {name[2:]} ") in text, (path, name)
    if shell == "zsh":
        shlex.split(text)       # raises where quotes are not closed


def test_another_shell_is_refused(capsys):
    assert main(["completion", "tcsh"]) == 2
    assert "invalid choice: 'tcsh'" in capsys.readouterr().err
