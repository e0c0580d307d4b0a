"""Numbers from series: digits by MPFR, certificates by gmpy2, byte for byte."""

import gmpy2
import numpy as np
import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st
from quotients import FORMULAS as RIGHT
from quotients import PI as PI_SUM
from quotients import floor_of, matrices, quotient, series

from bigconst import __version__
from bigconst.arithmetic import reduced
from bigconst.arithmetic.machine import made_bytes
from bigconst.arithmetic.memory.machine import MemoryMachine
from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.ranges import ranges
from bigconst.arithmetic.subtree import PART_WORDS, Subtree
from bigconst.arithmetic.terms import FractionTerms, HarmonicTerms, ListedTerms, SeriesTerms, words_of
from bigconst.arithmetic.words import Words
from bigconst.base import failpoints
from bigconst.base.constant import Constant
from bigconst.base.errors import DoesNotFit, FaultError, UsageError
from bigconst.base.events import Fault, StageStarted
from bigconst.base.formats import WORDS
from bigconst.base.units import hex_digits
from bigconst.constants import engine, quotients
from bigconst.constants.planning import bounds_of, make_plan
from bigconst.constants.quotients import constant_of_limit
from bigconst.constants.registry import CONSTANTS, parse
from bigconst.plans import quotient as statements
from bigconst.plans.formula import UnitRoot
from bigconst.plans.limits import CHUDNOVSKY, FORMULAS, formulas_of, limit
from bigconst.plans.plan import Plan
from bigconst.runs.workdone import memory_work
from bigconst.runtime.arena import Arena
from bigconst.runtime.threads import Pool

MOST = 2000
PI, E = parse("pi"), parse("e")
ZETA3, ZETA3_SUM = SeriesTerms(limit("zeta3").formula.parts[0].terms), RIGHT["zeta3"][1][0][1][0]
ALL_TERMS = [SeriesTerms(CHUDNOVSKY.terms), FractionTerms(), ZETA3, HarmonicTerms(10**5)]


def expected(constant: Constant, decimal_digits: int, base: int) -> str:
    digits = decimal_digits if base == 10 else hex_digits(decimal_digits)
    text = floor_of(constant.name, base, digits).digits(base).rjust(digits + 1, "0")
    return f"{text[:-digits]}.{text[-digits:]}"


ALL = [name if i == 0 else f"{name} by {formula}"
       for name in (*FORMULAS, "log 2", "log 3", "log 5", "log 7", "log 10", "log 13", "log 3/2", "log 143/128")
       for i, formula in enumerate(formulas_of(name))] + ["gamma", "gamma by second-parameter"]
"""All formulas, and logarithms of all kinds."""


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("constant", [PI, E], ids=["pi", "e"])
def test_digits(constant, base):
    for digits in [*range(1, 60), *range(60, 300, 9), 1000, 12345, 99_999, 300_001]:
        assert engine.compute(constant, digits, base, threads=2) == expected(constant, digits, base), digits


@pytest.mark.parametrize("name", ALL)
def test_digits_of_all_formulas(name):
    rng = np.random.default_rng(len(name))
    for digits in [*range(1, 9), *map(int, rng.integers(9, 300, 4)), int(rng.integers(300, 10_000)), 30_000]:
        base = 10 if digits % 3 else 16
        assert engine.compute(parse(name), digits, base, threads=2) == expected(parse(name), digits, base), digits


@pytest.mark.slow
@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("constant", [PI, E], ids=["pi", "e"])
def test_more_digits_of_pi_and_e(constant, base):
    rng = np.random.default_rng(base)
    for digits in [*range(60, 301), *map(int, rng.integers(300, 30_000, 40)), 10**6]:
        assert engine.compute(constant, digits, base, threads=2) == expected(constant, digits, base), digits


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ALL if " by " not in name])
def test_more_digits(name):
    """A hundred thousand by MPFR, a million by all formulas: they agree."""
    assert engine.compute(parse(name), 10**5, threads=2) == expected(parse(name), 10**5, 10)
    formulas = formulas_of(name) or CONSTANTS[name].formulas
    found = {formula: engine.compute(parse(f"{name} by {formula}"), 10**6, threads=2) for formula in formulas}
    assert len(set(found.values())) == 1 and len(found) > 1


@pytest.mark.slow
def test_pi_by_another_formula():
    """Machin's: 16 arctan(1/5) - 4 arctan(1/239), by mpmath's integers."""
    n = 10**6
    scale = mpz(10) ** (n + 10)

    def arccot(x: int) -> mpz:
        def split(a: int, b: int):
            if b - a == 1:
                return mpz(1), mpz(x * x) * (1 if a else 1), mpz(2 * a + 1), mpz((-1) ** a)
            middle = (a + b) // 2
            _, q1, d1, t1 = split(a, middle)
            _, q2, d2, t2 = split(middle, b)
            return mpz(1), q1 * q2, d1 * d2, t1 * q2 * d2 + t2 * d1
        count = int((n + 10) / (2 * np.log10(x))) + 2
        _, q, d, t = split(0, count)
        return scale * t * (x * x) // (q * d * x)

    value = (16 * arccot(5) - 4 * arccot(239)) // mpz(10) ** 10
    assert engine.compute(PI, n, threads=2).replace(".", "") == value.digits()


@pytest.mark.slow
def test_e_by_another_formula():
    """The series of 1/k!."""
    n, count = 10**6, 210_000

    def split(a: int, b: int):
        if b - a == 1:
            return mpz(b), mpz(1)
        middle = (a + b) // 2
        (q1, t1), (q2, t2) = split(a, middle), split(middle, b)
        return q1 * q2, t1 * q2 + t2

    q, t = split(0, count)
    assert engine.compute(E, n, threads=2).replace(".", "") == (mpz(10) ** n * (q + t) // q).digits()


def files_of(constant: Constant, digits: int, base: int, threads: int = 1) -> tuple[bytes, bytes]:
    return files_by(make_plan(constant, digits, base, threads, 1 << 60))


def files_by(plan: Plan) -> tuple[bytes, bytes]:
    text, certificate = bytearray(plan.text_bytes), bytearray(plan.certificate_bytes)

    class Sink:
        def __init__(self, data):
            self.data = data

        def write_at(self, offset, data):
            self.data[offset:offset + len(data)] = data

    engine.run(plan, Sink(text), lambda event: None, Sink(certificate))
    return bytes(text), bytes(certificate)


def by_gmpy2(constant: Constant, digits: int, base: int, reduced: bool = False) -> tuple[bytes, bytes]:
    width = WORDS[base].digits
    return quotient(constant.name, base, digits, -(-(digits + 20) // width) * width - digits, reduced).files(
        version=__version__)


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("constant", [PI, E], ids=["pi", "e"])
def test_certificates(constant, base):
    for digits in (1, 2, 5, 17, 300, 1234, 40_000):
        written = digits if base == 10 else hex_digits(digits)
        assert files_of(constant, digits, base, 2) == by_gmpy2(constant, written, base), digits


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("name,levels", [*(("pi", levels) for levels in range(4)), ("zeta3", 0), ("zeta3", 3),
                                         ("catalan by zuniga", 2), ("log 2", 1), ("log 2 by sum", 0)])
def test_certificates_without_common_factors(name, base, levels, monkeypatch):
    """As they are for many digits."""
    monkeypatch.setattr(quotients, "REDUCED_DIGITS", 80)
    monkeypatch.setattr(reduced, "_levels", lambda *_: levels)
    constant = constant_of_limit(limit(name))
    for digits in (100, 301, 1234, 9999, 40_000):
        written = digits if base == 10 else hex_digits(digits)
        assert files_of(constant, digits, base, 2) == by_gmpy2(constant, written, base, True), digits


def test_numbers_of_few_digits_are_not_reduced():
    bounds = bounds_of(make_plan(PI, 79, 10, 1, 1 << 60), certified=True)
    assert not quotients.statement_of(bounds, PI.number.formula).reduced


def test_less_memory_where_it_does_not_suffice(monkeypatch):
    """In several ranges instead of one, and the same files; less than that takes is refused."""
    monkeypatch.setattr(quotients, "REDUCED_DIGITS", 1000)
    constant, digits = parse("zeta3"), 300_000
    whole = make_plan(constant, digits, 10, 2, 1 << 60)
    lean = make_plan(constant, digits, 10, 2, 1 << 60, workspace_bytes=whole.arena_bytes - 1)
    assert not whole.lean and lean.lean and lean.arena_bytes < whole.arena_bytes
    assert files_by(lean) == files_by(whole) == by_gmpy2(constant, digits, 10, True)
    with pytest.raises(DoesNotFit, match="zeta3 need .* of memory"):
        make_plan(constant, digits, 10, 2, 1 << 60, workspace_bytes=lean.arena_bytes - 1)


def test_an_exact_quotient_that_is_not(monkeypatch):
    """One too many, and its residue: the factors know better."""
    monkeypatch.setattr(quotients, "REDUCED_DIGITS", 100)
    right = MemoryMachine.sum

    def spoiled(machine, name, *arguments, **options):
        found = right(machine, name, *arguments, **options)
        return found.plus(1) if name == "exact" else found

    monkeypatch.setattr(MemoryMachine, "sum", spoiled)
    with pytest.raises(FaultError, match="^two ways to a number do not agree; run it again"):
        files_of(PI, 3000, 10)


# --- wrong values ---------------------------------------------------------------------------

@pytest.mark.parametrize("constant", [PI, E], ids=["pi", "e"])
def test_terms_that_are_spoiled_are_made_again(constant):
    plan, events = make_plan(constant, 50_000, 10, 2, 1 << 60), []
    text = bytearray(plan.text_bytes)

    class Sink:
        def write_at(self, offset, data):
            text[offset:offset + len(data)] = data

    with failpoints.active("terms.words=spoil:7@1"):
        outcome = engine.run(plan, Sink(), events.append)
    assert text.decode().strip() == expected(constant, 50_000, 10)
    assert outcome.faults == {"residue": 1} and sum(isinstance(event, Fault) for event in events) == 1
    stages = [event for event in events if isinstance(event, StageStarted)]
    assert [stage.index for stage in stages] == [*range(1, len(memory_work(plan)[0]) + 1)]
    assert stages[0].name == "terms" and len(stages) > 3


def test_a_quotient_whose_residues_agree_and_that_proves_nothing(monkeypatch):
    """One too many in T and in its residue: only the identity of the certificate knows better."""
    right = MemoryMachine.sum

    def spoiled(machine, name, *arguments, **options):
        found = right(machine, name, *arguments, **options)
        return found.plus(1) if name == "N" else found

    monkeypatch.setattr(MemoryMachine, "sum", spoiled)
    with pytest.raises(FaultError, match="^the quotient does not prove its digits; run it again"):
        files_of(PI, 3000, 10)


def test_an_undecided_digit_is_said(monkeypatch):
    monkeypatch.setattr(statements, "MARGIN", 10**20)
    with pytest.raises(UsageError, match="the last of 3,000 digits of pi is undecided; ask for one digit more"):
        files_of(PI, 3000, 10)


# --- numbers of ranges --------------------------------------------------------------------

def numbers(terms, start: int, stop: int) -> dict[str, mpz]:
    """Those of the terms start .. stop - 1, by gmpy2."""
    if isinstance(terms, HarmonicTerms):
        return dict(zip("PRQTU", harmonic(mpz(terms.x) ** 2, start, stop), strict=True))
    if isinstance(terms, SeriesTerms):
        right = ZETA3_SUM if terms == ZETA3 else PI_SUM
        return dict(zip("PQT", series(start, stop, right), strict=True))
    (a, b), (c, d) = matrices(start, stop)
    return {"a": a, "b": b, "c": c, "d": d}


def harmonic(square: mpz, start: int, stop: int) -> tuple[mpz, ...]:
    """Those of the sums of x^(2k)/k!^2 and of H_k*x^(2k)/k!^2."""
    if stop - start == 1:
        return square * start, square, mpz(start) ** 3, square * start, square
    middle = (start + stop) // 2
    (p, r, q, t, u), (p2, r2, q2, t2, u2) = harmonic(square, start, middle), harmonic(square, middle, stop)
    return p * p2, p * r2 + r * p2, q * q2, t * q2 + p * t2, u * q2 + p * u2 + r * t2


def check_subtree(terms, start: int, count: int, part_words: int, threads: int, base: int, which: str) -> None:
    right = numbers(terms, start, start + count)
    with Pool(threads) as pool:
        words = Words(WORDS[base], pool)
        tree = Subtree(terms, start, start + count, start + count, tuple(which), part_words)
        length = max(words_of(terms, name, start, start + count, words.format.radix) for name in which)
        length = length * max(4, len(terms.names)) // 4
        size = -(-made_bytes(length) // 4096) * 4096
        memory = Arena(size).take(size, np.uint8)
        for name in which:
            array, sign, residue = tree.number(name, Products(words, lambda event: None), memory)
            assert sign * words.to_int(array) == right[name] and residue == abs(right[name]) % words.modulus.p
            assert len(array) == words_of(terms, name, start, start + count, words.format.radix)


@given(start=st.integers(1, 10**6), count=st.integers(1, 700), part_words=st.integers(150, 3000),
       threads=st.integers(1, 3), base=st.sampled_from([10, 16]),
       which=st.sampled_from(["PQT", "QT", "Q", "T", "P", "abcd", "ac", "d", "PRQTU", "QTU", "R"]))
@settings(max_examples=60, deadline=None)
def test_trees_of_single_threads(start, count, part_words, threads, base, which):
    terms = (FractionTerms() if which[0] in "abcd" else HarmonicTerms(30_000) if set(which) & set("RU")
             else SeriesTerms(CHUDNOVSKY.terms))
    check_subtree(terms, start, count, part_words, threads, base, which)


@pytest.mark.parametrize("base", [10, 16])
def test_longer_trees_of_single_threads(base):
    """More than eight short ranges, and terms with high numbers."""
    for start, count in ((1, 5000), (10**12, 1777), (10**6, 20_001)):
        for terms, which in ((SeriesTerms(CHUDNOVSKY.terms), "PQT"), (FractionTerms(), "abcd"), (ZETA3, "PQT"),
                             (HarmonicTerms(10**6), "PRQTU")):
            check_subtree(terms, start, count, 10**6, 2, base, which)


@pytest.mark.parametrize("terms", [*ALL_TERMS, ListedTerms(2**47, np.ones(1001, np.int64))],
                         ids=lambda terms: type(terms).__name__)
def test_ranges_fit_their_memory(terms):
    for count in [*range(1, 60), *(int(60 * 1.2**i) for i in range(40))]:
        for end in (count + 1, count + 10**12):
            words = max(words_of(terms, name, end - count, end, 10**5) for name in terms.names)
            if words <= PART_WORDS:
                room = made_bytes(words * max(4, len(terms.names)) // 4)
                assert ranges(terms, count, end, 10**5, room).bytes <= room, (count, end)
    with pytest.raises(ValueError, match="bytes do not fit 64"):
        ranges(terms, 1000, 1001, 10**5, 64).numbers(terms, 1, 1001, tuple(terms.names), np.zeros(64, np.uint8))


@pytest.mark.parametrize("terms", ALL_TERMS, ids=lambda terms: type(terms).__name__)
def test_bounds_of_lengths(terms):
    rng = np.random.default_rng(1)
    for _ in range(300):
        start = int(10 ** rng.uniform(0, 7))
        stop = start + int(rng.integers(1, 100))
        for name, found in numbers(terms, start, stop).items():
            if found:
                assert gmpy2.log10(abs(found)) <= float(terms.log10(name, start, stop)) + 1e-9


def test_powers_of_the_unit():
    for power in (1, 2, 3, 10, 99):
        for unit in (UnitRoot(4001, 40, 10005), UnitRoot(3, 2, 2)):
            p, q = unit.power(power)
            assert p * p - unit.d * q * q == 1
    assert UnitRoot(4001, 40, 10005).power(1) == (4001, 40)
