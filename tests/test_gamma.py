"""Euler's constant: rounded sums against exact ones, the second computation, and runs that go on."""

import gmpy2
import pytest
from gmpy2 import mpfr, mpz
from interrupted_runs import at_moment, kill
from quotients import floor_of
from test_cli import one_line

from bigconst.arithmetic.leading import Kept, leading_numbers
from bigconst.arithmetic.machine import several
from bigconst.arithmetic.memory.machine import MemoryMachine
from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.planner import memory_trace
from bigconst.arithmetic.splitting import Part
from bigconst.arithmetic.terms import HarmonicTerms
from bigconst.arithmetic.words import Words
from bigconst.base.formats import WORDS
from bigconst.cli import main
from bigconst.constants import gamma
from bigconst.constants.planning import bounds_of, make_plan
from bigconst.constants.registry import parse
from bigconst.runtime.arena import Arena
from bigconst.runtime.threads import Pool


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("keep", [300, 1000])
def test_rounded_sums(base, keep):
    """The sums, which are about exp(2x)/sqrt(4*pi*x) large, to as many words as are kept, but for the last one."""
    x, radix = 3000, mpz(WORDS[base].radix)
    terms, stop = HarmonicTerms(x), 14_913
    with Pool(1) as pool:
        products = Products(Words(WORDS[base], pool), lambda event: None)
        kept = Kept(keep, 1, WORDS[base].radix)
        part = Part(stop - 1, stop, 1)
        arguments = terms, part, ("Q", "T", "U"), kept
        trace = memory_trace(base, leading_numbers, *arguments)
        machine = MemoryMachine(trace, products, Arena(trace.memory_bytes), lambda event: None)
        q, t, u = (mpz(number.value(0, number.length)) for number in several(machine.run(leading_numbers, *arguments)))
        cut = kept.cut(terms, part)
    assert cut > 0 and q < radix ** (keep + 1)
    with gmpy2.context(precision=64 * keep):
        a, s, harmonic = mpfr(1), mpfr(0), mpfr(0)
        sums = mpfr(0)
        for k in range(1, stop):
            a, harmonic = a * x * x / (mpz(k) ** 2), harmonic + mpfr(1) / k
            sums, s = sums + a, s + a * harmonic
        for found, right in ((mpfr(t) / q, sums), (mpfr(u) / q, s)):
            assert abs(found / right - 1) < 10 * mpfr(radix) ** (1 - keep)


def test_parameters():
    for digits in (1, 10, 1000, 10**6):
        plan = make_plan(parse("gamma"), digits, 10, 1, 1 << 60)
        bounds = bounds_of(plan, certified=False)
        first, second = (gamma.parameter(bounds, is_second) for is_second in (False, True))
        assert 8 * first > bounds.words * gmpy2.log(10**5) + 10 and second >= max(first + 1, 1.1 * first - 1)
        for x in (first, second):
            for prime in (2, 3, 5):
                while x % prime == 0:
                    x //= prime
            assert x == 1


def test_verify(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main("gamma --digits 3000 --verify --json report.json".split()) == 0
    out = capsys.readouterr().out
    assert out.endswith("gamma.txt: the same 3,000 digits by second-parameter\n") and out.count("Digit hash:") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gamma.txt", "report.json"]
    text = floor_of("gamma", 10, 3000).digits()
    assert (tmp_path / "gamma.txt").read_text() == f"0.{text.rjust(3000, '0')}\n"
    assert main("gamma --digits 10 --verify --output -".split()) == 2
    assert "--verify needs a file to compare" in one_line(capsys)
    assert main("pi --digits 10 --verify".split()) == 2


def test_a_second_computation_that_differs(tmp_path, monkeypatch, capsys):
    """Its parameter is too small, so that the method itself is off; both files stay."""
    monkeypatch.chdir(tmp_path)
    right = gamma.parameter
    monkeypatch.setattr(gamma, "parameter", lambda bounds, is_second: gamma.smooth(
        right(bounds, False) // (2 if is_second else 1)))
    assert main("gamma --digits 3000 --verify".split()) == 1
    assert "gamma.txt.second differ at position" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gamma.txt", "gamma.txt.second"]


def test_an_interrupted_run(place, capsys):
    kill("gamma --digits 60000 --workspace 2MiB --disk ssd --swap ../a", at_moment(150))
    assert main(["resume", "../a"]) == 0
    text = floor_of("gamma", 10, 60_000).digits()
    assert (place / "files" / "gamma.txt").read_text() == f"0.{text.rjust(60_000, '0')}\n"
    assert not [*(place / "a").iterdir()]
