"""`--output phi.ycd`: files and sets written, verified, certified, killed and resumed through the command line."""

import itertools
import json
import os
import signal

import pytest
from interrupted_runs import DIGITS, ON_DISK, bigconst, check_finished, kill
from test_cli import one_line

from bigconst import api
from bigconst.base.errors import FaultError, UsageError
from bigconst.constants import digits as digit_writer
from bigconst.constants import engine
from bigconst.storage import ycdfile
from bigconst.storage.digitfile import open_digits
from bigconst.storage.ycdfile import YcdText

SET = "--output phi.ycd --block-digits 30_000"
NAMES = ["phi - 0.ycd", "phi - 1.ycd", "phi - 2.ycd", "phi.ycd.cert"]

pytestmark = pytest.mark.usefixtures("place")


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """So that a small text has six."""
    monkeypatch.setattr(digit_writer, "TEXT_PIECE_BYTES", 12_000)
    monkeypatch.setattr(ycdfile, "PIECE_BYTES", 12_000)


def main(*words: str) -> int:
    """Exit code of a command whose words may have spaces in them."""
    from bigconst.cli import main

    return main(list(words))


def to_text(directory, name: str) -> None:
    """phi.txt and its certificate in the place of the files of phi.ycd."""
    with open_digits(str(directory / name)) as file:
        text = file.raw(0, file.text_bytes)
    for path in directory.glob("*.ycd"):
        path.unlink()
    (directory / "phi.txt").write_bytes(text)
    (directory / "phi.ycd.cert").rename(directory / "phi.txt.cert")


def check_same_files(place, in_memory, names=NAMES) -> None:
    """The text and the certificate are those of a run that wrote text."""
    assert sorted(os.listdir(place / "files")) == sorted(names)
    to_text(place / "files", min(names))
    check_finished(place, in_memory)


@pytest.mark.parametrize("command", [f"phi --digits {DIGITS}", ON_DISK])
@pytest.mark.parametrize("block, names", [("", ["phi.ycd", "phi.ycd.cert"]), (" --block-digits 30_000", NAMES)])
def test_the_same_text_and_certificate(place, in_memory, capsys, command, block, names):
    assert bigconst(f"{command} --output phi.ycd{block} --json ../run.json") == 0
    assert names[0] in capsys.readouterr().out
    report = json.loads((place / "run.json").read_text())
    (place / "run.json").unlink()
    assert report["files"] == [{"path": str(place / "files" / name), "bytes": os.path.getsize(name)} for name in names]
    assert report["certificate"] == str(place / "files" / "phi.ycd.cert")
    assert main("verify", names[0]) == 0
    assert "70,000 digits" in capsys.readouterr().out
    check_same_files(place, in_memory, names)


@pytest.mark.parametrize("base", [10, 16])
def test_text_and_ycd_have_each_others_certificate(base, capsys):
    command = f"sqrt 3 --digits 1e4 --base {base}"
    assert bigconst(f"{command} --output a.txt") == bigconst(f"{command} --output a.ycd --block-digits 4000") == 0
    assert main("verify", "a.txt", "--certificate", "a.ycd.cert") == 0
    assert main("verify", "a - 0.ycd", "--certificate", "a.txt.cert") == 0
    os.unlink("a.ycd.cert")
    assert main("certify", "a - 0.ycd", "--constant", "sqrt 3", "--base", str(base)) == 0
    assert main("verify", "a - 0.ycd") == 0
    capsys.readouterr()
    hashes = []
    for name in ("a.txt", "a - 0.ycd"):
        assert main("hash", name) == 0
        hashes.append(capsys.readouterr().out)
    assert hashes[0] == hashes[1]
    assert main("compare", "a.txt", "a - 0.ycd") == 0


def test_another_base_is_no_digit_by_digit_matter(capsys):
    for base, other in ((10, 16), (16, 10)):
        assert bigconst(f"sqrt 3 --digits 100 --base {base} --output {base}.ycd --no-certificate") == 0
        capsys.readouterr()
        assert main("certify", f"{base}.ycd", "--constant", "sqrt 3", "--base", str(other)) == 1
        assert f"has digits of base {base}, not {other}; say --base {base}" in one_line(capsys)


def test_few_digits(capsys):
    for digits in (1, 2, 30):
        assert bigconst(f"sqrt 3 --digits {digits} --base 16 --output a{digits}.ycd") == 0
        assert bigconst(f"verify a{digits}.ycd") == 0


def test_a_wrong_digit_and_a_missing_file(place, capsys):
    assert bigconst(f"phi --digits {DIGITS} {SET}") == 0
    path = place / "files" / "phi - 1.ycd"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    capsys.readouterr()
    assert main("verify", "phi - 0.ycd") == 1
    assert "is not the file that the certificate was made for" in one_line(capsys)
    path.unlink()
    for command in (["verify"], ["certify", "--constant", "phi", "--force"], ["find", "--", "12"], ["digits"],
                    ["stats"], ["hash"], ["compare", "phi - 0.ycd"]):
        assert main(command[0], "phi - 0.ycd", *command[1:]) == 3
        assert "phi - 1.ycd is missing; copy it beside" in one_line(capsys)


def test_options_that_do_not_fit(place, capsys):
    for options in ("--block-digits 10", "--block-digits 10 --output phi.txt", "--block-digits 10 --output -",
                    "--block-digits 10 --output phi.ycd.zst"):
        assert bigconst(f"phi --digits 100 {options}") == 2
        assert "--block-digits is for .ycd; name it with --output NAME.ycd" in one_line(capsys)
    assert bigconst("phi --digits 100 --block-digits 0 --output phi.ycd") == 2
    assert "at least 1" in one_line(capsys)
    assert bigconst("phi --digits 1e6 --block-digits 10 --output phi.ycd") == 2
    assert "1,000,000 digits by 10 are more than 400 files" in one_line(capsys)
    with pytest.raises(UsageError, match="block_digits is 0"):
        api.compute_file("phi", 100, "phi.ycd", block_digits=0)
    for option in ("--json", "--events"):
        assert main("phi", "--digits", "100", "--block-digits", "60", "--output", "phi.ycd", option, "phi - 1.ycd") == 2
        assert "name the same file" in one_line(capsys)
    assert os.listdir() == []
    api.compute_file("phi", 100, "phi.ycd", block_digits=60, certificate=False)
    assert sorted(os.listdir()) == ["phi - 0.ycd", "phi - 1.ycd"]


def test_files_that_exist_are_kept(place, capsys):
    (place / "files/phi - 5.ycd").write_text("mine")
    assert bigconst("phi --digits 100 --output phi.ycd --block-digits 60") == 2
    assert "phi - 5.ycd exists; add --force" in one_line(capsys)
    assert os.listdir() == ["phi - 5.ycd"]
    assert bigconst("phi --digits 100 --output phi.ycd --block-digits 60 --force") == 0
    assert sorted(os.listdir()) == ["phi - 0.ycd", "phi - 1.ycd", "phi.ycd.cert"]


def test_digits_that_are_computed_twice(capsys):
    assert bigconst("gamma --digits 500 --verify --output gamma.ycd --block-digits 200") == 0
    assert sorted(os.listdir())[:3] == ["gamma - 0.ycd", "gamma - 1.ycd", "gamma - 2.ycd"]
    assert "the same 500 digits" in capsys.readouterr().out


def test_the_plan_has_both_sizes(capsys):
    for options in ("", " --block-digits 1e8"):
        assert bigconst(f"phi --digits 1e9 --plan --output phi.ycd{options}") == 0
        rows = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
        assert rows["Digit file"].strip() == "954 MiB"
        assert rows["Compressed digit file"].strip() == "402 MiB"      # 0.4211 byte a digit


def test_many_files_are_not_all_shown(capsys):
    assert bigconst("phi --digits 100 --output phi.ycd --block-digits 10") == 0
    shown = [line.split(":", 1)[1].strip() for line in capsys.readouterr().out.splitlines() if line.startswith("File:")]
    assert [os.path.basename(name) for name in shown] == ["phi - 0.ycd", "phi - 1.ycd", "... 8 files more",
                                                          "phi.ycd.cert"]


def killed_in_write() -> None:
    calls, write_at = itertools.count(), YcdText.write_at

    def killed(self, *rest):
        write_at(self, *rest)
        if next(calls) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    YcdText.write_at = killed


def killed_in_commit() -> None:
    calls, replace = itertools.count(), os.replace

    def killed(source, target):
        replace(source, target)
        if target.endswith(".ycd") and next(calls) == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = killed


def ended_before_the_files() -> None:
    engine._write_files = lambda *_: os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("prepare", [killed_in_write, killed_in_commit])
def test_killed_while_the_set_is_written(place, in_memory, prepare):
    """What is there then is no set, and the same set is written again."""
    kill(f"{ON_DISK} {SET}", prepare)
    assert "phi - 0.ycd" not in os.listdir()
    assert bigconst("resume ../a") == 0
    check_same_files(place, in_memory)


def test_a_run_that_goes_on_into_other_files(place, in_memory):
    kill(f"{ON_DISK} {SET}", ended_before_the_files)
    assert bigconst("resume ../a --output other.txt --force") == 0
    assert sorted(os.listdir()) == ["other.txt", "other.txt.cert"]


def test_a_run_that_goes_on_into_a_set(place, in_memory):
    kill(f"{ON_DISK} --output phi.ycd", ended_before_the_files)
    assert bigconst(f"{ON_DISK} {SET}") == 0
    check_same_files(place, in_memory)


def test_a_fault_while_the_files_are_written(place, in_memory, monkeypatch, capsys):
    """All is written again, in this process."""
    calls, write_at = itertools.count(), YcdText.write_at

    def faulty(self, offset, data):
        if next(calls) == 3:
            raise FaultError("cosmic rays")
        write_at(self, offset, data)

    monkeypatch.setattr(YcdText, "write_at", faulty)
    assert bigconst(f"{ON_DISK} {SET}") == 0
    assert next(calls) >= 4 + 6
    check_same_files(place, in_memory)
