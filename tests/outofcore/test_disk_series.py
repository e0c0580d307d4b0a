"""Numbers from series on disk: the files are those of the engine in memory, in any workspace."""

import pytest
from common_factors import denominator_of, in_common, series_of, value_of
from disk_runs import in_memory, plan_on_disk, run_on_lanes
from gmpy2 import mpz
from interrupted_runs import at_moment, kill
from machine_runs import given, results

from bigconst.arithmetic.memory import machine
from bigconst.arithmetic.primes import PrimeProduct, product_of_primes
from bigconst.arithmetic.reduced import exact_quotient
from bigconst.cli import main
from bigconst.constants import quotients
from bigconst.constants.registry import parse
from bigconst.plans.factorials import below, between, passed
from bigconst.runtime.levelstore import LevelStore


@pytest.mark.parametrize("name,digits,base,workspace,lanes,disk,threads", [
    ("pi", 60_000, 10, 1024, 1, "ssd", 2), ("pi", 150_000, 16, 1024, 3, "hdd", 1),
    ("e", 300_000, 10, 1024, 2, "ssd", 3),
    ("e", 250_000, 16, 1536, 4, "ssd", 1), ("pi", 130_001, 10, 4096, 2, "hdd", 3),
    ("zeta3", 60_000, 10, 2048, 2, "ssd", 2), ("log 3", 90_000, 16, 2048, 1, "ssd", 2),
    ("lemniscate", 70_000, 10, 2048, 3, "hdd", 1), ("catalan", 50_001, 10, 3072, 1, "ssd", 2)])
def test_on_disk(name, digits, base, workspace, lanes, disk, threads, tmp_path):
    constant = parse(name)
    plan = plan_on_disk(constant, digits, base, workspace << 10, disk, threads)
    found = run_on_lanes(plan, tmp_path, lanes)
    assert found.faults == []
    assert found.files() == in_memory(constant, digits, base)


@pytest.mark.parametrize("name,digits,base,workspace,lanes,disk,threads", [
    ("pi", 61_111, 10, 1024, 2, "ssd", 2), ("pi", 131_111, 16, 1024, 1, "hdd", 1),
    ("pi", 301_111, 10, 2048, 3, "ssd", 2), ("zeta3", 81_111, 10, 2048, 2, "ssd", 2),
    ("zeta3", 161_111, 16, 2048, 1, "hdd", 1), ("catalan", 91_111, 10, 3072, 1, "ssd", 2),
    ("log 2", 101_111, 10, 2048, 1, "ssd", 2), ("log 3", 71_111, 16, 2048, 3, "ssd", 2)])
def test_without_common_factors(name, digits, base, workspace, lanes, disk, threads, tmp_path, monkeypatch):
    """Numbers of digits that no other test has: runs in memory are remembered."""
    monkeypatch.setattr(quotients, "REDUCED_DIGITS", 1000)
    test_on_disk(name, digits, base, workspace, lanes, disk, threads, tmp_path)


def test_levels_of_one_range_are_none_of_others(place, monkeypatch, capsys):
    """All ranges have the same calls, one of which is saved."""
    monkeypatch.setattr(quotients, "REDUCED_DIGITS", 1000)
    monkeypatch.setattr(machine, "SAVE_S", 0)
    assert main("pi --digits 30111 --workspace 1MiB --disk ssd --swap ../a".split()) == 0
    assert "fault" not in capsys.readouterr().err
    assert (place / "files" / "pi.txt").read_bytes() == in_memory(parse("pi"), 30_111)[0]


def test_levels_on_disk_are_none_of_memory(place, monkeypatch):
    """After a run whose scratch was lost, the newest level may be one that was saved on disk."""
    monkeypatch.setattr(quotients, "REDUCED_DIGITS", 1000)
    monkeypatch.setattr(LevelStore, "newest", lambda self: ({"name": "level 2", "numbers": []}, {}, iter(())))
    assert main("pi --digits 30111 --workspace 1MiB --disk ssd --swap ../a".split()) == 0
    assert (place / "files" / "pi.txt").read_bytes() == in_memory(parse("pi"), 30_111)[0]


def test_a_killed_run_without_common_factors(place, monkeypatch):
    monkeypatch.setattr(quotients, "REDUCED_DIGITS", 1000)
    for moment in (90, 160, 230):
        kill("pi --digits 200000 --workspace 1536KiB --disk ssd --swap ../a --discard", at_moment(moment))
        assert main(["resume", "../a"]) == 0
        assert (place / "files" / "pi.txt").read_bytes() == in_memory(parse("pi"), 200_000)[0]
        assert main(["verify", "pi.txt"]) == 0
        for path in (place / "files").iterdir():
            path.unlink()


@pytest.mark.parametrize("base", [10, 16])
def test_exact_quotients_of_leading_words(base):
    """Of numbers much longer than the quotient, with bounds that are too long, as bounds of T are; of both signs."""
    radix = mpz(10**5 if base == 10 else 2**16)
    x, y, q, r = radix**8000 * 3 // 7, -radix**7900 * 5 // 9, radix**8000 * 7 // 11, radix**40_000 // 13
    lengths = 16_000, 48_012, 48_000

    def program(machine):
        numbers = [given(machine, name, value, length) for name, value, length in zip(
            ("scale", "number", "divisor"), (q * x, r * y, q * r), lengths, strict=True)]
        return exact_quotient(machine, *numbers, lengths, 16_001)

    assert results(program, base, "in memory") == [x * y]


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("where, most", [("in memory", 1 << 20), ("in memory", 3000), ("on disk", 1500)])
@pytest.mark.parametrize("name,shorter", [("pi", 1), ("zeta3", 5)])
def test_products_of_primes(where, most, base, name, shorter):
    """In one cell and in many, of few integers each."""
    factorials = series_of(name).factorials
    start, middle, end, low = (size // shorter for size in (70_000, 80_000, 90_000, 20_000))
    logs = [below(factorials, 2 * low, end) + passed(factorials.falls, end - start, end, 2 * low),
            *(between(factorials, low, 2 * low, end) + passed(steps, middle - start, end, 2 * low)
              for steps in (factorials.falls, factorials.rises))]
    whole = start, end + 1, 2 * low
    halves = None, (start, middle + 1, low), (middle, end + 1, low)
    products = [PrimeProduct(factorials, end, log, whole, half) for log, half in zip(logs, halves, strict=True)]

    def program(machine):
        return tuple(product_of_primes(machine, "primes", each, most) for each in products)

    options = {"chunk": 1024, "workspace": 2 << 20} if where == "on disk" else {}
    lead, first, second = map(mpz, results(program, base, where, **options))
    common = in_common(factorials, *whole, end)
    assert lead * common == denominator_of(factorials, end) * value_of(factorials, start)
    assert (first * common, second * common) == tuple(in_common(factorials, *half, end) for half in halves[1:])
