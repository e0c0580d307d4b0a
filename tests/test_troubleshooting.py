"""docs/troubleshooting.md has every message of the program, and no other; how they and their places are found."""

import os
import re
import subprocess
import sys

import messages
import provoked
import pytest

from bigconst.base import errors
from bigconst.cli import main

PAGE = provoked.ROOT / "docs" / "troubleshooting.md"

ARGPARSE = {
    "the following arguments are required: …": "phi",
    "unrecognized arguments: …": "phi --digits 10 --dig 5",
    "argument …: invalid choice: …": "phi --digits 10 --base 3",
    "argument …: invalid int value: …": "phi --digits 10 --base ten",
    "argument …: expected one argument": "phi --digits",
    "argument …: not allowed with argument …": "status --short --json .",
}
"""Messages that are not in these sources, each with a command that has it."""

MODULE = '''\
import argparse

from bigconst.base import errors
from bigconst.base.errors import DiskFull, FaultError, InputOutputError, Interrupted, ReadError, UsageError


class _Wrong(Exception):
    pass


def refuse(path, fits):
    raise UsageError(f"{path!r} is no"
                     f" file, but `{path}`{path}", "name one")


def fill(path, error, size_bytes):
    what = f"cannot {'read' if size_bytes else 'write'} {path}: {error.strerror}"
    if fits:
        raise InputOutputError(what)
    raise DiskFull(f"{what}, {size_bytes} bytes")


def parse(text):
    try:
        raise _Wrong("there is no header")
    except _Wrong as wrong:
        raise errors.UsageError(f"{text}: {wrong}") from wrong
    except OSError as error:
        raise (ReadError if text else FaultError)(str(error)) from error


def seconds(text):
    raise argparse.ArgumentTypeError(f"{text} is no time; write it like 5")


def stop():
    raise Interrupted()


def fail(why):
    return FaultError(f"the level {why}")


def level():
    raise fail("is wrong")


def again(error):
    raise type(error)(f"the drill: {error}")
'''
PATTERNS = {"… is no file, but …": 12, "cannot read …: …": 19, "cannot write …: …": 19,
            "cannot read …: …, … bytes": 20, "cannot write …: …, … bytes": 20, "…: there is no header": 27,
            "argument …: … is no time": 33, "interrupted": 37, "the level is wrong": 41, "the drill: …": 49}
PLACES = [12, 19, 20, 27, 29, 33, 37, 41, 49]


@pytest.fixture
def package(tmp_path):
    """One with a module that makes errors in all ways."""
    folder = tmp_path / "bigconst"
    folder.mkdir()
    (folder / "base").mkdir()
    (folder / "base/errors.py").write_text((provoked.PACKAGE / "base/errors.py").read_text())
    (folder / "module.py").write_text(MODULE)
    return folder


def on_the_page() -> list[str]:
    """The messages in the first column of the tables; a cell may have several."""
    rows = [line.split(" | ")[0] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return [text for row in rows for text in re.findall(r"`(.+?)`", row)]


def test_every_message_is_on_the_page():
    missing = {text: sorted(places) for text, places in messages.messages().items() if text not in on_the_page()}
    assert not missing, "docs/troubleshooting.md lacks\n" + "\n".join(f"{text}   {missing[text]}" for text in missing)


def test_everything_on_the_page_is_a_message():
    foreign = set(on_the_page()) - set(messages.messages()) - set(ARGPARSE)
    assert not foreign, "docs/troubleshooting.md has what no source has\n" + "\n".join(sorted(foreign))


def test_a_message_is_on_the_page_once_and_has_a_remedy():
    rows = on_the_page()
    assert len(rows) > 250
    assert sorted(rows) == sorted(set(rows))
    for line in PAGE.read_text().splitlines():
        if line.startswith("| `"):
            assert re.fullmatch(r"\| `.+` \| [A-Z0-9`*[-].+[.?)] \|", line), line


def test_exit_codes_on_the_page_are_those_of_the_errors():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds} | {errors.Interrupted(resumable=resumable).exit_code
                                                   for resumable in (False, True)}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE.read_text(), re.MULTILINE)} == codes | {0}


@pytest.mark.parametrize("pattern", ARGPARSE)
def test_messages_of_argparse(pattern, capsys):
    assert main(ARGPARSE[pattern].split()) == 2
    message = re.escape(pattern).replace("…", ".+")
    assert re.fullmatch(rf"bigconst: {message}; bigconst .*--help shows examples\n", capsys.readouterr().err)


def test_patterns(package):
    found = messages.messages(package)
    assert {text: places for text, places in found.items()} == {
        text: {f"module.py:{line}"} for text, line in PATTERNS.items()}


def test_places(package):
    assert [place.lines[0] for place in provoked.places(package)] == PLACES
    assert str(next(provoked.places(package))).startswith("bigconst/module.py:12: UsageError(f")


def test_every_line_of_a_call_counts(package, tmp_path):
    (tmp_path / "seen").mkdir()
    assert [place.lines[0] for place in provoked.unprovoked(tmp_path / "seen", package)] == PLACES
    (tmp_path / "seen" / "1.txt").write_text("module.py:13\nmodule.py:19\n")
    (tmp_path / "seen" / "2.txt").write_text("module.py:20\nother.py:27\n")
    assert [place.lines[0] for place in provoked.unprovoked(tmp_path / "seen", package)] == PLACES[3:]


def test_the_program(tmp_path, capsys):
    assert provoked.main([]) == provoked.main([str(tmp_path / "nowhere")]) == 2
    every = list(provoked.places())
    capsys.readouterr()
    assert provoked.main([str(tmp_path)]) == 1
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines == [str(place) for place in every]
    assert last == f"{len(every)} of {len(every)} places that make an error are provoked by no test"
    (tmp_path / "1.txt").write_text("".join(f"{place.file}:{place.lines[-1]}\n" for place in every))
    assert provoked.main([str(tmp_path)]) == 0


TEST = '''\
import os
import pytest
from bigconst.base import errors, units


def test_it():
    with pytest.raises(errors.UsageError):
        units.parse_count("x")
    with pytest.raises(errors.UsageError, match="more than"):
        units.parse_count("1e19")
    errors.FaultError("not of the program", value=1)
    if (child := os.fork()) == 0:
        try:
            units.parse_count("1.5")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
'''


def test_recorder(tmp_path):
    """A pytest with a test of its own writes the places in units.py, that of a fork too."""
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "conftest.py").write_text(f"import sys\nsys.path.insert(0, {str(provoked.ROOT / 'tests')!r})\n"
                                        f"from pathlib import Path\nimport provoked\n"
                                        f"provoked.record(Path({str(tmp_path / 'seen')!r}))\n")
    (folder / "test_it.py").write_text(TEST)
    environment = {"PYTHONPATH": str(provoked.ROOT), "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-n", "1", str(folder)], cwd=tmp_path, env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = "".join(path.read_text() for path in (tmp_path / "seen").iterdir()).split()
    here = (provoked.PACKAGE / "units.py").read_text().splitlines()
    assert [here[int(place.split(":")[1]) - 1].strip().split("(")[0] for place in seen] == ["raise UsageError"] * 3
    assert {place.split(":")[0] for place in seen} == {"units.py"}
