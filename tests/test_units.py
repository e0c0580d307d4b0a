"""Numbers with units: exact parsing, refusals, printing, and the hexadecimal digit count."""

import math

import gmpy2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigconst.base import units
from bigconst.base.errors import UsageError


@pytest.fixture(scope="session")
def kernels():
    """None is needed."""


@pytest.mark.parametrize(
    "text, value",
    [
        ("100000000", 10**8), ("1e8", 10**8), ("1E8", 10**8), ("1e+8", 10**8), ("100_000_000", 10**8),
        ("100M", 10**8), ("2T", 2 * 10**12), ("3k", 3000), ("1.5M", 1_500_000), ("1.5e1", 15), ("2.50e1", 25),
        ("0", 0), ("1.0", 1), ("1e18", 10**18), ("007", 7), ("123456789012345678", 123456789012345678),
    ],
)  # fmt: skip
def test_parse_count(text, value):
    assert units.parse_count(text) == value


@pytest.mark.parametrize(
    "text",
    ["", " ", "x", "-3", "+3", "1.5", "1e-3", "1.23e1", "0.0001k", "1__0", "_1", "1_", "1,000", "1 000", "5 M", "1e",
     "e8", "0x10", "nan", "inf", "1e99", "1e999999999", "1000000000000000001", "9" * 5000, "\u0663", "1e8\n", "5MB"],
)  # fmt: skip
def test_parse_count_refuses_in_one_short_line(text):
    with pytest.raises(UsageError) as caught:
        units.parse_count(text)
    assert len(str(caught.value)) < 200


def test_parse_count_does_not_go_through_floats():
    assert units.parse_count("0.999999999999999999e18") == 999999999999999999
    with pytest.raises(UsageError, match="whole"):
        units.parse_count("1.00000000000000000001e1")


@pytest.mark.parametrize(
    "text, value",
    [("512MiB", 512 << 20), ("8GiB", 8 << 30), ("8GB", 8 * 10**9), ("8 gb", 8 * 10**9), ("0.5GiB", 1 << 29),
     ("100", 100), ("7B", 7), ("3kB", 3000), ("1TiB", 1 << 40), ("1PB", 10**15), ("1e9", 10**9)],
)  # fmt: skip
def test_parse_size(text, value):
    assert units.parse_size(text) == value


@pytest.mark.parametrize("text", ["", "8G", "8Gi", "GiB", "-1GB", "1.5B", "0.3KiB", "8GiBB", "1e18kB", "8GB/s"])
def test_parse_size_refuses(text):
    with pytest.raises(UsageError):
        units.parse_size(text)


@pytest.mark.parametrize(
    "text, value",
    [("594MB/s", 594 * 10**6), ("1.2GB/s", 12 * 10**8), ("3GiB/s", 3 << 30), ("0.5 KiB/s", 512), ("7B/s", 7),
     ("1e3 kB/s", 10**6), ("2tB/s", 2 * 10**12)],
)  # fmt: skip
def test_parse_rate(text, value):
    assert units.parse_rate(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "594", "594MB", "594M/s", "594Mb/s", "594mbit/s", "594MBps", "594 MB / s", "0MB/s", "-1MB/s", "1.5B/s", "MB/s",
     "594MB/s\n", "1e18GB/s", "1 PB/s", "nanMB/s", "9" * 5000 + "B/s"],
)  # fmt: skip
def test_parse_rate_refuses_in_one_short_line(text):
    with pytest.raises(UsageError) as caught:
        units.parse_rate(text)
    assert len(str(caught.value)) < 200 and "\n" not in str(caught.value)


@given(st.integers(0, 10**18))
def test_counts_survive_printing(count):
    assert units.parse_count(str(count)) == count
    assert units.parse_count(f"{count:_}") == count
    assert int(units.format_count(count).replace(",", "")) == count


def test_hex_digits_of_the_contract():
    assert units.hex_digits(2 * 10**12) == 1_660_964_047_444


def test_hex_digits_against_powers():
    for n in [*range(400), 99_999, 100_000]:
        h = units.hex_digits(n)
        power = gmpy2.mpz(10) ** n
        assert gmpy2.mpz(16) ** h >= power
        assert h == 0 or gmpy2.mpz(16) ** (h - 1) < power


def test_log2_of_10_against_gmpy2():
    with gmpy2.context(precision=400):
        assert units._LOG2_10_E60 == int(gmpy2.floor(gmpy2.log2(gmpy2.mpfr(10)) * gmpy2.mpz(10) ** 60))


@given(st.integers(1, 10**18))
def test_hex_digits_against_mpfr(n):
    with gmpy2.context(precision=400):
        assert units.hex_digits(n) == int(gmpy2.ceil(gmpy2.log2(gmpy2.mpfr(10)) * n / 4))


def test_hex_digits_where_a_double_is_wrong():
    # The multiple of log16(10) just above an integer, found from its continued fraction: doubles round it away.
    with gmpy2.context(precision=400):
        ratio, best = gmpy2.log2(gmpy2.mpfr(10)) / 4, []
        h0, h1, k0, k1, x = 0, 1, 1, 0, ratio
        while k1 < 10**17:
            a = int(gmpy2.floor(x))
            h0, h1, k0, k1 = h1, a * h1 + h0, k1, a * k1 + k0
            x = 1 / (x - a)
            best.append((k1, h1))
        wrong = 0
        for n, h in best[1:]:
            if n > 10**18:
                continue
            exact = h if gmpy2.mpfr(n) * ratio < h else h + 1
            assert units.hex_digits(n) == exact
            wrong += math.ceil(n * math.log(10) / math.log(16)) != exact
        assert wrong > 0


@pytest.mark.parametrize("n", [-1, 10**18 + 1])
def test_hex_digits_range(n):
    with pytest.raises(ValueError):
        units.hex_digits(n)


@pytest.mark.parametrize(
    "size_bytes, text",
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (512 << 20, "512 MiB"), (2 * 10**9, "1.86 GiB"),
     (1023 << 10, "1.00 MiB"), (999 << 10, "999 KiB"), (15 << 30, "15.0 GiB"), (5 << 50, "5.00 PiB")],
)  # fmt: skip
def test_format_bytes(size_bytes, text):
    assert units.format_bytes(size_bytes) == text


@pytest.mark.parametrize(
    "seconds, text",
    [(0, "0.000 s"), (0.4119, "0.412 s"), (0.9996, "1.00 s"), (12.344, "12.34 s"), (59.996, "1 min 00 s"),
     (222, "3 min 42 s"), (3599.7, "1 h 00 min 00 s"), (7509, "2 h 05 min 09 s"), (285641, "3 d 07 h 20 min")],
)  # fmt: skip
def test_format_seconds(seconds, text):
    assert units.format_seconds(seconds) == text
