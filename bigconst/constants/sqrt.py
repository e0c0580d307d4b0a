"""Square roots of small integers, sqrt d = d/sqrt d, and those that are integers themselves."""

from math import isqrt

from bigconst.arithmetic.ladder import inverse_root
from bigconst.constants.roots import RootBounds, digits_and_proof


def sqrt(machine, bounds: RootBounds) -> None:
    """The root as words, its digits, and the remainder that proves them."""
    d, words = bounds.ladder.d, bounds.words
    y = machine.call("ladder", inverse_root, bounds.ladder, words)
    with machine.stage("root"):
        x = machine.scaled("x", y, d, words + 1)
    digits_and_proof(machine, bounds, x)


def integer_root(machine, bounds: RootBounds) -> None:
    """The root of a perfect square, its digits, and the remainder, which is 0."""
    with machine.stage("root"):
        x = machine.integer("x", lambda: isqrt(bounds.ladder.d), bounds.words + 1, zeros=bounds.words)
    machine.text(x)
    if bounds.certified:
        with machine.stage("remainder"):
            r = machine.integer("r", lambda: 0, 0)
        machine.certificate(r, x)
