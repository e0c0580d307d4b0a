"""Certificates of whole runs and of files from elsewhere, through the command line."""

import os
import runpy
from pathlib import Path

import pytest
from certificates import proves
from gmpy2 import isqrt, mpz

from bigconst.base.formats import HEADER_BYTES
from bigconst.base.units import hex_digits
from bigconst.cli import main
from bigconst.plans.certificate import decode_header

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
        (["certify", good, "--constant", "pi"], 2, "unknown constant"),
        (["certify", good, "--constant", "sqrt 0"], 2, "unknown constant"),
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
