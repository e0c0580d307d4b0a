"""Square roots of small integers, sqrt d = d/sqrt d, and those that are integers themselves."""

from functools import partial
from math import isqrt

from bigconst.base.constant import Constant, Root
from bigconst.base.errors import UsageError
from bigconst.base.units import parse_count
from bigconst.constants.bounds import Bounds
from bigconst.constants.entry import Entry, NumberBehind, Way
from bigconst.constants.roots import (
    LADDER_PROOF,
    LADDER_SOURCE,
    LADDER_SPEED,
    PROOF,
    claim_of,
    ladder_algorithm,
    proved,
    root_by_ladder,
)
from bigconst.plans.certificate import Remainder

MOST = 2**31
"""Bound on D."""


def sqrt(machine, bounds: Bounds, d: int) -> None:
    """The digits of the root, and their proof."""
    root_by_ladder(machine, bounds, Root("sqrt", d), partial(x_of_root, d=d), z_of_root)


def x_of_root(machine, bounds: Bounds, y, d: int):
    """d*y for y near 1/sqrt d."""
    return machine.sum("x", [(d, y, 0)], bounds.words + 1)


def z_of_root(machine, bounds: Bounds, x, **cut):
    """The root, to be squared."""
    return machine.view("z", x, 1, **cut)


def integer_root(machine, bounds: Bounds, d: int) -> None:
    """The root of a perfect square, its digits, and the remainder, which is 0."""
    x = machine.call("root", exact_root, bounds, d, entered=True)
    machine.text(x)
    if bounds.certified:
        with machine.stage(PROOF):
            r = machine.integer("r", lambda: 0, 0)
        machine.certificate(claim_of(Root("sqrt", d), bounds), Remainder(), x, r)


def exact_root(machine, bounds: Bounds, d: int):
    """The root of a perfect square as words."""
    with machine.stage("root"):
        return machine.integer("x", lambda: isqrt(d), bounds.words + 1, zeros=bounds.words)


def root_of(d: int) -> Constant:
    """The square root of d."""
    is_exact = isqrt(d) ** 2 == d
    return proved(Root("sqrt", d), "perfect square" if is_exact else ladder_algorithm(d),
                  partial(integer_root if is_exact else sqrt, d=d), z_of_root)


def parse_radicand(text: str) -> int:
    """D; raises UsageError."""
    d = parse_count(text)
    if not 1 <= d < MOST:
        #: Square roots are computed of integers from 1 to 2147483647.
        raise UsageError(f"sqrt {text} is out of range", f"D goes from 1 to {MOST - 1}")
    return d


ENTRY = Entry(
    "sqrt",
    "digits of the square root of an integer",
    "Compute the square root of the integer D to N digits after the point.",
    """\
  bigconst sqrt 2 --digits 1e8                   100 million digits into sqrt2.txt
  bigconst sqrt 3 --digits 1M --output root.txt --json root.json
""",
    (Way("1/sqrt D by Newton's iteration of third order, times D", LADDER_SOURCE, LADDER_SPEED, 0.03, LADDER_PROOF),),
    root_of,
    NumberBehind("D", "1 <= D < 2^31", parse_radicand, "2"),
)
