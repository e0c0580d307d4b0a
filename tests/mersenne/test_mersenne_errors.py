"""Ends of tests and of the work queue that other tests see only from the outside, and rare failures of save files."""

import multiprocessing.connection
import os
import signal

import pytest
from fake_squarer import Shape, Squarer, longer

from bigconst import __version__
from bigconst.base.errors import InputOutputError, Interrupted, UsageError
from bigconst.cli import main
from bigconst.mersenne import factor
from bigconst.mersenne.chain import Chain
from bigconst.mersenne.repetition import Residues
from bigconst.mersenne.savefile import SaveFiles
from bigconst.mersenne.test import LucasLehmer, outcome
from bigconst.plans.dwtshape import dwt_shape
from bigconst.runs import mersenne
from bigconst.storage.manifest import read_manifest, write_manifest


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def error_of(capsys, command, code):
    """The last line on stderr of a command that ends with this code."""
    assert main(command.split()) == code
    return capsys.readouterr().err.splitlines()[-1]


# --- interrupted ---------------------------------------------------------------------

def test_at_once(capsys, monkeypatch):
    """A second Ctrl-C: the batch at hand is lost, what was saved is not."""
    advance, calls = Chain._advance, []

    def hit(self):
        calls.append(self.iteration)
        if len(calls) == 3:
            raise KeyboardInterrupt
        advance(self)

    monkeypatch.setattr(Chain, "_advance", hit)
    command = "ll 9941 --save-every 1e-6 --threads 1 --no-factor"
    assert error_of(capsys, command, 75) == "bigconst: interrupted; the same command goes on from the last save"
    assert [name for name in os.listdir() if name.endswith(".save")]
    assert main(command.split()) == 0
    captured = capsys.readouterr()
    assert "going on from iteration" in captured.err and captured.out == "M9941 is prime\n"
    assert os.listdir() == []


def test_a_test_that_saves_nothing():
    made = LucasLehmer(607, make_squarer=lambda shape: Squarer(607, shape), shape=Shape(1024), longer=longer, shift=0,
                       stop=lambda: True)
    with pytest.raises(Interrupted) as caught:
        outcome(made)
    assert str(caught.value) == "interrupted; nothing was kept, run the same command again"
    assert caught.value.exit_code == 130


def test_workers(capsys, monkeypatch, tmp_path):
    (tmp_path / "worktodo.txt").write_text("Test=216091\nPRP=1,2,132049,-1\n")
    wait, sent = multiprocessing.connection.wait, []

    def asked(*arguments, **named):
        if not sent:        # a second one, a second later, would end it at once
            sent.append(os.kill(os.getpid(), signal.SIGTERM))
        return wait(*arguments, **named)

    monkeypatch.setattr(multiprocessing.connection, "wait", asked)
    line = error_of(capsys, "work --workers 2", 75)
    assert line == "bigconst: interrupted; the same command goes on from the save files"
    assert len((tmp_path / "worktodo.txt").read_text().splitlines()) == 2


def test_a_worker_that_fails(capfd, tmp_path):
    """Its result cannot be written; its code is that of the program."""
    (tmp_path / "worktodo.txt").write_text("Test=1279\n")
    (tmp_path / "results.json.txt").mkdir()
    assert main("work --workers 2".split()) == 3
    above, last = capfd.readouterr().err.splitlines()[-2:]
    assert above.startswith("bigconst: cannot write ") and "the result is printed and its save file kept" in above
    assert last == "bigconst: a worker failed; its message stands above"
    assert (tmp_path / "worktodo.txt").read_text() == "Test=1279\n"


# --- wrong ---------------------------------------------------------------------------

def test_two_computations_that_differ(capsys, monkeypatch):
    """Of an exponent that takes no transform."""
    residue, calls = factor.plain_residue, []
    monkeypatch.setattr(mersenne, "plain_residue",
                        lambda *arguments: calls.append(arguments) or residue(*arguments) + (len(calls) == 2))
    line = error_of(capsys, "ll 521 --verify", 1)
    assert line == "bigconst: two computations of M521 differ; test this machine's memory"


@pytest.mark.parametrize("p, words, said", [
    (1021, None, "1021 is too small for a transform; use plain integers below 1024"),
    (1279, 3072 << 10, "a transform of 3072K words is too long for 1279; 1K is enough"),
    (216091, 1 << 10, r"1K words hold exponents up to [\d,]+; choose 12K or more")])
def test_transform_lengths(p, words, said):
    with pytest.raises(UsageError, match=f"^{said}$"):
        dwt_shape(p, words)


# --- files ---------------------------------------------------------------------------

def test_residues_that_cannot_be_read(tmp_path):
    residues = Residues(str(tmp_path), "ll1279")
    os.mkdir(residues._path)
    with pytest.raises(InputOutputError, match=rf"^cannot read {residues._path}: Is a directory; see that its disk is"):
        residues.read()


def test_a_save_file_that_cannot_be_read(tmp_path):
    with SaveFiles(str(tmp_path), "ll1279", "LL", 1279) as files:
        path = tmp_path / f"{files.stem}.0000000100.save"
        path.mkdir()
        with pytest.raises(InputOutputError, match=rf"^cannot read {path}: Is a directory; see that its disk is there"):
            files.read()
        assert path.is_dir(), "a disk that does not answer says nothing of the file: it does not become .bad"


def test_a_directory_of_save_files_that_goes(tmp_path):
    directory = tmp_path / "saves"
    directory.mkdir()
    with SaveFiles(str(directory), "ll1279", "LL", 1279) as files:
        os.rename(directory, tmp_path / "gone")
        with pytest.raises(InputOutputError, match=rf"^cannot read {directory}: No such file or directory; see that"):
            files.read()


# --- scratch -------------------------------------------------------------------------

ON_DISK = "ll 150001 --no-factor --iterations 20 --workspace 350KiB --swap a"


@pytest.fixture
def interrupted(monkeypatch):
    """A test whose transform is on disk, given up in the middle."""
    os.mkdir("a")
    with monkeypatch.context() as patch:
        patch.setattr("bigconst.arithmetic.disk.squarer.DiskSquarer.iterate", given_up)
        assert main(ON_DISK.split()) == 75
    assert read_manifest("a")["command"] == f"bigconst {ON_DISK}"


def given_up(*_):
    raise KeyboardInterrupt


def test_scratch_of_another_version(interrupted, capsys, tmp_path):
    write_manifest("a", read_manifest("a") | {"version": "0.0.1", "plan": "0"})
    before = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    capsys.readouterr()
    line = error_of(capsys, ON_DISK, 2)
    assert line == (f"bigconst: {tmp_path}/a holds a run of bigconst 0.0.1, which this one, {__version__}, would plan "
                    "otherwise; resume it with that version, or add --discard")
    assert {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()} == before


def test_scratch_of_a_machine_with_more_memory(interrupted, capsys, tmp_path):
    capsys.readouterr()
    line = error_of(capsys, f"{ON_DISK} --memory 1MiB", 4)
    assert line.startswith(f"bigconst: the run in {tmp_path}/a needs ")
    assert line.endswith(" of memory, 1.00 MiB are allowed; allow more with --memory")
    assert main(["resume", "a"]) == 0
    assert "M150001 LL after 20 iterations" in capsys.readouterr().out
    assert os.listdir("a") == []
