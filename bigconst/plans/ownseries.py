"""A hypergeometric series that somebody writes into a file (docs/series.md), as a number with certificates.

    x = scale * (first + sum over k >= 1 of t(k)/q(k) * product of p(i)/q(i), i = 1 .. k - 1)^power

Pure: text and integers.
"""

import json
import re
import tomllib
from decimal import Decimal
from fractions import Fraction

from bigconst.base.constant import Limit
from bigconst.base.errors import UsageError
from bigconst.plans.formula import Formula, NotConvergent, Product, Series, exact_enough, ratio_bound
from bigconst.plans.polynomials import MOST_ROOTS, Polynomial, product, root_bound, trimmed, value
from bigconst.plans.series import Hypergeometric

NAME = "series"
MOST_BYTES = 1 << 16
"""Size of the longest file."""
LEAST_RATE = 100
"""A series gains so many ten-thousandths of a decimal a term at least."""
MOST_WHOLE = 10_000
"""Bound on numbers that are computed."""
_MOST_DEGREE, _MOST_DIGITS, _MOST_TITLE = 32, 200, 80
_KEYS = {"p", "q", "t", "first", "scale", "power", "title"}
_FAR = "shift k, so that roots lie below 10,000"


def own_series(text: str, path: str) -> Limit:
    """The number that the text of a file at `path` defines.  Its name has a checksum of the series, whatever else the
    file says.  Raises UsageError, which names file and key."""
    return _Reader(path).number(text)


def is_own(name: str) -> bool:
    """Whether a number has the name of such a series."""
    return re.fullmatch(f"{NAME} [0-9a-f]{{16}}", name) is not None


class _Reader:
    """What a file says, with errors that name it."""

    def __init__(self, path: str):
        self._path = path

    def _wrong(self, key: str, what: str, remedy: str) -> UsageError:
        #: The file and its key are named. docs/series.md says what each key of a series is, and has an example.
        return UsageError(f"{self._path}: {key}: {what}", remedy)

    def number(self, text: str) -> Limit:
        """As of own_series."""
        keys = self._table(text)
        p, q, t = (self._polynomial(keys, key) for key in "pqt")
        first, power = (self._integer(keys.get(key, default), key) for key, default in (("first", 0), ("power", 1)))
        if power not in (1, -1):
            raise self._wrong("power", f"{power} is neither 1 nor -1", "write 1, or -1 for scale divided by the sum")
        scale, title = self._scale(keys.get("scale", 1)), self._title(keys.get("title", "Series"))
        self._check_denominators(q)
        terms = Hypergeometric.of(p, q, t)
        try:
            ratio_bound(terms)
        except NotConvergent as error:
            raise self._wrong("p", f"the series is not seen to converge: {error}",
                              "write terms that fall geometrically, or faster") from None
        series = Series(terms, first)
        if 0 < series.rate < LEAST_RATE or (series.rate == 0 and len(p) == len(q)):
            raise self._wrong("p", f"a term gains {series.rate / 10000:g} decimals, less than 0.01",
                              "write a series that comes near faster")
        total, largest = series.limit_and_largest
        if abs(total) * 10**20 < largest:
            raise self._wrong("t", "terms are much larger than their sum", "write a series without such cancellation")
        if total < 0:
            series, scale = Series(Hypergeometric.of(p, q, tuple(-each for each in t)), -first), -scale
        x = _power(abs(total), power) * scale.numerator / scale.denominator
        self._check_value(x)
        parts = (exact_enough(series, x / abs(total)),)
        product = Product(scale.numerator, *((parts, ()) if power == 1 else ((), parts)))
        import xxhash  # here alone, since most commands need none

        statement = json.dumps([p, q, t, first, str(scale), power])
        name = f"{NAME} {xxhash.xxh3_64_hexdigest(statement.encode())}"
        return Limit(name, title, int(x), Formula((product,), scale.denominator))

    def _table(self, text: str) -> dict:
        try:
            keys = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            #: The file is no TOML from the line on that the message names; docs/series.md has an example.
            raise UsageError(f"{self._path}: {error}", "write it like the example in docs/series.md") from None
        for key in keys:
            if key not in _KEYS:
                raise self._wrong(key[:40], "there is no such key", f"the keys are {', '.join(sorted(_KEYS))}")
        for key in "pqt":
            if key not in keys:
                raise self._wrong(key, "is missing", "a series needs p, q and t")
        return keys

    def _integer(self, found: object, key: str) -> int:
        if type(found) is not int or abs(found) >= 10**_MOST_DIGITS:
            raise self._wrong(key, f"{str(found)[:40]!r} is no integer of at most {_MOST_DIGITS} digits",
                              "write an integer")
        return found

    def _coefficients(self, found: object, key: str) -> Polynomial:
        if not isinstance(found, list) or not found:
            raise self._wrong(key, f"{str(found)[:40]!r} is no list of coefficients",
                              "write them from the constant up, like [-1, 2] for 2k - 1")
        coefficients = trimmed([self._integer(each, key) for each in found])
        if len(coefficients) > _MOST_DEGREE + 1:
            raise self._wrong(key, f"its degree is above {_MOST_DEGREE}", "write a series with shorter polynomials")
        return coefficients

    def _polynomial(self, keys: dict, key: str) -> Polynomial:
        found = keys[key]
        if isinstance(found, dict):
            if not found.keys() <= {"constant", "factors"} or not isinstance(found.get("factors", []), list):
                raise self._wrong(key, "a product has a constant and factors, and nothing else",
                                  "write it like { constant = 2, factors = [[0, 1], [-1, 2]] }")
            constant = self._integer(found.get("constant", 1), key)
            found = list(product((constant,), *(self._coefficients(each, key) for each in found.get("factors", []))))
        polynomial = self._coefficients(found, key)
        if polynomial == (0,):
            raise self._wrong(key, "is 0", "write a polynomial that is not 0")
        return polynomial

    def _scale(self, found: object) -> Fraction:
        text = str(found)
        if (type(found) not in (int, str) or len(text) > 2 * _MOST_DIGITS
                or not re.fullmatch("-?[0-9]+(/[0-9]+)?", text) or re.search("/0+$", text) or Fraction(text) == 0):
            raise self._wrong("scale", f"{text[:40]!r} is no ratio of integers, or 0", 'write it like 3 or "5/2"')
        return Fraction(text)

    def _title(self, found: object) -> str:
        if not isinstance(found, str) or not 0 < len(found) <= _MOST_TITLE or not found.isprintable():
            raise self._wrong("title", f"is no line of at most {_MOST_TITLE} characters", 'write it like "Zeta(3)"')
        return found

    def _check_denominators(self, q: Polynomial) -> None:
        """q(k) > 0 for all k >= 1, or q(k) < 0 for all of them."""
        if (most := root_bound(q)) > MOST_ROOTS:
            raise self._wrong("q", f"its roots may lie beyond {MOST_ROOTS:,}", _FAR)
        for k in range(most, 0, -1):
            found, remedy = value(q, k), "begin the sum behind it: write k + a for k"
            if found == 0:
                raise self._wrong("q", f"is 0 at k = {k}", remedy)
            if (found > 0) != (q[-1] > 0):
                raise self._wrong("q", f"has another sign at k = {k} than at large k", remedy)

    def _check_value(self, x: Decimal) -> None:
        if x < 0:
            raise self._wrong("scale", f"the number is below 0: {x:.10g}", "write the other sign")
        if x >= MOST_WHOLE:
            raise self._wrong("scale", f"the number is not below {MOST_WHOLE:,}: {x:.10g}",
                              "divide it by a power of 10")
        if abs(x - round(x)) < Decimal("1e-20"):
            raise self._wrong("scale", f"the number is {round(x)}, or so near to it that no floor is sure",
                              "there is nothing to compute")


def _power(x: Decimal, power: int) -> Decimal:
    return x if power == 1 else 1 / x
