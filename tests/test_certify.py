"""Certificates of whole runs and of files from elsewhere, through the command line."""

import json
import os
import runpy
import shlex
from pathlib import Path

import pytest
from certificates import proves
from gmpy2 import isqrt, mpz
from interrupted_runs import at_moment, kill

from bigconst.base.formats import HEADER_BYTES
from bigconst.base.units import hex_digits
from bigconst.cli import main
from bigconst.constants import roots
from bigconst.constants.digitsource import DigitSource
from bigconst.plans.certificate import decode_header
from bigconst.storage.digitfile import DigitFile

SQUARES = ("sqrt 4", "sqrt 2147395600")
STANDALONE = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "verify_certificate.py"))


def digits_of(kind: str, d: int, digits: int, base: int) -> tuple[str, str]:
    """(integer part, digits after the point) by gmpy2."""
    scale = mpz(base) ** digits
    value = isqrt(d * scale * scale)
    if kind == "phi":
        value = (scale + value) // 2
    text = value.digits(base).rjust(digits + 1, "0")
    return text[:-digits], text[-digits:]


def run(*arguments: str) -> int:
    return main(list(map(str, arguments)))


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("name", ["phi", "sqrt 2", "sqrt 4", "sqrt 12345", "sqrt 2147395600", "sqrt 2147483647"])
def test_every_run_leaves_a_certificate_that_verifies(name, base, tmp_path, capsys):
    for digits in (1, 2, 3, 4, 5, 9, 640, 40000):
        path = tmp_path / f"{digits}.txt"
        assert run(*name.split(), "--digits", digits, "--base", base, "--output", path) == 0
        certificate = path.with_name(path.name + ".cert").read_bytes()
        written = digits if base == 10 else hex_digits(digits)
        header = decode_header(certificate[:HEADER_BYTES])[0]
        assert len(certificate) == header.size_bytes
        assert header.statement.name == ("ladder" if digits > 4000 and name not in SQUARES else "remainder")
        assert proves(path.read_bytes(), certificate)
        assert (header.constant.name, header.base, header.digits, header.lenient) == (name, base, written, False)
        capsys.readouterr()
        assert run("verify", path) == 0, capsys.readouterr().err
        assert "all digits are right" in capsys.readouterr().out
        assert run("verify", path, "--without-certificate", "--constant", name, "--base", base) == 0


@pytest.mark.parametrize("where", [[], ["--workspace", "280KiB", "--disk", "ssd", "--swap", "../a"]])
@pytest.mark.parametrize("name", ["phi", "sqrt 12345"])
def test_where_the_ladder_cannot_prove_the_digits_a_remainder_does(name, where, place, monkeypatch, capsys):
    """Because the digits below the last one are nearly all 0 or 9: once in 10^9 runs, or as often as one likes."""
    monkeypatch.setattr(roots, "ladder_statement", lambda *arguments: None)
    command = [*name.split(), "--digits", 70_000, "--output", "x.txt", *where]
    assert run(*command, "--plan") == 0
    assert capsys.readouterr().out.count(", hardly ever") >= 1
    assert run(*command, "--json", "../report.json") == 0
    text, certificate = (place / "files" / "x.txt").read_bytes(), (place / "files" / "x.txt.cert").read_bytes()
    header = decode_header(certificate[:HEADER_BYTES])[0]
    assert header.statement.name == "remainder" and len(certificate) == header.size_bytes and proves(text, certificate)
    assert run("verify", "x.txt") == 0
    told = json.loads((place / "report.json").read_text())
    assert {"path": str(place / "files" / "x.txt.cert"), "bytes": len(certificate)} in told["files"]


def test_certified_files_of_any_layout(tmp_path, capsys):
    for kind, d, base, n in (("phi", 5, 10, 5003), ("sqrt", 12345, 10, 2001), ("sqrt", 3, 16, 777)):
        whole, fraction = digits_of(kind, d, n, base)
        name = "phi" if kind == "phi" else f"sqrt {d}"
        grouped = "\n".join(" ".join(fraction[i:i + 50][j:j + 10] for j in range(0, 50, 10)) + "\t"
                            for i in range(0, n, 50))
        layouts = {f"{whole}.{fraction}\n": [], f"{whole}.{fraction}": [], f"{whole}{fraction}": [],
                   f"{fraction}\n": [], f" {whole} .\r\n{grouped}\n\n": ["--lenient"]}
        for index, (text, options) in enumerate(layouts.items()):
            path = tmp_path / f"{name}-{index}.txt"
            path.write_text(text)
            assert run("certify", path, "--constant", name, "--base", base, *options) == 0, capsys.readouterr().err
            assert run("verify", path) == 0, capsys.readouterr().err
            assert f"{n:,} digits" in capsys.readouterr().out


@pytest.mark.parametrize("text_of, options", [
    (lambda whole, fraction: f"\ufeff{whole}.{fraction}\n", []),
    (lambda whole, fraction: f"\ufeff{whole}{fraction}\r\n", []),
    (lambda whole, fraction: f"\ufeff\n{fraction[:700]}\n{fraction[700:]}", []),
    (lambda whole, fraction: f"{whole}.{fraction}\n".upper(), ["--base", 16]),
    (lambda whole, fraction: f"\ufeff {whole.upper()} . {fraction[:9].upper()} {fraction[9:]}\r\n", ["--base", 16]),
])
def test_a_byte_order_mark_and_capitals_are_lenient(text_of, options, tmp_path, capsys):
    """The certificate is that of the file as it is, and both verifiers read it."""
    path = tmp_path / "x.txt"
    whole, fraction = digits_of("sqrt", 12345, 1500, 16 if options else 10)
    path.write_text(text_of(whole, fraction), newline="", encoding="utf-8")
    command = ["certify", path, "--constant", "sqrt 12345", *options]
    assert run(*command) == 3
    assert run(*command, "--locate") == 3
    assert os.listdir(tmp_path) == ["x.txt"]
    assert run(*command, "--lenient") == 0, capsys.readouterr().err
    assert "1,500 digits" in capsys.readouterr().out
    assert run("verify", path) == 0 and STANDALONE["main"](str(path)) == 0
    assert run("verify", path, "--without-certificate", "--constant", "sqrt 12345", *options, "--lenient") == 0
    last = fraction[-1]
    wrong = text_of(whole, fraction[:-1] + ("1" if last != "1" else "2"))
    path.write_text(wrong, newline="", encoding="utf-8")
    assert run("verify", path) == STANDALONE["main"](str(path)) == run(*command, "--lenient", "--force") == 1


def test_a_certificate_of_more_digits_than_the_file_has(tmp_path, capsys):
    path = tmp_path / "phi.txt"
    assert run("phi", "--digits", 1000, "--output", path) == 0
    text = path.read_text()
    path.write_text(text[:-2] + "\n")
    assert run("verify", path) == 1
    assert "has 999 characters after the point, the certificate says 1,000 digits" in capsys.readouterr().err


def test_our_certificate_does_not_depend_on_who_made_it(tmp_path):
    path = tmp_path / "phi.txt"
    assert run("phi", "--digits", 1900, "--output", path) == 0      # too few for a level
    certificate = tmp_path / "phi.txt.cert"
    first = certificate.read_bytes()
    assert run("certify", path, "--constant", "phi", "--force") == 0
    assert certificate.read_bytes() == first


@pytest.mark.parametrize("position", [1, 2, 77, 2999, 3000])
def test_wrong_digits_are_refused_and_located(position, tmp_path, capsys):
    whole, fraction = digits_of("phi", 5, 3000, 10)
    wrong = fraction[:position - 1] + str((int(fraction[position - 1]) + 5) % 10) + fraction[position:]
    path = tmp_path / "wrong.txt"
    path.write_text(f"{whole}.{wrong}\n")
    assert run("certify", path, "--constant", "phi") == 1
    assert run("certify", path, "--constant", "phi", "--locate") == 1
    assert f"wrong from digit {position:,} after the point on" in capsys.readouterr().err
    assert run("verify", path, "--without-certificate", "--constant", "phi") == 1
    assert os.listdir(tmp_path) == ["wrong.txt"]


@pytest.mark.parametrize("by", [1, -1])
def test_one_unit_of_the_last_digit_is_too_much(by, tmp_path, capsys):
    whole, fraction = digits_of("sqrt", 7, 1000, 10)
    path = tmp_path / "root.txt"
    path.write_text(f"{whole}.{int(fraction) + by:01000d}\n")
    assert run("certify", path, "--constant", "sqrt 7") == 1
    assert "does not hold sqrt 7" in capsys.readouterr().err


def test_bad_input_is_one_line(tmp_path, capsys):
    good = tmp_path / "good.txt"
    good.write_text("1.6180339887\n")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "letter.txt").write_text("1.61803z9887\n")
    (tmp_path / "other.txt").write_text("2.6180339887\n")
    (tmp_path / "whole.txt").write_text("1.\n")
    cases = [
        (["certify", good, "--constant", "tau"], 2, "unknown constant"),
        (["certify", good, "--constant", "pi"], 2, "there are no certificates for foreign digits of pi"),
        (["certify", good, "--constant", "sqrt 0"], 2, "out of range"),
        (["certify", good], 2, "--constant"),
        (["certify", tmp_path, "--constant", "phi"], 3, "directory"),
        (["certify", tmp_path / "none.txt", "--constant", "phi"], 3, "No such file"),
        (["certify", tmp_path / "empty.txt", "--constant", "phi"], 3, "is empty"),
        (["certify", tmp_path / "letter.txt", "--constant", "phi"], 3, "'z' as digit 6"),
        (["certify", tmp_path / "whole.txt", "--constant", "phi"], 3, "no digits after the point"),
        (["certify", tmp_path / "other.txt", "--constant", "phi"], 1, "does not begin with 1."),
        (["certify", good, "--constant", "sqrt 3"], 1, "sqrt 3"),
        (["verify", good], 3, "good.txt.cert"),
        (["verify", good, "--primes", "0"], 2, "range"),
        (["verify", good, "--without-certificate"], 2, "--constant"),
        (["verify", good, "--constant", "phi"], 2, "--without-certificate"),
    ]
    for arguments, code, words in cases:
        assert run(*arguments) == code, arguments
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and words in error, (arguments, error)
    assert sorted(os.listdir(tmp_path)) == ["empty.txt", "good.txt", "letter.txt", "other.txt", "whole.txt"]


def test_an_existing_certificate_is_kept_without_force(tmp_path, capsys):
    path = tmp_path / "phi.txt"
    (tmp_path / "phi.txt.cert").write_text("mine")
    assert run("phi", "--digits", 10, "--output", path) == 2
    assert not path.exists() and (tmp_path / "phi.txt.cert").read_text() == "mine"
    assert run("phi", "--digits", 10, "--output", path, "--no-certificate") == 0
    assert run("certify", path, "--constant", "phi") == 2
    assert (tmp_path / "phi.txt.cert").read_text() == "mine"
    assert "--force" in capsys.readouterr().err


def test_a_file_that_changes_while_it_is_certified(tmp_path, monkeypatch, capsys):
    """Its digits are read twice: to be squared, and for the checksum in the certificate."""
    path = tmp_path / "phi.txt"
    assert run("phi", "--digits", 3000, "--output", path, "--no-certificate") == 0
    original, text = DigitSource.check, path.read_text()

    def meddle(*arguments):
        path.write_text(text[:-2] + str((int(text[-2]) + 1) % 10) + "\n")
        os.utime(path, ns=(1, 1))
        return original(*arguments)

    monkeypatch.setattr(DigitSource, "check", meddle)
    monkeypatch.setattr(DigitFile, "check_unchanged", lambda self: None)
    assert run("certify", path, "--constant", "phi") == 3
    assert "changed while it was certified" in capsys.readouterr().err
    monkeypatch.undo()
    path.write_text(text)
    monkeypatch.setattr(DigitSource, "check", meddle)
    assert run("certify", path, "--constant", "phi") == 3
    assert "changed while it was read" in capsys.readouterr().err and os.listdir(tmp_path) == ["phi.txt"]


ON_DISK = "--workspace 280KiB --disk ssd --swap ../a".split()


def certifying(place, name: str, base: int, lenient: bool = False) -> list[str]:
    """The command that certifies digits on disk, of which there are enough for it in the file x.txt."""
    kind, d = ("phi", 5) if name == "phi" else ("sqrt", int(name[5:]))
    whole, fraction = digits_of(kind, d, 70_001, base)
    text = " ".join(fraction[i:i + 10] for i in range(0, len(fraction), 10)) if lenient else fraction
    (place / "files" / "x.txt").write_text(f"{whole}.{text}\n")
    return ["certify", "x.txt", "--constant", name, "--base", base, *ON_DISK, *(["--lenient"] if lenient else [])]


@pytest.mark.parametrize("name,base,lenient", [("phi", 10, False), ("phi", 16, True), ("sqrt 12345", 10, True),
                                               ("sqrt 2147483647", 16, False), ("sqrt 49", 10, False)])
def test_certified_on_disk(place, name, base, lenient, capsys):
    command = certifying(place, name, base, lenient)
    assert run(*command, "--plan") == 0
    out = capsys.readouterr().out
    assert "Scratch traffic:" in out and "one squaring of the digits" in out and os.listdir(place / "a") == []
    assert run(*command) == 0
    assert "70,001 digits" in capsys.readouterr().out and os.listdir(place / "a") == []
    on_disk = (place / "files" / "x.txt.cert").read_bytes()
    assert run("verify", "x.txt") == 0
    assert run(*command[:6], "--force", *(["--lenient"] if lenient else [])) == 0      # in memory
    assert (place / "files" / "x.txt.cert").read_bytes() == on_disk
    if not lenient:
        assert proves((place / "files" / "x.txt").read_bytes(), on_disk)


def test_a_character_that_is_no_digit_among_those_that_are_certified_on_disk(place, capsys):
    """What was found is kept: with the character mended, the run goes on."""
    command = certifying(place, "phi", 10)
    text = (place / "files" / "x.txt").read_text()
    (place / "files" / "x.txt").write_text(text[:40_002] + "z" + text[40_003:])
    assert run(*command) == 3
    assert "'z' as digit 40,001 after the point" in capsys.readouterr().err
    (place / "files" / "x.txt").write_text(text)
    assert run(*command) == 0 and os.listdir(place / "a") == []


@pytest.mark.parametrize("how", ["resume", "the command again"])
def test_an_interrupted_certificate(place, how, capsys):
    command = certifying(place, "phi", 10)
    kill(" ".join(map(shlex.quote, map(str, command))), at_moment(30))
    assert run("status", "../a") == 0
    assert run(*(["resume", "../a"] if how == "resume" else command)) == 0
    assert "70,001 digits of Golden Ratio are right" in capsys.readouterr().out
    assert run("verify", "x.txt") == 0 and os.listdir(place / "a") == []


def test_an_interrupted_certificate_is_not_that_of_another_file(place, capsys):
    command = certifying(place, "phi", 10)
    kill(" ".join(map(shlex.quote, map(str, command))), at_moment(30))
    (place / "files" / "y.txt").write_bytes((place / "files" / "x.txt").read_bytes())
    assert run("certify", "y.txt", "--constant", "phi", *ON_DISK) == 2
    assert "resume" in capsys.readouterr().err
    assert run("resume", "../a", "--output", "z.txt") == 2
    assert "leave out --output" in capsys.readouterr().err
    (place / "files" / "x.txt").write_text("1.7" + (place / "files" / "x.txt").read_text()[3:])
    assert run("resume", "../a") in (1, 3)      # its digits were read before, and the file is another one now
    assert not (place / "files" / "x.txt.cert").exists()
    assert run("certify", "y.txt", "--constant", "phi", *ON_DISK, "--discard") == 0


@pytest.mark.parametrize("position", [1, 35_000, 70_001])
def test_wrong_digits_on_disk(place, position, capsys):
    command = certifying(place, "phi", 10)
    text = (place / "files" / "x.txt").read_text()
    (place / "files" / "x.txt").write_text(text[:position + 1] + str((int(text[position + 1]) + 1) % 10)
                                           + text[position + 2:])
    assert run(*command) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("bigconst: x.txt does not hold phi; ")
    assert os.listdir(place / "files") == ["x.txt"] and os.listdir(place / "a") == []
    assert run(*command, "--locate") == 1
    assert f"wrong from digit {position:,} after the point on" in capsys.readouterr().err


def test_a_file_that_changes_while_it_is_read(tmp_path, monkeypatch, capsys):
    from bigconst.proof import verification

    path = tmp_path / "phi.txt"
    assert run("phi", "--digits", 1000, "--output", path) == 0
    original = verification._within_bound

    def meddle(*arguments):
        os.utime(path, ns=(1, 1))
        return original(*arguments)

    monkeypatch.setattr(verification, "_within_bound", meddle)
    assert run("verify", path) == 3
    assert "changed while it was read" in capsys.readouterr().err
