"""`bigconst stats` against Counter and regular expressions, psi^2 by its definition, any borders and threads."""

import itertools
import json
import math
import random
import re
from collections import Counter

import pytest

from bigconst.base import failpoints
from bigconst.reading import statistics
from bigconst.reading.source import DigitText
from bigconst.reading.statistics import measure


def psi2(triples: Counter, base: int, length: int) -> float:
    """By its definition, over all tuples in the circle: each begins a triple."""
    counts = Counter()
    for triple, count in triples.items():
        counts[triple[:length]] += count
    mean = counts.total() / base**length
    return (math.fsum((c - mean)**2 for c in counts.values()) + (base**length - len(counts)) * mean**2) / mean


def check(digits: str, base: int, found) -> None:
    assert (found.base, found.digits) == (base, len(digits))
    assert {f"{digit:x}": n for digit, n in enumerate(found.counts) if n} == Counter(digits)
    circle = (digits * 3)[:len(digits) + 2]
    triples = Counter(zip(circle, circle[1:], circle[2:], strict=False))
    values = [0.0, *(psi2(triples, base, length) for length in (1, 2, 3))]
    assert [test.psi2 for test in found.tests] == pytest.approx(values[1:])
    assert [test.chi_square for test in found.tests] == pytest.approx(
        [b - a for a, b in itertools.pairwise(values)], abs=1e-9 * values[3])
    assert [test.degrees for test in found.tests] == [base - 1, base**2 - base, base**3 - base**2]
    lengths = [len(run[0]) for run in re.finditer(r"(.)\1*", digits)]
    first = sum(lengths[:lengths.index(max(lengths))])
    runs = found.runs
    assert (runs.count, runs.longest, runs.digit, runs.position) == (len(lengths), max(lengths), digits[first],
                                                                     first + 1)


@pytest.mark.parametrize("size,threads", [(1, 3), (2, 1), (3, 3), (4, 1), (7, 1), (8, 3), (50, 1), (50, 3), (5000, 3)])
def test_counts_are_those_of_plain_python(size, threads, write, small_pieces, monkeypatch):
    small_pieces(size)
    monkeypatch.setattr(statistics, "FOLD_DIGITS", 150)
    rng = random.Random(size)
    for length in (1, 2, 3, 4, 5, 8, 9, 100, 700):
        for base, characters in ((10, "3"), (10, "37"), (10, "0123456789"), (16, "0f"), (16, "0123456789abcdef")):
            digits = "".join(rng.choices(characters, k=length))
            with DigitText(write(digits, "1", f"{length}{characters}{'.hex' if base == 16 else ''}.txt")) as text:
                check(digits, base, measure(text, threads))


@pytest.mark.parametrize("name,base", [("x.hex.txt", 16), ("x.txt.zst", 10), ("x.ycd", 16), ("x.ycd", 10)])
def test_large_files(name, base, write, digits_of):
    digits = digits_of((2 << 20) + 999, base)
    border = (2 << 20) - 2
    digits = digits[:border - 6] + "1" * 11 + digits[border + 5:]      # the longest run lies on a border
    with DigitText(write(digits, name=name, base=base)) as text:
        found = measure(text, 2)
    check(digits, base, found)
    assert found.runs.longest >= 11
    # These are random: the seed is one of a billion that pass.
    assert all(1e-4 < test.p < 1 - 1e-4 for test in found.tests) and abs(found.runs.sigmas) < 5


def test_uniform_digits_that_are_not_random_fail_by_their_pairs(write):
    with DigitText(write("0123456789" * 5000)) as text:
        singles, pairs, triples = measure(text, 1).tests
    assert (singles.chi_square, singles.p) == (0.0, 1.0)
    # Each of ten pairs occurs 5000 times, where 500 are expected, 90 never: (10*4500^2 + 90*500^2)/500.
    assert pairs.chi_square == 450_000 and pairs.p == 0.0 and triples.p == 0.0


def test_too_few_digits_have_no_p_value(write):
    for n, tested in ((49, 0), (50, 1), (499, 1), (500, 2), (4999, 2), (5000, 3)):
        with DigitText(write("0123456789" * 500 if n == 5000 else ("0123456789" * 500)[:n])) as text:
            assert [test.p is not None for test in measure(text, 1).tests] == [True] * tested + [False] * (3 - tested)


def test_table_and_json_tell_the_same(write, digits_of, bigconst, tmp_path):
    digits = digits_of(40_000)
    path, target = write(digits), tmp_path / "stats.json"
    code, out, error = bigconst("stats", path, "--json", target)
    assert (code, error) == (0, "")
    data = json.loads(target.read_text())
    assert data["schema"] == "bigconst-statistics/1" and data["file"] == path
    assert data["counts"] == [digits.count(str(digit)) for digit in range(10)]
    rows = [line.split() for line in out.splitlines()]
    for digit, (count, sigmas) in enumerate(zip(data["counts"], data["sigmas"], strict=True)):
        assert sigmas == pytest.approx((count - 4000) / 60)     # sqrt(n p q) = sqrt(40000 * 0.1 * 0.9)
        assert [str(digit), f"{count:,}", f"{count / 40000:.8f}", f"{sigmas:+.2f}", "sigma"] in rows
    for name, test in zip(("digits", "pairs", "triples"), data["tests"], strict=True):
        assert [name, f"{test['psi2']:.3f}", f"{test['chi_square']:.3f}", str(test["degrees"]),
                f"{test['p']:.4f}"] in rows
    runs = data["runs"]
    assert digits[runs["position"] - 1:][:runs["longest"]] == runs["digit"] * runs["longest"]
    assert f"{runs['longest']} times {runs['digit']} at position {runs['position']:,}" in out


def test_json_that_cannot_be_written_takes_no_table(write, digits_of, bigconst, tmp_path):
    with failpoints.active("output.write=ENOSPC"):
        code, out, error = bigconst("stats", write(digits_of(5)), "--json", tmp_path / "stats.json")
    assert code == 3 and "5 digits after the point" in out
    assert f"cannot write {tmp_path / 'stats.json'}: No space left" in error


def test_json_that_cannot_be_written_is_refused_before_the_pass(write, bigconst, tmp_path):
    code, out, _ = bigconst("stats", write("123"), "--json", tmp_path / "none" / "x.json")
    assert (code, out) == (3, "")
