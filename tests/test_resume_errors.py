"""Directories that were used for something else since a run was killed, and a journal that is gone."""

import os

import pytest
from interrupted_runs import (
    COPIED,
    ON_DISK,
    at_level,
    at_moment,
    bigconst,
    check_finished,
    contents,
    kill,
    kill_once,
)
from test_cli import one_line

from bigconst.base.version import __version__
from bigconst.runs.interrupted import RESERVE_NAME
from bigconst.runtime.checkpoint import JOURNAL_NAME
from bigconst.storage.lane import DATA_NAME
from bigconst.storage.manifest import read_manifest, write_manifest

pytestmark = pytest.mark.usefixtures("place")


def test_directories_of_different_runs(place, capsys):
    for name in "ab":
        kill(ON_DISK.replace("../a", f"../{name}"), at_moment(100))
    before = contents(place / "a", place / "b")
    capsys.readouterr()
    assert bigconst("resume ../a --swap ../b") == 2
    assert one_line(capsys) == (f"bigconst: {place}/b and ../a hold different runs; "
                                "name the scratch directories of one run\n")
    assert contents(place / "a", place / "b") == before


def test_the_first_lane_went_to_another_run(place, capsys):
    kill_once(place, f"{ON_DISK} --swap ../b", at_moment(200))
    write_manifest(str(place / "a"), read_manifest(str(place / "a")) | {"run_id": "0123456789abcdef"})
    before = contents(place / "a", place / "b")
    capsys.readouterr()
    assert bigconst("resume ../b") == 3
    assert one_line(capsys) == (f"bigconst: ../b is a lane of a run whose first lane was {place}/a, which belongs to "
                                "another run now; name all its directories with --swap, the first one first, "
                                "or give the run up with --discard\n")
    assert contents(place / "a", place / "b") == before


@pytest.mark.parametrize("left", [DATA_NAME, RESERVE_NAME])
def test_a_run_that_was_killed_as_it_began_or_ended(place, in_memory, left):
    """The first lane has no manifest yet, or any more; the other one is not taken for a part of a run."""
    kill_once(place, f"{ON_DISK} --swap ../b", at_moment(200))
    for path in (place / "a").iterdir():
        path.unlink()
    (place / "a" / left).write_bytes(b"x" * 4096)
    assert bigconst(f"{ON_DISK} --swap ../b") == 0
    check_finished(place, in_memory)


@pytest.mark.parametrize("left", [DATA_NAME, RESERVE_NAME])
def test_what_such_a_run_left_is_discarded(place, left):
    """Another run, in memory, would not remove it."""
    kill_once(place, f"{ON_DISK} --swap ../b", at_moment(200))
    for path in (place / "a").iterdir():
        path.unlink()
    for name in (left, "mine"):
        (place / "a" / name).write_bytes(b"x" * 4096)
    assert bigconst("phi --digits 10 --swap ../a --swap ../b --discard --output ../c/phi.txt") == 0
    assert os.listdir(place / "a") == ["mine"] and os.listdir(place / "b") == []


@pytest.mark.parametrize("named", [{"kind": "phi", "d": 5}, {"constant": "brass"}])
def test_the_constant_is_named_by_another_version(place, named, capsys):
    kill_once(place, ON_DISK, at_moment(200))
    fields = read_manifest(str(place / "a"))
    assert fields["request"].pop("constant") == "phi"
    write_manifest(str(place / "a"), fields | {"version": "0.0.1", "request": fields["request"] | named})
    before = contents(place / "a")
    capsys.readouterr()
    for command in ("resume ../a", "status ../a"):
        assert bigconst(command) == 2
        assert one_line(capsys) == (f"bigconst: {place}/a holds a run of bigconst 0.0.1, which this one, "
                                    f"{__version__}, would plan otherwise; resume it with that version, or add "
                                    "--discard\n")
    assert bigconst(ON_DISK) == 2
    assert one_line(capsys).startswith(f"bigconst: {place}/a holds the interrupted run `bigconst {ON_DISK}`; resume it")
    assert contents(place / "a") == before


def test_the_journal_is_gone(place, in_memory, capsys):
    """Then the scratch is worth nothing, however whole its file is: the levels in ../c are."""
    kill_once(place, COPIED, at_level("ladder in memory"))
    journal, = (place / "a").glob(f"{JOURNAL_NAME}.*")
    journal.unlink()
    capsys.readouterr()
    assert bigconst("resume ../c") == 0
    assert (f"the scratch of the run is not whole: there is no {journal}: a new one begins in {place}/a, "
            f"from the last level in {place}/c") in capsys.readouterr().err
    check_finished(place, in_memory)


def test_the_journal_of_a_run_without_copies_is_gone(place, capsys):
    kill_once(place, ON_DISK, at_moment(200))
    journal, = (place / "a").glob(f"{JOURNAL_NAME}.*")
    journal.unlink()
    capsys.readouterr()
    data = (place / "a" / DATA_NAME).read_bytes()
    assert bigconst("resume ../a") == 3
    assert one_line(capsys) == (f"bigconst: cannot read {journal}: No such file or directory; "
                                "see that its disk is there and has room, then resume\n")
    assert (place / "a" / DATA_NAME).read_bytes() == data and list((place / "files").iterdir()) == []
