"""Numbers from series on disk: the files are those of the engine in memory, in any workspace."""

import pytest
from disk_runs import in_memory, plan_on_disk, run_on_lanes
from gmpy2 import mpz
from interrupted_runs import at_moment, kill
from machine_runs import given, results

from bigconst.arithmetic.reduced import exact_quotient
from bigconst.cli import main
from bigconst.constants import quotients
from bigconst.constants.registry import parse


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


@pytest.mark.parametrize("digits,base,workspace,lanes,disk,threads", [
    (61_111, 10, 1024, 2, "ssd", 2), (131_111, 16, 1024, 1, "hdd", 1), (301_111, 10, 2048, 3, "ssd", 2)])
def test_without_common_factors(digits, base, workspace, lanes, disk, threads, tmp_path, monkeypatch):
    """Numbers of digits that no other test has: runs in memory are remembered."""
    monkeypatch.setattr(quotients, "REDUCED_DIGITS", 1000)
    test_on_disk("pi", digits, base, workspace, lanes, disk, threads, tmp_path)


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
@pytest.mark.parametrize("where, chunk", [("in memory", 0), ("on disk", 1024), ("on disk", 2048)])
def test_exact_quotients_of_leading_words(where, chunk, base):
    """Of numbers much longer than the quotient, with bounds that are too long, as bounds of T are; of both signs."""
    radix = mpz(10**5 if base == 10 else 2**16)
    scale, factor, divisor = radix**16_000 * 3 // 7, -radix**12_100 * 5 // 9, radix**48_000 * 7 // 11
    lengths = 16_000, 60_112, 48_001

    def program(machine):
        numbers = [given(machine, name, value, length) for name, value, length in zip(
            ("scale", "number", "divisor"), (scale, divisor * factor, divisor), lengths, strict=True)]
        return exact_quotient(machine, "quotient", *zip(numbers, lengths, strict=True), 28_101)

    options = {} if where == "in memory" else {"chunk": chunk, "workspace": chunk << 10}
    assert results(program, base, where, **options) == [scale * factor]
