"""`bigconst find` against str.find, across borders of pieces, with any number of threads."""

import io
import random
import sys

import pytest

from bigconst.reading.search import find
from bigconst.reading.source import DigitText


@pytest.mark.parametrize("size,threads", [(1, 4), (2, 1), (5, 4), (16, 1), (16, 4), (100, 4), (5000, 1)])
def test_positions_are_those_of_str_find(size, threads, write, digits_of, small_pieces):
    small_pieces(size)
    rng = random.Random(size)
    hits = 0
    for base, characters in ((10, "01"), (10, "0123456789"), (16, "0123456789abcdef")):
        digits = "".join(rng.choices(characters, k=600)) + ("f" if base == 16 else "")
        with DigitText(write(digits, "1", base=base)) as text:
            assert text.base == base
            for length in (1, 2, 3, 4, 9, 40, 333):
                start = rng.randrange(len(digits) - length)
                for pattern in (digits[start:start + length], "".join(rng.choices(characters, k=length))):
                    for first in (0, start, start + 1, len(digits) - 1):
                        found = digits.find(pattern, first)
                        assert find(text, pattern, first, threads) == (None if found < 0 else found)
                        hits += found >= 0
            assert find(text, digits, 0, threads) == 0 and find(text, digits + "1", 0, threads) is None
    assert hits > 50


@pytest.mark.parametrize("name", ["x.txt", "x.txt.zst", "x.ycd"])
def test_patterns_on_real_borders(name, write, digits_of, bigconst):
    digits = digits_of(5 << 20).replace("01234567", "11234567")
    for border in (2 << 20, 4 << 20):
        at = border - 5     # the text begins with "0."
        placed = digits[:at] + "01234567" + digits[at + 8:]
        path = write(placed, name=f"{border}{name}")
        assert bigconst("find", path, "01234567")[:2] == (0, f"{at + 1}\n")
        assert bigconst("find", path, "01234567", "--from", at + 1)[:2] == (0, f"{at + 1}\n")
        assert bigconst("find", path, "01234567", "--from", at + 2)[:2] == (1, "")


def test_what_is_printed(write, bigconst):
    path = write("1415926535897932384626433832795028841971", "3")
    code, out, error = bigconst("find", path, "2643")
    assert (code, out) == (0, "21\n")
    assert error == "2643 is at position 21: 3.14159265358979323846[2643]3832795028841971\n"
    code, out, error = bigconst("find", path, "314159")
    assert (code, out) == (1, "") and error.startswith(f"bigconst: 314159 not found in the 40 digits of {path}; ")
    code, out, error = bigconst("find", path, "14", "--from", 2)
    assert (code, out) == (1, "") and "not found in digits 2 to 40 of" in error


def test_a_long_pattern_comes_from_standard_input(write, digits_of, bigconst, monkeypatch):
    digits = digits_of(2_500_000)
    pattern = digits[1_400_000:2_400_000]
    monkeypatch.setattr(sys, "stdin", io.StringIO(pattern + "\n"))
    path = write(digits)
    code, out, error = bigconst("find", path, "-")
    assert (code, out) == (0, "1400001\n") and "1,000,000 digits" in error and len(error) < 300
    monkeypatch.setattr(sys, "stdin", io.StringIO(digits))
    assert "the pattern is longer than 1,000,000 digits" in bigconst("find", path, "-")[2]


@pytest.mark.parametrize("pattern", ["", "12a", "1.5", "-1", "1 2", "\u0661"])
def test_what_is_no_pattern_is_refused(pattern, write, bigconst):
    code, out, error = bigconst("find", write("123"), "--", pattern)
    assert (code, out) == (2, "") and "is not a pattern of digits of base 10; use 0123456789 only" in error


def test_upper_case_finds_hexadecimal_digits(write, bigconst):
    assert bigconst("find", write("00c0ffee"), "C0FFEE")[:2] == (0, "3\n")


def test_no_position_beyond_the_end(write, bigconst):
    code, _, error = bigconst("find", write("123"), "3", "--from", 4)
    assert code == 2 and error.endswith("its last one is 3\n")


def test_what_the_pattern_begins_with_again_and_again_takes_linear_time(write, bigconst):
    # Naive comparison would take 10^12 steps here.
    path = write("0" * 4_000_000 + "1")
    assert bigconst("find", path, "0" * 100_000 + "1")[:2] == (0, "3900001\n")
    assert bigconst("find", path, "0" * 100_000 + "2")[0] == 1
