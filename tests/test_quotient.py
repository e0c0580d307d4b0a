"""Certificates of limits against both verifiers, and the bounds of docs/certificate.md against numbers.

BIGCONST_FORGERIES says how many forgeries of 10^4 digits are made (default 400), and a fortieth of it of 10^6.
"""

import os
import random
import runpy
from pathlib import Path

import gmpy2
import pytest
from certificates import checksums_pass
from gmpy2 import log10, mpfr, mpz
from quotients import COMMON, FORMULAS, KINDS, Quotient, floor_of, fraction, is_padded, quotient, terms, value

from bigconst import cli
from bigconst.arithmetic.limits import quotient_residues
from bigconst.arithmetic.residues import Modulus, random_prime
from bigconst.plans import quotient as statements
from bigconst.plans.claim import Claim
from bigconst.plans.limits import limit

STANDALONE = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "verify_certificate.py"))["main"]
COUNT = int(os.environ.get("BIGCONST_FORGERIES", "400"))
CASES = [("pi", False), ("pi", True), ("e", False), ("log 2", False), ("log 2", True), ("zeta3", False),
         ("zeta3", True)]
"""Statements that both verifiers know."""
MORE = [(name, reduced) for name in FORMULAS for reduced in (False, True)
        if (name, reduced) not in CASES and (name in COMMON or not reduced)]
"""Statements that the program alone knows."""


def program(text) -> int:
    return cli.main(["verify", str(text)])


def accepted_by(verifier, tmp_path):
    """A function that says whether a verifier accepts files."""
    def check(files: tuple[bytes, bytes]) -> bool:
        text = tmp_path / "digits.txt"
        text.write_bytes(files[0])
        (tmp_path / "digits.txt.cert").write_bytes(files[1])
        assert checksums_pass(*files)
        code = verifier(str(text))
        assert code in (0, 1)
        return code == 0
    return check


@pytest.fixture(params=[STANDALONE, program], ids=["standalone", "program"])
def accepts(request, tmp_path):
    """Whether each of the verifiers accepts files."""
    return accepted_by(request.param, tmp_path)


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("constant,reduced", CASES)
def test_right_certificates_are_accepted(accepts, constant, reduced, base):
    check_right_ones(accepts, constant, reduced, base)


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("constant,reduced", MORE)
def test_right_certificates_of_other_numbers_are_accepted(tmp_path, constant, reduced, base):
    check_right_ones(accepted_by(program, tmp_path), constant, reduced, base)


def check_right_ones(accepts, constant, reduced, base):
    rng = random.Random(base)
    for n in [*range(1, 40, 1 if constant in ("pi", "e") else 5), *(rng.randrange(40, 3000) for _ in range(6))]:
        assert accepts(quotient(constant, base, n, 20 + n % 5, reduced).files()), n
    assert accepts(quotient(constant, base, 50, 100, reduced).files())


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("constant,reduced", CASES + MORE)
def test_bounds(constant, reduced, base):
    """x_N is near enough to x, and r has room below X, but not up to 101*X."""
    rng = random.Random(base)
    step = 7 if base == 16 or constant not in ("pi", "e") else 1
    for n in [*range(1, 301, step), *(rng.randrange(300, 5000) for _ in range(10))]:
        found = quotient(constant, base, n, 20, reduced)
        claim = Claim(limit(constant), base, n)
        statement = statements.Quotient(20, found.G, reduced)
        assert statement.counts(claim) == terms(constant, base, n, 20)
        (number,) = statement.numbers(claim)
        assert number.digits == found.size
        assert found.X <= mpz(base) ** number.digits < (101 if found.h == 0 else 264) * found.X
        with gmpy2.context(precision=20_480):
            assert abs(mpfr(found.Y) / mpfr(found.X) - value(constant, 20_400)) * mpfr(base) ** (n + 20) < 0.1
        assert found.P == floor_of(constant, base, n)
        assert found.is_true and statement.wrong(claim) is None


def test_lengths_of_many_digits():
    """Logarithms are right where factorials are too long to be made."""
    with gmpy2.context(precision=200):
        for n in (10**6, 10**9, 10**12, 10**17):
            claim, statement = Claim(limit("pi"), 10, n), statements.Quotient(20, 1000)
            count, power = statement.counts(claim)
            count += 1
            size = (log10(213440 / gmpy2.const_pi()) + power * log10(4001 + 40 * gmpy2.sqrt(mpfr(10005)))
                    + 3 * gmpy2.lngamma(mpfr(count)) / gmpy2.log(mpfr(10)) + (count - 1) * log10(mpfr(640320**3 // 24)))
            assert statement.numbers(claim)[0].digits == int(gmpy2.ceil(size + mpfr("0.001")))
            claim = Claim(limit("e"), 10, n)
            count, = statement.counts(claim)
            w = [(gmpy2.lngamma(mpfr(2 * k + 1)) - gmpy2.lngamma(mpfr(k + 1)) - gmpy2.log(mpfr(2)))
                 / gmpy2.log(mpfr(10)) for k in (count - 1, count)]
            assert 2 * w[0] < n + 22 <= 2 * w[1]


@pytest.mark.parametrize("constant,reduced", CASES + MORE)
def test_residues_of_ranges(constant, reduced, monkeypatch):
    """Terms that are cut into ranges, on several threads, make the numbers that they make at once."""
    monkeypatch.setattr("bigconst.arithmetic.limits.RANGE_TERMS", 37)
    claim, statement = Claim(limit(constant), 10, 4000), statements.Quotient(20, 1000, reduced)
    moduli = [Modulus(random_prime()) for _ in range(4)]
    found, _ = quotient_residues(claim, statement, moduli, 3)
    x, y = fraction(constant, terms(constant, 10, 4000, 20), reduced)
    for modulus, X, Y in zip(moduli, found["X"], found["Y"], strict=True):
        assert (X - x) % modulus.p == (Y - y) % modulus.p == 0


def forged(rng: random.Random, honest: Quotient) -> tuple[str, Quotient]:
    kind = rng.choice([name for name in KINDS if (honest.constant in COMMON or name != "reduction")
                       and (is_padded(honest.constant, honest.reduced) or name != "padding")])
    return kind, KINDS[kind](rng, honest)


def check_forgeries(accepts, rng: random.Random, n: int, count: int, cases: list = CASES) -> None:
    for i in range(count):
        constant, reduced = cases[i % len(cases)]
        honest = quotient(constant, 10 if i % 2 else 16, n, 20, reduced)
        kind, claim = forged(rng, honest)
        if kind in ("reduction", "padding") or not claim.is_true:
            assert not accepts(claim.files()), (kind, i)


def test_forgeries_are_refused(accepts):
    check_forgeries(accepts, random.Random(1), 300, 60)


def test_forgeries_of_other_numbers_are_refused(tmp_path):
    check_forgeries(accepted_by(program, tmp_path), random.Random(4), 300, 60, MORE)


@pytest.mark.slow
def test_thousands_of_forgeries_are_refused(accepts, request):
    """The standalone verifier, which is slow, gets a sample."""
    check_forgeries(accepts, random.Random(2), 10_000, COUNT if "program" in request.node.name else COUNT // 4)


@pytest.mark.slow
def test_forgeries_among_a_million_are_refused(accepts, request):
    assert accepts(quotient("pi", 10, 10**6).files())
    check_forgeries(accepts, random.Random(3), 10**6, COUNT // 40 if "program" in request.node.name else 3)


def test_headers_that_are_not_of_the_documented_form(accepts):
    honest = quotient("pi", 10, 100)
    for more in ({"N": 10}, {"g": 19}, {"g": 101}, {"G": honest.G}, {"G": "0" + str(honest.G)}, {"G": "-5000"},
                 {"reduced": 0}, {"reduced": True}, {"G": "9" * 122}, {"g": True}):
        assert not accepts(honest.files(more=more)), more
    for constant in ("phi", "sqrt 2", "Pi", "sqrt pi"):
        assert not accepts(honest.files(constant=constant)), constant
    for statement in ("remainder", "ladder"):
        assert not accepts(honest.files(statement=statement)), statement
    assert not accepts(honest.files(numbers=[["r", honest.size + 1]]))
    assert not accepts(honest.files(digits=99))
    assert not accepts(quotient("e", 10, 100).files(more={"reduced": True}))
    assert not accepts(quotient("e", 10, 100).files(constant="pi"))
    assert not accepts(quotient("pi", 10, 100, reduced=True).files(more={"h": 0}))
    padded = quotient("zeta3", 10, 100, reduced=True)
    for h in (-1, padded.h + 1, True, "1", 10**16, 10**400):
        assert not accepts(padded.files(more={"h": h})), h
    assert honest.is_true and accepts(honest.files())


def test_terms_modulo_the_largest_prime():
    """The kernel's residues stay below 2p for the largest primes."""
    p = (1 << 61) - 1
    claim, statement = Claim(limit("pi"), 10, 50_000), statements.Quotient(20, 1000)
    found, _ = quotient_residues(claim, statement, [Modulus(p)], 1)
    x, y = fraction("pi", terms("pi", 10, 50_000, 20))
    assert [found["X"][0], found["Y"][0]] == [int(x % p), int(y % p)]
