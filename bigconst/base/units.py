"""Numbers with units: the only place that parses and prints them.

All parsing is exact integer arithmetic: a float would turn 1e23 into another
number, and "must come out whole" has to be decided, not guessed.
"""

import math
import re

from bigconst.base.errors import UsageError

MAX_COUNT = 10**18
"""Largest count understood; `hex_digits` is proved exact up to here."""

_NUMBER = r"(?P<whole>\d+(?:_\d+)*)(?:\.(?P<fraction>\d+))?(?:[eE]\+?(?P<exponent>\d{1,2}))?"
_COUNT = re.compile(_NUMBER + r"(?P<unit>[kKmMgGtT]?)", re.ASCII)
_SIZE = re.compile(_NUMBER + r" ?(?P<unit>[kmgtp]i?b|b|)", re.ASCII | re.IGNORECASE)
_RATE = re.compile(_NUMBER + r" ?(?P<unit>(?:[kKmMgGtT]i?)?B)/s", re.ASCII)     # Mb/s would be bits

_PRICE = re.compile(r"\d{1,7}(\.\d{1,6})?", re.ASCII)
MAX_USD_PER_HOUR = 1_000_000

_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}

# floor(10^60 * log2(10)), so log2(10) lies between this and one more.
_LOG2_10_E60 = 3_321928094887362347870319429489390175864831393024580612054756
_E60 = 10**60


def _parse(pattern: re.Pattern, text: str, what: str, examples: str, factor) -> int:
    match = pattern.fullmatch(text) if len(text) <= 80 else None
    if match is None:
        raise UsageError(f"{text[:80]!r} is not {what}", f"write it like {examples}")
    fraction = match["fraction"] or ""
    value = int(match["whole"] + fraction) * 10 ** int(match["exponent"] or 0) * factor(match["unit"].lower())
    value, remainder = divmod(value, 10 ** len(fraction))
    if remainder:
        #: A number may be written with a point or an exponent, but has to come out whole: `1.5M` does, `1.5` does not.
        raise UsageError(f"{text!r} is not a whole number", f"write it like {examples}")
    if value > MAX_COUNT:
        #: No count or size can be more.
        raise UsageError(f"{text!r} is more than 1e18", "ask for less")
    return value


def parse_count(text: str) -> int:
    """A count >= 0 written as 100000000, 1e8, 100_000_000, 100M or 2T (decimal multiples k M G T).

    Raises UsageError when it is anything else, not whole, or above 1e18.
    """
    #: Write it like `100000000`, `1e8`, `100_000_000` or `100M`: decimal multiples k M G T, no minus, no spaces.
    return _parse(_COUNT, text, "a count", "100000000, 1e8, 100_000_000 or 100M", lambda unit: 1000 ** _POWER[unit])


def _size_factor(unit: str) -> int:
    if unit in ("", "b"):
        return 1
    return (1024 if unit[1] == "i" else 1000) ** _POWER[unit[0]]


def parse_size(text: str) -> int:
    """Bytes, written as 512MiB (binary multiple), 8GB (decimal multiple) or a plain number.

    Raises UsageError when it is anything else, not whole, or above 1e18.
    """
    #: Write it like `512MiB`, `8GiB` (multiples of 1024) or `8GB` (of 1000); a plain number is bytes.
    return _parse(_SIZE, text, "a size", "512MiB, 8GiB or 8GB", _size_factor)


def parse_rate(text: str) -> int:
    """Bytes a second, written as 594MB/s (decimal multiple) or 3GiB/s (binary multiple).

    Raises UsageError when it is anything else, not whole, zero, or above 1e18.
    """
    #: Write it like `594MB/s`, `1.2GB/s` or `3GiB/s`: bytes (B), not bits, and more than none.
    rate = _parse(_RATE, text, "a speed", "594MB/s, 1.2GB/s or 3GiB/s", _size_factor)
    if rate == 0:
        raise UsageError(f"{text!r} is not a speed", "give what is measured, like 594MB/s")
    return rate


def parse_price(text: str) -> float:
    """Dollars an hour, more than 0 and at most a million, with at most six decimals: 1.38, 0.045.

    Raises UsageError when it is anything else.
    """
    value = float(text) if _PRICE.fullmatch(text) else 0.0
    if not 0 < value <= MAX_USD_PER_HOUR:
        #: Dollars with at most six decimals, without a sign: `1.38`.
        raise UsageError(f"{text[:80]!r} is not a price from 0.000001 to {MAX_USD_PER_HOUR} dollars an hour",
                         "write it like 1.38 or 0.045")
    return value


def hex_digits(decimal_digits: int) -> int:
    """Hexadecimal digits that hold `decimal_digits` decimal ones: exact ceil(N*log(10)/log(16)).

    N*log2(10)/4 is irrational for N > 0, so its ceiling is known as soon as a
    lower and an upper bound agree on it.  Raises ValueError outside 0..1e18.
    """
    if not 0 <= decimal_digits <= MAX_COUNT:
        raise ValueError(f"digit count {decimal_digits} is outside 0..1e18")
    low = decimal_digits * _LOG2_10_E60 // (4 * _E60)
    high = decimal_digits * (_LOG2_10_E60 + 1) // (4 * _E60)
    if low != high:
        raise AssertionError("log2(10) is not known to enough digits")
    return low + 1 if decimal_digits else 0


def format_count(count: int) -> str:
    """A count with commas: 100000000 -> '100,000,000'."""
    return f"{count:,}"


def format_bytes(size_bytes: int) -> str:
    """A size as a binary multiple with about three significant digits: 536870912 -> '512 MiB'."""
    if size_bytes < 1024:
        return f"{size_bytes} B"
    value = float(size_bytes)
    for unit in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        value /= 1024
        if value < 999.5 or unit == "PiB":
            break
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {unit}"


def format_rate(bytes_per_s: float) -> str:
    """A speed as a decimal multiple: '594 MB/s', '1.25 GB/s'."""
    return f"{bytes_per_s / 1e9:.2f} GB/s" if bytes_per_s >= 1e9 else f"{bytes_per_s / 1e6:.0f} MB/s"


def format_seconds(seconds: float) -> str:
    """A duration: '0.412 s', '12.34 s', '3 min 42 s', '2 h 05 min 09 s', '3 d 04 h 05 min'."""
    if seconds < 0.9995:
        return f"{seconds:.3f} s"
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour:02} h {minute:02} min"
    if hours:
        return f"{hours} h {minute:02} min {second:02} s"
    return f"{minutes} min {second:02} s"


def spent_usd(seconds: float, usd_per_hour: float) -> float:
    """Dollars for a machine that was in use for `seconds`."""
    return seconds / 3600 * usd_per_hour


def format_spent(usd: float, usd_per_hour: float) -> str:
    """Cost and price: (0.0123, 1.38) -> '$0.0123 at $1.38 an hour'.

    The cost is in cents, or with three significant digits below ten cents; the price has all its decimals.
    `usd` is more than 0, `usd_per_hour` has at most six decimals.
    """
    decimals = 2 if usd >= 0.1 else 2 - math.floor(math.log10(usd))
    whole, _, fraction = f"{usd_per_hour:,.6f}".partition(".")
    return f"${usd:,.{decimals}f} at ${whole}.{fraction.rstrip('0'):0<2} an hour"


def format_terabytes(size_bytes: float) -> str:
    """A size in units of 10^12 bytes, as disks are sold, with three significant digits."""
    return f"{size_bytes / 1e12:.3g} TB"
