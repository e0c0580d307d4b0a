"""What the programs of square roots and of the golden ratio have in common: bounds, the last digit, the proof."""

from collections.abc import Callable
from math import isqrt

from bigconst.arithmetic.ladder import LadderBounds
from bigconst.base.constant import Constant, Root
from bigconst.constants.bounds import Bounds, words_for

Y_ERROR = 5
"""Bound on |y_k - B^k/sqrt(d)| at every level (docs/newton.md)."""

PROOF = "remainder"
"""Name of the stage that only a certificate needs."""


def ladder_bounds(d: int, bounds: Bounds) -> LadderBounds:
    """Lengths of the ladder for 1/sqrt(d), derived in docs/newton.md."""
    return LadderBounds(d, words_for(1000 * d, bounds.radix), words_for(8 * Y_ERROR * (isqrt(d) + 1), bounds.radix))


def ladder_error(d: int) -> int:
    """Bound on the error of d/sqrt(d) by the ladder, in units of its last word."""
    return (Y_ERROR + 1) * d


def ladder_algorithm(d: int) -> str:
    """The ladder in words."""
    return f"third-order Newton ladder for 1/sqrt({d}), in the base of the digits"


def proved(root: Root, title: str, algorithm: str, program: Callable) -> Constant:
    """The constant of a program that ends with `digits_and_proof` of this root."""
    return Constant(root.name, title, algorithm, root.floor, ladder_error(root.d), program, root)


def settled(machine, bounds: Bounds, d: int, x, z_of: Callable):
    """x, corrected where its guard digits cannot decide the last written one (docs/floor.md).

    z_of(machine, bounds, x) is the root of d that x stands for.
    """
    return machine.corrected("settled", x, bounds.guard_words, bounds.correction,
                             lambda x: _remainder(machine, bounds, d, z_of(machine, bounds, x)))


def digits_and_proof(machine, bounds: Bounds, d: int, x, z_of: Callable) -> None:
    """The digits of x, and z^2 - d*B^(2*words) for the root z of d that is cut after the last of them."""
    machine.text(x)
    if bounds.certified:
        with machine.stage(PROOF):
            z = z_of(machine, bounds, x, zero_below=bounds.words - bounds.text_words, divisor=bounds.spare)
            r = _remainder(machine, bounds, d, z)
        machine.certificate(r, x)


def _remainder(machine, bounds: Bounds, d: int, z):
    """z^2 - d*B^(2*words), where z is right down to its written digits."""
    length = 2 * bounds.words - bounds.text_words + ladder_bounds(d, bounds).guard + 2
    return machine.products("r", [(z, z)], length, plus=[(-d, None, 2 * bounds.words)])
