"""Square roots of small integers, sqrt d = d/sqrt d, and those that are integers themselves."""

from math import isqrt

from bigconst.arithmetic.ladder import inverse_root
from bigconst.constants.roots import RootBounds, digits_and_proof, settled


def sqrt(machine, bounds: RootBounds) -> None:
    """The root as words, its digits, and the remainder that proves them."""
    digits_and_proof(machine, bounds, machine.call("root", root, bounds, entered=True), z_of_root)


def root(machine, bounds: RootBounds):
    """The root as words, right down to the last digit that is written."""
    y = machine.call("ladder", inverse_root, bounds.ladder, bounds.words)
    with machine.stage("root"):
        x = machine.scaled("x", y, bounds.ladder.d, bounds.words + 1)
        return settled(machine, bounds, x, z_of_root)


def z_of_root(machine, bounds: RootBounds, x, **cut):
    """The root, to be squared."""
    return machine.view("z", x, 1, **cut)


def integer_root(machine, bounds: RootBounds) -> None:
    """The root of a perfect square, its digits, and the remainder, which is 0."""
    x = machine.call("root", exact_root, bounds, entered=True)
    machine.text(x)
    if bounds.certified:
        with machine.stage("remainder"):
            r = machine.integer("r", lambda: 0, 0)
        machine.certificate(r, x)


def exact_root(machine, bounds: RootBounds):
    """The root of a perfect square as words."""
    with machine.stage("root"):
        return machine.integer("x", lambda: isqrt(bounds.ladder.d), bounds.words + 1, zeros=bounds.words)
