"""What users, disks and other programs get wrong: one line, the right exit code, and nothing lost."""

import contextlib
import json
import os
import random

import pytest
from gmpy2 import mpz
from interrupted_runs import at_failpoints, kill

from bigconst.base import failpoints
from bigconst.cli import main
from bigconst.mersenne import results, worktodo
from bigconst.mersenne.savefile import Saved, SaveFiles
from bigconst.plans.dwtshape import lengths

P = 9941
# Batches grow eightfold at most: however fast the machine, five of them end, and are saved, before the last.
TEST = f"ll {P} --save-every 1e-6 --threads 1 --no-factor"
LARGEST = f"{lengths()[-1].max_exponent:,}"


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def output(capsys, command, code=0):
    assert main(command.split()) == code
    return capsys.readouterr()


def error_line(capsys, command, code):
    """The message of an error, which is one line."""
    out, err = output(capsys, command, code)
    assert err.splitlines()[-1].startswith("bigconst: ") and err.count("bigconst: ") == 1
    return err.splitlines()[-1]


def save_files():
    return sorted(name for name in os.listdir() if name.endswith(".save"))


# --- exponents --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ll", "prp"])
@pytest.mark.parametrize("exponent, said", [
    ("1", "must be at least 2"), ("0", "must be at least 2"), ("-7", "-7"), ("abc", "'abc' is not a count"),
    ("", "'' is not a count"), ("12.5", "not a whole number"), ("1279,", "'1279,'"), ("0x7f", "'0x7f'"),
    ("1e30", "more than 1e18"), ("1e18", f"the largest exponent is {LARGEST}"),
    ("99999999977", f"the largest exponent is {LARGEST}"), ("٣", "is not a count"),
])
def test_exponents(capsys, name, exponent, said):
    assert main([name, exponent]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and err.startswith("bigconst: ") and said in err
    assert os.listdir() == []


def test_all_exponents_are_looked_at_before_any_is_tested(capsys):
    out, err = output(capsys, "ll 1279 99999999977", 2)
    assert out == "" and LARGEST in err


@pytest.mark.parametrize("exponent, line", [
    ("4", "2^4-1 is divisible by 2^2-1 = 3"), ("1e6", "2^1000000-1 is divisible by 2^2-1 = 3"),
    ("1003", "2^1003-1 is divisible by 2^17-1 = 131071"), ("10403", "2^10403-1 is divisible by 2^101-1")])
def test_even_and_composite_exponents(capsys, exponent, line):
    for name in ("ll", "prp"):
        assert output(capsys, f"{name} {exponent}").out.endswith(f" is composite: {line}\n")


# --- save files -------------------------------------------------------------------------


@pytest.fixture
def stopped(capsys):
    """Three save files of a test that a full disk has stopped."""
    with failpoints.active("save.write=ENOSPC@4-"):
        line = error_line(capsys, TEST, 3)
    assert line.startswith(f"bigconst: cannot write ./ll{P}.") and "No space left on device; see that its disk" in line
    names = save_files()
    assert len(names) == 3 and sorted(os.listdir()) == names        # no lock, no temporary file
    return names


def iteration_of(name):
    return int(name.split(".")[1])


def test_a_full_disk(stopped, capsys):
    out, err = output(capsys, TEST)
    assert out == f"M{P} is prime\n" and f"going on from iteration {iteration_of(stopped[-1]):,}\n" in err
    assert os.listdir() == []


@pytest.mark.parametrize("failure", ["save.sync=EIO@1", "save.sync=EIO@4", "save.rename=EROFS@2",
                                     "save.write=EDQUOT@2"])
def test_a_save_that_fails_somewhere(capsys, failure):
    for name in ("ll", "prp"):
        with failpoints.active(failure):
            assert f"cannot write ./{name}{P}." in error_line(capsys, TEST.replace("ll", name), 3)
        assert [each for each in os.listdir() if not each.endswith(".save")] == []
        assert "prime" in output(capsys, TEST.replace("ll", name)).out and os.listdir() == []


@pytest.mark.parametrize("failure", ["save.write=kill@3", "save.write=torn@3", "save.sync=kill@5", "save.rename=kill@3",
                                     "save.sync=kill@6"])
def test_killed_while_it_saves(capsys, failure):
    kill(TEST, at_failpoints(failure))
    names = save_files()
    assert len(names) == (3 if failure.endswith("@6") else 2)
    assert [name for name in os.listdir() if name.endswith(".new")] or failure.endswith("@6")
    out, err = output(capsys, TEST)
    assert out == f"M{P} is prime\n" and f"going on from iteration {iteration_of(names[-1]):,}\n" in err
    assert os.listdir() == []


def flip(name):
    with open(name, "r+b") as file:
        data = bytearray(file.read())
        bit = random.randrange(8 * len(data))
        data[bit // 8] ^= 1 << bit % 8
        file.seek(0)
        file.write(data)


def cut(name):
    os.truncate(name, random.randrange(os.path.getsize(name)))


@pytest.mark.parametrize("damage", [flip, cut])
def test_a_damaged_save_file(stopped, capsys, damage):
    damage(stopped[-1])
    out, err = output(capsys, TEST)
    assert out == f"M{P} is prime\n" and f"{stopped[-1]} is damaged or wrong, kept as {stopped[-1]}.bad" in err
    assert f"going on from iteration {iteration_of(stopped[-2]):,}\n" in err


@pytest.mark.parametrize("damage", [flip, cut])
def test_all_are_damaged(stopped, capsys, damage):
    for name in stopped:
        damage(name)
    for _ in range(2):      # nobody starts over because he asks twice
        assert f"remove ll{P}.*.bad to start over" in error_line(capsys, TEST, 3)
        assert sorted(os.listdir()) == [f"{name}.bad" for name in stopped]
    for name in stopped:
        os.unlink(f"{name}.bad")
    assert output(capsys, TEST).out == f"M{P} is prime\n"


def test_of_another_exponent(stopped, capsys):
    for name in stopped:
        os.rename(name, name.replace(f"ll{P}", "ll9949"))
    before = sorted(os.listdir())
    assert f"belongs to the LL test of M{P}; move it away" in error_line(capsys, "ll 9949 --no-factor", 3)
    assert sorted(os.listdir()) == before


def test_a_whole_file_with_a_residue_that_cannot_be(stopped, capsys):
    """Its checksum is right: memory or a program was wrong, and the Jacobi symbol tells."""
    with SaveFiles(".", f"ll{P}", "LL", P) as saves:
        last = iteration_of(stopped[-1])
        saves.write(Saved("LL", P, last, mpz(2)))
    out, err = output(capsys, TEST)
    assert out == f"M{P} is prime\n" and "is damaged or wrong" in err


# --- work and results -------------------------------------------------------------------


def test_results_that_cannot_be_written(capsys, tmp_path):
    for failure in ("result.append=ENOSPC", "result.sync=EIO"):
        (tmp_path / "worktodo.txt").write_text("Test=9941\n")
        with failpoints.active(failure):
            assert main(["work", "--threads", "1"]) == 3
        out, err = capsys.readouterr()
        sentence, line = out.splitlines()
        assert sentence == "M9941 is prime" and json.loads(line)["exponent"] == 9941
        assert "bigconst: cannot write ./results.json.txt: " in err.splitlines()[-1] and "save file kept" in err
        assert save_files() and (tmp_path / "worktodo.txt").read_text() == "Test=9941\n"
        out, err = output(capsys, "work --threads 1")
        assert out == "M9941 is prime\n" and "going on from iteration 9,939" in err and not save_files()
        assert json.loads((tmp_path / "results.json.txt").read_text().splitlines()[-1])["status"] == "P"
        assert (tmp_path / "worktodo.txt").read_text() == ""


@pytest.mark.parametrize("failure", ["work.write=ENOSPC", "work.sync=EIO@1", "work.rename=EIO"])
def test_work_that_cannot_be_taken_out(capsys, tmp_path, failure):
    """Rather a result twice than none."""
    (tmp_path / "worktodo.txt").write_text("Test=1279\nTest=2203\n")
    with failpoints.active(failure):
        assert "cannot write ./worktodo.txt: " in error_line(capsys, "work --threads 1", 3)
    assert (tmp_path / "worktodo.txt").read_text() == "Test=1279\nTest=2203\n" and save_files()
    assert len((tmp_path / "results.json.txt").read_text().splitlines()) == 1
    assert output(capsys, "work --threads 1").out == "M1279 is prime\nM2203 is prime\n"
    assert sorted(os.listdir()) == ["results.json.txt", "worktodo.txt"]


def test_work_that_several_directories_share_by_links(capsys, tmp_path, monkeypatch):
    """It stays one file, whose rights are those that it had, and one lock is for all."""
    shared = tmp_path / "shared"
    for name in ("shared", "a", "b"):
        (tmp_path / name).mkdir()
    (shared / "worktodo.txt").write_text("Test=1279\nTest=2203\n")
    (shared / "worktodo.txt").chmod(0o664)
    (shared / "results.json.txt").touch()
    for name, target in (("a", "../shared"), ("b", str(shared))):
        for file in ("worktodo.txt", "results.json.txt"):
            (tmp_path / name / file).symlink_to(f"{target}/{file}")
    locked = []
    monkeypatch.setattr(worktodo, "locked", lambda place: locked.append(place) or contextlib.nullcontext())
    monkeypatch.setattr(results, "locked", worktodo.locked)
    worktodo.remove("b/worktodo.txt", worktodo.read("a/worktodo.txt")[1])
    assert (shared / "worktodo.txt").read_text() == "Test=1279\n"
    assert output(capsys, "work a --threads 1").out == "M1279 is prime\n"
    assert (shared / "worktodo.txt").read_text() == "" and os.stat(shared / "worktodo.txt").st_mode & 0o777 == 0o664
    assert json.loads((shared / "results.json.txt").read_text())["exponent"] == 1279
    assert {os.path.realpath(place) for place in locked} == {str(shared)} and len(set(locked)) == 1
    for name in ("a", "b"):
        assert all((tmp_path / name / file).is_symlink() for file in ("worktodo.txt", "results.json.txt"))
        assert sorted(os.listdir(tmp_path / name)) == ["results.json.txt", "worktodo.txt"]


def test_half_a_result_does_not_spoil_the_next(capsys, tmp_path):
    (tmp_path / "worktodo.txt").write_text("Test=1279\n")
    (tmp_path / "results.json.txt").write_text('{"status":"C", "exp')
    output(capsys, "work --threads 1")
    half, whole = (tmp_path / "results.json.txt").read_text().splitlines()
    assert half == '{"status":"C", "exp' and json.loads(whole)["exponent"] == 1279


def test_lines_that_cannot_be_read_stay_and_the_rest_goes_on(capsys, tmp_path):
    text = "Test=abc\nTest=1279\n\nPfactor=1,2,1277,-1,60,2\nTest=99999999977\nTest=2203"
    (tmp_path / "worktodo.txt").write_text(text)
    out, err = output(capsys, "work --threads 1", 2)
    assert out == "M1279 is prime\nM2203 is prime\n"
    kept = "Test=abc\n\nPfactor=1,2,1277,-1,60,2\nTest=99999999977"
    assert (tmp_path / "worktodo.txt").read_text() == kept
    said = [line.partition(": ") for line in err.splitlines() if line.startswith("./worktodo.txt:")]
    # At once, by their places in the file as it was.
    assert [where for where, _, _ in said] == ["./worktodo.txt:1", "./worktodo.txt:4", "./worktodo.txt:5"]
    assert all(line.partition("kept: ")[2] in text.split("\n") for line in err.splitlines() if "kept: " in line)
