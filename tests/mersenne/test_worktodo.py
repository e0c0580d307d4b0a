"""Work files: real lines are understood, others kept; results as servers read them."""

import json
from datetime import UTC, datetime

import pytest
from gmpy2 import mpz

from bigconst.base.errors import InputOutputError
from bigconst.mersenne import results, worktodo
from bigconst.mersenne.test import ChainOutcome
from bigconst.mersenne.worktodo import Assignment, NotUnderstood, parse

AID = "0123456789abcdefABCDEF0123456789"


@pytest.mark.parametrize("line, kind, p, aid, factors", [
    ("Test=57885161,74,1", "LL", 57885161, None, ()),
    ("Test=57885161", "LL", 57885161, None, ()),
    (f"Test={AID},57885161,74,1", "LL", 57885161, AID, ()),
    ("Test=N/A,57885161,74,1", "LL", 57885161, None, ()),
    ("DoubleCheck=n/a,57885161,74.5,0\r", "LL", 57885161, None, ()),
    (f"DoubleCheck={AID},57885161,74,1", "LL", 57885161, AID, ()),
    ("PRP=1,2,57885161,-1", "PRP-3", 57885161, None, ()),
    (f"PRP={AID},1,2,57885161,-1,76,0", "PRP-3", 57885161, AID, ()),
    (f"PRP={AID},1,2,57885161,-1,76,0,3,1", "PRP-3", 57885161, AID, ()),
    ("PRP=N/A,1,2,29,-1,76,0,3,1,\"233\"", "PRP-3", 29, None, (233,)),
    ("PRP=N/A,1,2,29,-1,76,0,3,5,\"233,1103\"", "PRP-3", 29, None, (233, 1103)),
    ("PRP=N/A,1,2,29,-1,\"233\"", "PRP-3", 29, None, (233,)),
    ("PRPDC=N/A,1,2,57885161,-1,76,0,3,1", "PRP-3", 57885161, None, ()),
    ("  prp = 1, 2, 57885161, -1 ", "PRP-3", 57885161, None, ()),
])
def test_lines(line, kind, p, aid, factors):
    assert parse(line) == [Assignment(1, line, kind, p, aid, factors)]


@pytest.mark.parametrize("line", [
    "Test=", "Test=abc", "Test", "=57885161", "Test=15", "Test=1", "Test=-7", "Test=57885162,74,1", "Test=7,74,1,5",
    "Test=0123,57885161,74,1", "Factor=57885161,70,75", "PRP=57885161", "PRP=3,2,57885161,-1", "PRP=1,2,57885161,1",
    "PRP=1,2,57885161,-1,76,0,5,1", "PRP=1,2,57885161,-1,76,0,3,3", "PRP=1,2,57885161,-1,76,0,3,5",
    'PRP=1,2,29,-1,76,0,3,1,"7"', 'PRP=1,2,29,-1,76,0,3,1,"233', 'PRP=1,2,29,-1,76,0,3,1,""',
    'PRP=1,2,29,-1,76,0,3,1,"233,1103,2089"', 'PRP=1,2,29,-1,76,0,3,1,"233,233"', "Test=9" * 200, "\udcff=\0",
])
def test_lines_that_are_kept(line):
    (found,) = parse(line)
    assert isinstance(found, NotUnderstood) and found.number == 1 and found.text == line and found.why


def test_sections_and_removal(tmp_path):
    path = tmp_path / "worktodo.txt"
    before = b"# mine\n[Worker #1]\nTest=127\r\nTest=131\n\n[Worker #2]\nnonsense \xff\nTest=127\nPRP=1,2,31,-1"
    path.write_bytes(before)
    path.chmod(0o640)
    found = worktodo.read(str(path))
    assert [line.number for line in found] == [3, 4, 7, 8, 9]
    assert [type(line) for line in found].count(NotUnderstood) == 1
    worktodo.remove(str(path), found[0])
    assert path.read_bytes() == before.replace(b"Test=127\r\n", b"")
    worktodo.remove(str(path), found[0])        # it is gone already
    worktodo.remove(str(path), found[4])
    assert path.read_bytes() == before.replace(b"Test=127\r\n", b"").replace(b"\nPRP=1,2,31,-1", b"")
    assert path.stat().st_mode & 0o777 == 0o640


def test_no_file(tmp_path):
    with pytest.raises(InputOutputError, match="worktodo.txt"):
        worktodo.read(str(tmp_path / "worktodo.txt"))


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def made(kind, residue, p=4253, **more):
    return ChainOutcome(kind, p, p, mpz(residue), True, 4096, 17, 0.1, **more)


def test_result_of_a_composite():
    line = results.result_line(made("LL", 2**4000 + 0xABC, errors={"Roundoff": 2, "Repeatable": 1}), AID, now=NOW)
    assert line.startswith('{"status":"C", "exponent":4253, "worktype":"LL", "res64":"0000000000000ABC", ')
    assert json.loads(line) == {
        "status": "C", "exponent": 4253, "worktype": "LL", "res64": "0000000000000ABC", "fft-length": 4096,
        "shift-count": 17, "error-code": "01000200", "program": {"name": "bigconst", "version": results.__version__},
        "timestamp": "2026-01-02 03:04:05", "errors": {"Roundoff": 2}, "aid": AID}


def test_result_of_an_ll_prime():
    fields = json.loads(results.result_line(made("LL", 0), None, now=NOW))
    assert fields["status"] == "P" and not {"res64", "errors", "aid", "residue-type"} & set(fields)
    assert fields["error-code"] == "00000000"


def test_result_of_a_prp():
    fields = json.loads(results.result_line(made("PRP-3", 1), None, now=NOW))
    assert fields["status"] == "P" and fields["residue-type"] == 1 and fields["res2048"] == "1".zfill(512)
    fields = json.loads(results.result_line(made("PRP-3", 2**2500 + 2**2047, errors={"gerbicz": 1}), None, now=NOW))
    assert fields["status"] == "C" and fields["res2048"] == "8" + 511 * "0" and fields["errors"] == {"gerbicz": 1}
    assert fields["error-code"] == "00100000"


def test_result_of_a_cofactor():
    residue = pow(3, 2**29 - 2, 2**29 - 1)
    for factors, status in (((233,), "C"), ((233, 1103), "P")):
        fields = json.loads(results.result_line(made("PRP-3", residue, 29), None, factors))
        assert fields["status"] == status and fields["residue-type"] == 5
        assert fields["known-factors"] == [str(f) for f in factors]
    assert "M29/233/1103 is a probable prime" in results.sentence(made("PRP-3", residue, 29), (233, 1103))


def test_append(tmp_path):
    path = tmp_path / "results.json.txt"
    results.append(str(path), "one")
    path.write_bytes(path.read_bytes() + b"half")
    results.append(str(path), "two")
    assert path.read_text() == "one\nhalf\ntwo\n"
    path.unlink()
    path.mkdir()
    with pytest.raises(InputOutputError, match="results.json.txt"):
        results.append(str(path), "three")
