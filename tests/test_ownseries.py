"""Series of one's own: files that are right and wrong, digits, certificates, and whom a verifier believes."""

import json

import gmpy2
import pytest
from gmpy2 import mpfr, mpz
from interrupted_runs import at_moment, kill
from quotients import floor_of
from test_cli import one_line

import bigconst
from bigconst.base.errors import UsageError
from bigconst.cli import main
from bigconst.constants.registry import parse
from bigconst.plans.ownseries import own_series

APERY = """
title = "Zeta(3)"
p = [0, 0, 0, -1]
q = { constant = 2, factors = [[0, 1], [0, 1], [-1, 2]] }
t = [1]
scale = "5/2"
"""
RAMANUJAN = """
# 4/pi, times sqrt(3528^2)/4: sum of (-1)^k (4k)!(1123 + 21460k)/(k!^4 256^k 882^(2k)) = 3528/pi
p = { constant = -1, factors = [[-3, 4], [-1, 2], [-1, 4]] }
q = { constant = 24893568, factors = [[0, 1], [0, 1], [0, 1]] }
t = { constant = -1, factors = [[-3, 4], [-1, 2], [-1, 4], [1123, 21460]] }
first = 1123
scale = 3528
power = -1
"""
E = "p = [1]\nq = [0, 1]\nt = [1]\nfirst = 1\n"
NEGATIVE_Q = "p = [1]\nq = [0, -3]\nt = [1]\nfirst = 1\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in (("apery", APERY), ("pi", RAMANUJAN), ("e", E), ("root", NEGATIVE_Q)):
        (tmp_path / f"{name}.toml").write_text(text)
    return tmp_path


def expected(name: str, digits: int) -> str:
    text = floor_of(name, 10, digits).digits().rjust(digits + 1, "0")
    return f"{text[:-digits]}.{text[-digits:]}"


@pytest.mark.parametrize("file, name", [("apery", "zeta3"), ("pi", "pi"), ("e", "e")])
def test_digits(here, file, name):
    for digits in (1, 17, 300, 20_000):
        assert bigconst.compute_digits(f"series {file}.toml", digits) == expected(name, digits)


def test_a_number_whose_denominators_are_below_0(here):
    """exp(-1/3) = 1 - (1/3 - 1/18 + ...)."""
    with gmpy2.context(precision=4000):
        right = gmpy2.floor(gmpy2.exp(mpfr(-1) / 3) * mpfr(mpz(10) ** 1000))
        assert bigconst.compute_digits("series root.toml", 1000) == f"0.{mpz(right).digits()}"


def test_the_files_of_a_run(here, capsys):
    assert main("series apery.toml --digits 5000 --json report.json".split()) == 0
    assert (here / "apery.txt").read_text() == expected("zeta3", 5000) + "\n"
    report = json.loads((here / "report.json").read_text())
    assert report["constant"] == own_series(APERY, "x").name
    capsys.readouterr()
    assert main(["verify", "apery.txt", "--series", "apery.toml"]) == 0
    assert "5,000 digits of Zeta(3)" in capsys.readouterr().out
    assert bigconst.verify("apery.txt", series="apery.toml").header.digits == 5000
    assert main(["verify", "apery.txt"]) == 2
    assert "the certificate is for a series of somebody's own; name its file with --series FILE" in one_line(capsys)
    for other in ("pi.toml", "e.toml"):
        assert main(["verify", "apery.txt", "--series", other]) == 1
        assert "not for the series in the file" in one_line(capsys)
    assert main("zeta3 --digits 5000".split()) == 0
    capsys.readouterr()
    assert main(["verify", "zeta3.txt", "--series", "apery.toml"]) == 1
    assert "the certificate is for 'zeta3'" in one_line(capsys)
    assert main(["compare", "apery.txt", "zeta3.txt"]) == 0


def test_a_certificate_is_for_its_series_alone(here, capsys):
    """The same digits, and a series with another term: the checksum in the header and the identity know."""
    assert main("series apery.toml --digits 300".split()) == 0
    for change in (('scale = "5/2"', 'scale = "5/4"'), ("[0, 0, 0, -1]", "[0, 0, 0, 1]"), ("t = [1]", "t = [1, 1]")):
        (here / "other.toml").write_text(APERY.replace(*change))
        assert main(["verify", "apery.txt", "--series", "other.toml"]) == 1, change
    (here / "same.toml").write_text(APERY.replace("Zeta(3)", "Apery").replace("[[0, 1], [0, 1], [-1, 2]]",
                                                                             "[[0, 0, 1], [-1, 2]]"))
    assert main(["verify", "apery.txt", "--series", "same.toml"]) == 0


def test_interrupted_runs_go_on_without_the_file(place, capsys):
    (place / "files" / "apery.toml").write_text(APERY)
    kill("series apery.toml --digits 200000 --workspace 1536KiB --disk ssd --swap ../a", at_moment(150))
    (place / "files" / "apery.toml").unlink()
    assert main(["status", "../a"]) == 0
    assert "Constant:               Zeta(3)\n" in capsys.readouterr().out
    assert main(["resume", "../a"]) == 0
    assert (place / "files" / "apery.txt").read_text() == expected("zeta3", 200_000) + "\n"
    assert not [*(place / "a").iterdir()]


GOOD = {"p": "[1]", "q": "[0, 2]", "t": "[1]"}


@pytest.mark.parametrize("change, says", [
    ({"p": None}, "x.toml: p: is missing; a series needs p, q and t"),
    ({"q": None}, "x.toml: q: is missing"),
    ({"r": "1"}, "x.toml: r: there is no such key; the keys are first, p, power, q, scale, t, title"),
    ({"p": "[1.5]"}, "x.toml: p: '1.5' is no integer of at most 200 digits"),
    ({"t": "[true]"}, "x.toml: t: 'True' is no integer"), ({"t": "['1']"}, "x.toml: t: '1' is no integer"),
    ({"q": "3"}, "x.toml: q: '3' is no list of coefficients"), ({"q": "[]"}, "x.toml: q: '[]' is no list"),
    ({"q": "{ factor = [[1]] }"}, "x.toml: q: a product has a constant and factors, and nothing else"),
    ({"q": "{ factors = [1] }"}, "x.toml: q: '1' is no list"), ({"q": "{ factors = 1 }"}, "x.toml: q: a product has"),
    ({"t": "[0]"}, "x.toml: t: is 0"), ({"p": f"[{10**200}]"}, "x.toml: p: '10"),
    ({"q": str([1] * 34)}, "x.toml: q: its degree is above 32"),
    ({"q": "[-3, 1]"}, "x.toml: q: is 0 at k = 3; begin the sum behind it"),
    ({"q": "[-5, 2]"}, "x.toml: q: has another sign at k = 2 than at large k"),
    ({"q": "[30000, 1]"}, "x.toml: q: its roots may lie beyond 10,000"),
    ({"p": "[0, 2]"}, "x.toml: p: the series is not seen to converge: the ratio of its terms tends to 1;"),
    ({"p": "[0, -3]"}, "x.toml: p: the series is not seen to converge: the ratio of its terms tends to 3/2"),
    ({"p": "[0, 0, 1]"}, "x.toml: p: the series is not seen to converge: p has a higher degree than q"),
    ({"p": "[0, 999]", "q": "[0, 1000]"}, "x.toml: p: a term gains 0.0004 decimals, less than 0.01"),
    ({"p": "[-400]", "q": "[0, 1]"}, "x.toml: t: terms are much larger than their sum"),
    ({"power": "2"}, "x.toml: power: 2 is neither 1 nor -1"), ({"first": "0.5"}, "x.toml: first: '0.5' is no integer"),
    ({"scale": "0"}, "x.toml: scale: '0' is no ratio"), ({"scale": "'1/0'"}, "x.toml: scale: '1/0' is no ratio"),
    ({"scale": "1.5"}, "x.toml: scale: '1.5' is no ratio"), ({"scale": "-1"}, "x.toml: scale: the number is below 0"),
    ({"scale": "20000"}, "x.toml: scale: the number is not below 10,000"),
    ({"title": "3"}, "x.toml: title: is no line"),
    ({"title": '"a\\tb"'}, "x.toml: title: is no line of at most 80 characters"),
    ({"p": "[0, 1]", "t": "[0, 1]"}, "x.toml: scale: the number is 1, or so near to it that no floor is sure"),
])
def test_files_that_are_refused(tmp_path, monkeypatch, capsys, change, says):
    monkeypatch.chdir(tmp_path)
    keys = GOOD | change
    (tmp_path / "x.toml").write_text("".join(f"{key} = {each}\n" for key, each in keys.items() if each is not None))
    assert main("series x.toml --digits 100".split()) == 2
    assert one_line(capsys).startswith(f"bigconst: {says}")
    assert [path.name for path in tmp_path.iterdir()] == ["x.toml"]


def test_files_that_are_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for content, code, says in ((b"p = [1", 2, "x.toml: "), (b"p = [1]\nq = ]", 2, "line 2"),
                                (b"\xff", 2, "is no text"),
                                (b"#" * 70_000, 2, "is no text of at most 64 KiB"), (None, 3, "cannot read x.toml")):
        (tmp_path / "x.toml").unlink(missing_ok=True)
        if content is not None:
            (tmp_path / "x.toml").write_bytes(content)
        assert main("series x.toml --digits 100".split()) == code
        assert says in one_line(capsys)
    assert main("verify x.txt --series x.toml".split()) == 3
    with pytest.raises(UsageError, match="^unknown constant 'series'"):
        parse("series")
