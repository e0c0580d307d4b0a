"""Messages and options are in docs/ as the sources have them; how messages, advice and their places are found."""

import os
import re
import subprocess
import sys

import messages
import provoked
import pytest

from bigconst.base import errors
from bigconst.cli import main

sys.path.insert(0, str(provoked.ROOT / "docs"))

import generate  # noqa: E402

ARGPARSE = {
    "the following arguments are required: …": "phi",
    "unrecognized arguments: …": "phi --digits 10 --dig 5",
    "argument …: invalid choice: …": "phi --digits 10 --base 3",
    "argument …: invalid int value: …": "phi --digits 10 --base ten",
    "argument …: expected one argument": "phi --digits",
    "argument …: not allowed with argument …": "status --short --json .",
}
"""What argparse says, each with a command that has it."""

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
    #: Wait.
    raise Interrupted()


def fail(why):
    return FaultError(f"the level {why}")


def level():
    #: Look at
    #: the level.
    raise fail("is wrong")


def again(error):
    raise type(error)(f"the drill: {error}")
'''
PATTERNS = {"… is no file, but …": 12, "cannot read …: …": 19, "cannot write …: …": 19,
            "cannot read …: …, … bytes": 20, "cannot write …: …, … bytes": 20, "…: there is no header": 27,
            "argument …: … is no time": 33, "interrupted": 38, "the level is wrong": 42, "the drill: …": 52}
PLACES = [12, 19, 20, 27, 29, 33, 38, 42, 52]
ADVICE = {"interrupted": "Wait.", "the level is wrong": "Look at the level."}
REMEDIES = {"… is no file, but …": "name one", "argument …: … is no time": "write it like 5",
            "cannot write …: …, … bytes": errors.DiskFull.remedy, "the drill: …": ""}


@pytest.fixture
def package(tmp_path):
    """One with a module that makes errors in all ways."""
    folder = tmp_path / "bigconst"
    folder.mkdir()
    (folder / "base").mkdir()
    (folder / "base/errors.py").write_text((provoked.PACKAGE / "base/errors.py").read_text())
    (folder / "module.py").write_text(MODULE)
    return folder


def test_files_are_what_the_sources_say():
    """`make docs` writes them."""
    assert [str(path) for path, _ in generate.differing()] == []


def test_every_message_is_on_the_page_once():
    page = generate.PAGE.read_text()
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    texts = [text for first, _ in rows for text in re.findall(r"`(.+?)`", first)]
    assert sorted(texts) == sorted({message.text for message in messages.messages()} | set(ARGPARSE))
    for _, advice in rows:
        assert re.fullmatch(r"[A-Z0-9`*[-].+[.?)] \|", advice), advice


def test_the_generator(tmp_path, monkeypatch, capsys):
    for name in ("PAGE", "README"):
        copy = tmp_path / getattr(generate, name).name
        copy.write_text(getattr(generate, name).read_text())
        monkeypatch.setattr(generate, name, copy)
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    found = messages.messages()
    monkeypatch.setattr(generate, "messages", lambda: found)
    assert generate.main(["--check"]) == generate.main([]) == 0
    before = generate.README.read_text()
    generate.README.write_text(before.replace("| required |", "| none |"))
    assert generate.main(["--check"]) == 1 and generate.main([]) == generate.main(["--check"]) == 0
    assert generate.README.read_text() == before
    said = capsys.readouterr().out.splitlines()
    assert said == ["README.md is not what the sources say: run make docs", "README.md is written anew"]


def a_message(text: str, advice: str = "", remedy: str = "name one", file: str = "api.py", kind: str = "UsageError"):
    return messages.Message(text, file, 1, kind, advice, remedy)


def test_rows():
    found = [a_message("a"), a_message("b", remedy="name one"), a_message("c", "Once for all."), a_message("c"),
             a_message("d", 'As for "c".', file="cli.py"), a_message("e", file="cli.py"),
             a_message("f", remedy="add --force, not *", kind="DiskFull")]
    every = generate.rows(found)
    assert [(row.texts, row.advice) for row in every] == [
        (["e"], "Name one."), (["f"], r"Add `--force`, not \*."), (["a"], "Name one."), (["b"], "Name one."),
        (["c", "d"], "Once for all.")]
    assert [generate.SECTIONS[row.place.section].title for row in every] == [
        "Command line", "Memory and room", "From Python", "From Python", "From Python"]
    assert [row.texts for row in generate.joined(every)] == [["e"], ["f"], ["a", "b"], ["c", "d"]]


@pytest.mark.parametrize("found, why", [
    ([a_message("a", "One."), a_message("a", "Two.")], "two comments"),
    ([a_message("a", 'As for "b".')], "no message 'b'"),
    ([a_message("a", remedy="…")], "no remedy"), ([a_message("a", remedy="")], "no remedy"),
    ([a_message("a", file="new/room.py")], "no section for new/room.py:1"),
])
def test_what_the_sources_lack(found, why):
    with pytest.raises(generate.Wrong, match=why):
        generate.rows(found)


def test_exit_codes_are_those_of_the_errors():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds} | {errors.Interrupted(resumable=resumable).exit_code
                                                   for resumable in (False, True)}
    assert set(errors.EXIT_CODES) == codes | {0}


def test_argparse():
    assert set(ARGPARSE) == set(generate.ARGPARSE)


@pytest.mark.parametrize("pattern", ARGPARSE)
def test_messages_of_argparse(pattern, capsys):
    assert main(ARGPARSE[pattern].split()) == 2
    message = re.escape(pattern).replace("…", ".+")
    assert re.fullmatch(rf"bigconst: {message}; bigconst .*--help shows examples\n", capsys.readouterr().err)


def test_patterns(package):
    found = messages.messages(package)
    assert {message.text: message.place for message in found} == {
        text: f"module.py:{line}" for text, line in PATTERNS.items()}
    assert {message.text: message.advice for message in found if message.advice} == ADVICE
    assert {message.text: message.remedy for message in found if message.text in REMEDIES} == REMEDIES


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
    here = (provoked.PACKAGE / "base/units.py").read_text().splitlines()
    assert [here[int(place.split(":")[1]) - 1].strip().split("(")[0] for place in seen] == ["raise UsageError"] * 3
    assert {place.split(":")[0] for place in seen} == {"base/units.py"}
