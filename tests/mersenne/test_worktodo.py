"""Work files: real lines are understood, others kept; results as servers read them."""

import itertools
import json
import math
import re
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from gmpy2 import is_prime, mpz
from hypothesis import given, settings
from hypothesis import strategies as st

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
    ("Test=0,57885161", "LL", 57885161, None, ()),
    ("Test=,57885161", "LL", 57885161, None, ()),
    (f"Test={AID},FFT2=1K,57885161,74.,1", "LL", 57885161, AID, ()),
    (f"Test = {AID} , FFT=3072K, EXT=abc def , 57885161, 74, 1", "LL", 57885161, AID, ()),
    ("Test=fft2=3m,57885161", "LL", 57885161, None, ()),
    ("Test=EXT=a,57885161", "LL", 57885161, None, ()),
    ("AdvancedTest=57885161", "LL", 57885161, None, ()),
    ("ADVANCEDTEST=1279", "LL", 1279, None, ()),
    ("\ufeffTest=57885161", "LL", 57885161, None, ()),
    ("PRP=1,2,57885161,-1", "PRP-3", 57885161, None, ()),
    (f"PRP={AID},1,2,57885161,-1,76,0", "PRP-3", 57885161, AID, ()),
    (f"PRP={AID},1,2,57885161,-1,76,0,3,1", "PRP-3", 57885161, AID, ()),
    (f"PRP={AID},EXT=x,1,2,57885161,-1,76,1.3,0,0", "PRP-3", 57885161, AID, ()),
    ("PRP=N/A,1,2,57885161,-1,76,0,3,5", "PRP-3", 57885161, None, ()),
    ("PRP=N/A,1,2,29,-1,76,0,3,5,\"233,1103\"", "PRP-3", 29, None, (233, 1103)),
    ("PRP=N/A,1,2,29,-1,76,0,3,0,\"233\"", "PRP-3", 29, None, (233,)),
    ("PRP=N/A,1,2,29,-1,\"233\"", "PRP-3", 29, None, (233,)),
    ("PRP= N/A, 1, 2, 29, -1, 76, 0, 3, 5, \" 233, 1103 \" ", "PRP-3", 29, None, (233, 1103)),
    ("  prp = 1, 2, 57885161, -1 ", "PRP-3", 57885161, None, ()),
])
def test_lines(line, kind, p, aid, factors):
    (found,) = parse(f"\n{line}\r\n")
    assert found == Assignment(2, line, kind, p, aid, factors)
    first, rest = line.split("=", 1)
    for second in {"LL": ("DoubleCheck",), "PRP-3": ("PRPDC", "prpdc ")}[kind]:
        assert parse(f"{second}={rest}") == [Assignment(1, f"{second}={rest}", kind, p, aid, factors, True)]


@pytest.mark.parametrize("line", [
    "", " ", "\t\r", "[Worker #1]", "[Worker", "# Test=57885161", " # Test=127", ";Test=127", "//Test=127", "=57885161",
    "127", "-Test=127", "(mine) Test=127", "\udcff=\0", "\0\0\0", "\ufeff", "\ufeff# Test=127",
    "\u0422\u0435\u0441\u0442=127"])
def test_comments(line):
    """Lines that do not begin with one of the letters that keywords are made of."""
    assert parse(line) == []


LONG = "9" * 5000
"""int() takes 4300 digits."""


@pytest.mark.parametrize("line, why", [
    ("Test", "it has no ="), ("Test 57885161", "it has no ="), ("hello", "it has no ="),
    ("Test=", "'' is not a number; write an exponent"), ("Test=abc", "'abc' is not a number"),
    ("Test=57885161,,1", "'' is not a number"), ("Test=1e3", "'1e3' is not a number"),
    ("Test=15", "15 is not a prime"), ("Test=1", "1 is not a prime"), ("Test=57885162,74,1", "57885162 is not a prime"),
    ("Test=0", "0 is no exponent"), ("Test=-7", "-7 is no exponent"), ("Test=0127", "0127 is no exponent"),
    ("Test=7.0", "7.0 is no exponent"), ("Test=7,74,1,5", "it needs 1 to 3 fields, not 4; write an exponent"),
    ("Test=0123,57885161,74,1", "1 to 3 fields, not 4"), ("AdvancedTest=abc", "'abc' is not a number"),
    ("Test=9000000001", "too large; the largest is 8,911,923,210"), (f"Test={LONG}", "too large"),
    (f"DoubleCheck={AID[:-1]},57885161", "is not a number"), (f"Test={AID}0,57885161", "is not a number"),
    ("Test=\u0661\u0662\u0667", r"'\u0661\u0662\u0667' is not a number"),
    ("Test=\uff11\uff12\uff17", "is not a number"), ("Test=12\u00b27", "is not a number"),
    ("Test=12\0007", r"'12\x007' is not a number"), ("Test=\x1b[31m127", r"'\x1b[31m127' is not a number"),
    ("Test=127\rTest=31", r"'127\rTest=31' is not a number"), ("Test=\udcff", r"'\udcff' is not a number"),
    ("Test=9" * 200, "is not a number"), ("Test=9" * 200_000, "1,200,000 characters are more than the 16,383"),
    ("Factor=57885161,70,75", "trial factoring is not done here"), ("Factor=N/A,57885161,70,75", "trial factoring"),
    ("AdvancedFactor=57885161,1,2,3", "trial factoring"),
    ("Pfactor=N/A,1,2,57885161,-1,76,2", "P-1 factoring"), ("PMINUS1=1,2,57885161,-1,1000000,0", "P-1 factoring"),
    ("Pplus1=1,2,57885161,-1,1000000,0,1", "P+1 factoring"), ("ECM=57885161,50000,0,10", "elliptic curves"),
    ("ECM2=1,2,57885161,-1,50000,0,10", "elliptic curves"), ("ECMSTAGE2=1,2,1277,-1,file", "elliptic curves"),
    (f"Cert={AID},1,2,82997591,-1,0", "0 is no number of squarings"), ("Cert=1,2,127,-1", "needs 5 fields, not 4"),
    ("Cert=3,2,127,-1,5", "it is about 3*2^127-1"), ("FermatFactor=22,1,2", "Fermat numbers"),
    ("Fermat,Test=24", "Fermat numbers"), ("B1=1000000,B2=30000000;PRP=N/A,1,2,127,-1", "take away what stands before"),
    ("B2=30000000;Test=127", "take away what stands before"), ("Nonsense=1", "work of the kind 'Nonsense' is not done"),
    ("T\x1best=127", r"work of the kind 'T\x1best'"), ("My notes: a=b", "work of the kind 'My notes: a'"),
    ("PRP=57885161", "it needs 4 to 8 fields, not 1; write k, b, n, c"), (f"PRP={AID},57885161,76", "not 2;"),
    ("PRP=3,2,57885161,-1", "it is about 3*2^57885161-1"), ("PRP=1,2,57885161,1", "it is about 1*2^57885161+1"),
    ("PRP=1,3,57885161,-1", "it is about 1*3^57885161-1"), (f"PRP={LONG},2,127,-1", "only 1*2^P-1 is tested here"),
    ("PRP=1,2,12,-1", "12 is not a prime"), ("PRP=1,2,127,-1,76,0,3,1,7", "4 to 8 fields, not 9"),
    ("PRP=1,2,127,-1,76,0,5,1", "a test to base 5"), (f"PRP=1,2,127,-1,76,0,{LONG},1", "a test to base 999"),
    ("PRP=1,2,127,-1,76,0,3,2", "type 2, 3^((N-1)/2), is not computed here; ask for type 1"),
    ("PRP=1,2,127,-1,76,0,3,3", "type 3, 3^(N+1), is"), ("PRPDC=1,2,127,-1,76,0,3,4", "type 4, 3^((N+1)/2), is"),
    ('PRP=1,2,29,-1,76,0,3,2,"233"', "type 2, 3^((N-1)/2), is not computed here; ask for type 5"),
    ("PRP=1,2,127,-1,76,0,3,6", "no residue of type 6"), (f"PRP=1,2,127,-1,76,0,3,{LONG}", "no residue of type 999"),
    ('PRP=1,2,29,-1,76,0,3,1,"233"', "a residue of type 1 with known factors"),
    ('PRPDC=N/A,1,2,29,-1,76,0,3,1,"233,1103"', "ask for type 5"),
    ('PRP=1,2,29,-1,76,0,3,5,"7"', "7 does not divide 2^29-1"), ('PRP=1,2,29,-1,"1"', "1 does not divide"),
    ('PRP=1,2,29,-1,"2"', "2 does not divide"), ('PRP=1,2,29,-1,"0"', "not numbers in quotation marks"),
    (f'PRP=1,2,2207,-1,76,0,3,5,"{LONG}"', "99... does not divide 2^2207-1"),
    (f'PRP=1,2,2207,-1,76,0,3,5,"{",".join(["233"] * 4000)}"', "233 does not divide"),
    ('PRP=1,2,29,-1,76,0,3,5,"233', "not numbers in quotation marks"), ('PRP=1,2,29,-1,""', "not numbers in quotation"),
    ('PRP=1,2,29,-1,"233" x', "not numbers in quotation"), ('PRP=1,2,29,-1,"233;1103"', "not numbers in quotation"),
    ('PRP=1,2,29,-1,"\u0662\u0663\u0663"', "not numbers in quotation"), ('PRP="233"', "4 to 8 fields, not 1"),
    ('PRP=1,2,29,-1,76,0,3,5,"233,1103,2089"', "not a multiple of all known factors together"),
    ('PRP=1,2,29,-1,76,0,3,5,"233,233"', "name each once"), ('PRP=1,2,29,-1,76,0,3,5,"536870911"', "or nothing else"),
])
def test_lines_that_are_kept(line, why):
    (found,) = parse(line)
    assert isinstance(found, NotUnderstood) and found.number == 1 and found.text == line
    assert why in found.why and "; " in found.why, found.why
    assert found.why.isprintable() and found.why.isascii() and len(found.why) < 250


def test_factors_of_thousands_of_digits():
    p, small = 14303, 28607
    large = (mpz(2)**p - 1) // small
    assert large.num_digits() > 4300
    (found,) = parse(f'PRP=1,2,{p},-1,"{large}"')
    assert found.factors == (large,)
    fields = json.loads(results.result_line(made("PRP-3", 1, p), None, found.factors))
    assert fields["known-factors"] == [str(large)] and fields["residue-type"] == 5
    assert results.sentence(made("PRP-3", 1, p), found.factors).startswith(f"M{p}/{large} is ")


WORDS = ["Test", "DoubleCheck", "PRP", "PRPDC", "AdvancedTest", "Factor", "=", ",", ",", "1", "2", "-1", "127", "31",
         "29", "233", "1103", '"', " ", "\n", "\r\n", "\r", AID, "N/A", "0", "FFT2=", "1K", "EXT=", "5", "3", "\0",
         "\ufeff", "\u0661", ".", "-", "+", "#", "9" * 4400, "\x1b[2J", "e9", "1,2,29,-1", '"233"']


@settings(deadline=None)
@given(st.text() | st.lists(st.sampled_from(WORDS)).map("".join) | st.lists(st.sampled_from(WORDS)).map("Test=".join))
def test_any_text_is_work_or_has_a_reason(content):
    lines = re.split(r"\r?\n", content.removeprefix("\ufeff"))
    for found in parse(content):
        assert found.text == lines[found.number - 1]
        if isinstance(found, Assignment):
            assert is_prime(found.exponent) and (2**found.exponent - 1) % math.prod(found.factors) == 0
        else:
            assert found.why.isprintable() and found.why.isascii() and "; " in found.why


@given(st.lists(st.sampled_from(["Test=127", "DoubleCheck=31", "# a", "", "Test=\udcff", "PRP=1,2,29,-1"]), min_size=1),
       st.lists(st.sampled_from(["\n", "\r\n"]), min_size=4), st.booleans(), st.sampled_from(["", "\ufeff"]))
def test_nothing_but_the_line_goes(lines, ends, is_last_ended, mark):
    whole = [line + end for line, end in zip(lines, itertools.cycle(ends))]
    if not is_last_ended:
        whole[-1] = lines[-1]
    content = mark + "".join(whole)
    for found in parse(content):
        if isinstance(found, Assignment):
            at = lines.index(found.text)
            rest = mark + "".join(whole[:at] + whole[at + 1:])
            if whole[at] == lines[at]:      # the last line stays without an end
                rest = rest.removesuffix("\n").removesuffix("\r")
            assert worktodo.without(content, found) == rest


@pytest.mark.parametrize("comes_back", [True, False])
def test_another_program_rewrites_the_file(tmp_path, monkeypatch, comes_back):
    path, lock = tmp_path / "worktodo.txt", tmp_path / "worktodo.txt.lck"
    path.write_text("Test=127\n")
    lock.touch()
    now_s = 0

    def sleep(seconds):
        nonlocal now_s
        now_s += seconds
        if comes_back and now_s > 5:
            path.write_text("Test=61\nTest=127\n")
            lock.unlink()

    monkeypatch.setattr(worktodo, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: now_s))
    worktodo.remove(str(path), parse("Test=127")[0])
    assert path.read_text() == ("Test=61\n" if comes_back else "") and lock.exists() != comes_back
    assert now_s == pytest.approx(5.1 if comes_back else worktodo.PATIENCE_S, abs=0.2)


def test_a_line_that_was_rewritten():
    """Other programs fill in an id, or a length."""
    (mine,) = parse("DoubleCheck=127,70,1")
    assert worktodo.without(f"Test=127\nDoubleCheck={AID},127,71,1\nTest=31", mine) == "Test=127\nTest=31"
    assert worktodo.without("Test=127\nPRP=1,2,127,-1\nDoubleCheck=31", mine) is None


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
    for _ in range(2):      # it is gone already
        worktodo.remove(str(path), found[4])
    assert path.read_bytes() == before.replace(b"Test=127\r\n", b"").replace(b"\nPRP=1,2,31,-1", b"")
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_wide_characters(tmp_path, encoding):
    path = tmp_path / "worktodo.txt"
    path.write_bytes("Test=127\n".encode(encoding))
    with pytest.raises(InputOutputError, match=f"^{path} is UTF-16 or UTF-32 text; save it as UTF-8$"):
        worktodo.read(str(path))


@pytest.mark.parametrize("content", [b"", b"\n", b"T", b"Te", b"Test=127", b"\0\0\0\0\0\0", b"T\0est=127", b"\xff",
                                     b"\xef\xbb\xbf"])
def test_narrow_ones(tmp_path, content):
    path = tmp_path / "worktodo.txt"
    path.write_bytes(content)
    assert len(worktodo.read(str(path))) == content.startswith(b"T")


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

    def append(line):
        results.append(str(path), line, str(tmp_path / f"{line}.result"))

    append("one")
    path.write_bytes(path.read_bytes() + b"half")
    append("two")
    assert path.read_text() == "one\nhalf\ntwo\n"
    (tmp_path / "again.result").write_text("two\n")        # of a process that was killed after it had added this
    append("again")
    assert path.read_text() == "one\nhalf\ntwo\n"
    (tmp_path / "again.result").write_text("as it was computed first\n")
    append("again")
    assert path.read_text() == "one\nhalf\ntwo\nas it was computed first\n"
    path.unlink()
    path.mkdir()
    with pytest.raises(InputOutputError, match="results.json.txt"):
        append("three")
