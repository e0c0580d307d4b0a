"""The golden ratio, (1 + sqrt 5)/2 = (1 + 5/sqrt 5)/2."""

from bigconst.arithmetic.ladder import inverse_root
from bigconst.constants.roots import RootBounds, digits_and_proof, settled


def golden(machine, bounds: RootBounds) -> None:
    """The golden ratio as words, its digits, and the remainder that proves them."""
    digits_and_proof(machine, bounds, machine.call("root", root, bounds, entered=True), z_of_golden)


def root(machine, bounds: RootBounds):
    """The golden ratio as words, right down to the last digit that is written."""
    y = machine.call("ladder", inverse_root, bounds.ladder, bounds.words)
    with machine.stage("root"):
        x = machine.scaled("x", y, 5, bounds.words + 1, plus_at=bounds.words, halved=True)
        return settled(machine, bounds, x, z_of_golden)


def z_of_golden(machine, bounds: RootBounds, x, **cut):
    """sqrt 5 = 2x - 1, to be squared."""
    return machine.view("z", x, 2, minus_at=bounds.words, **cut)
