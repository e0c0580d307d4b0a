"""The golden ratio, (1 + sqrt 5)/2 = (1 + 5/sqrt 5)/2."""

from bigconst.arithmetic.ladder import inverse_root
from bigconst.constants.roots import RootBounds, digits_and_proof


def golden(machine, bounds: RootBounds) -> None:
    """The golden ratio as words, its digits, and the remainder that proves them."""
    words = bounds.words
    y = machine.call("ladder", inverse_root, bounds.ladder, words)
    with machine.stage("root"):
        x = machine.scaled("x", y, 5, words + 1, plus_at=words, halved=True)
    digits_and_proof(machine, bounds, x, times=2, minus_at=words)
