"""What the programs of square roots and of the golden ratio have in common: bounds, the last digit, the proof."""

from collections.abc import Callable
from functools import partial
from math import isqrt

from bigconst.arithmetic.ladder import START_WORDS, LadderBounds, inverse_root, words_below
from bigconst.arithmetic.machine import several
from bigconst.base.constant import Constant, Root
from bigconst.constants.bounds import Bounds, words_for
from bigconst.constants.ladderproof import MORE_WORDS, ladder_statement
from bigconst.plans.certificate import Claim, Ladder, Remainder

Y_ERROR = 5
"""Bound on |y_k - B^k/sqrt(d)| at every level (docs/newton.md)."""

LADDER_SOURCE = "R. P. Brent and P. Zimmermann, Modern Computer Arithmetic (2010), section 4.2"
LADDER_SPEED = "each step triples the digits"
LADDER_PROOF = "what the last step cuts off, so that an identity between integers holds"
"""What `bigconst constants` says of ladders."""

PROOF = "remainder"
"""Name of the stage of a certificate that the ladder does not leave behind."""
PROOFS = PROOF, "proof"
"""Names of all stages that only certificates need."""


def ladder_bounds(d: int, bounds: Bounds) -> LadderBounds:
    """Lengths of the ladder for 1/sqrt(d), derived in docs/newton.md."""
    return LadderBounds(d, words_for(1000 * d, bounds.radix), words_for(8 * Y_ERROR * (isqrt(d) + 1), bounds.radix))


def ladder_error(d: int) -> int:
    """Bound on the error of d/sqrt(d) by the ladder, in units of its last word."""
    return (Y_ERROR + 1) * d


def ladder_algorithm(d: int) -> str:
    """The ladder in words."""
    return f"third-order Newton ladder for 1/sqrt({d}), in the base of the digits"


def proved(root: Root, algorithm: str, program: Callable, z_of: Callable) -> Constant:
    """The constant of a program that makes digits and their proof from this root; z_of as of root_by_ladder."""
    return Constant(root.name, root.title, algorithm, root.floor, ladder_error(root.d), program, root,
                    partial(certified_from_file, root=root, z_of=z_of))


def certified_from_file(machine, bounds: Bounds, root: Root, z_of: Callable) -> None:
    """The remainder of digits that are read from a file."""
    x = machine.call("digits", _read, bounds, entered=True)
    _prove(machine, bounds, root, x, z_of)


def _read(machine, bounds: Bounds):
    with machine.stage("digits"):
        return machine.digits("x", bounds.words + 1)


def claim_of(root: Root, bounds: Bounds) -> Claim:
    """What the digits of a root are said to be."""
    return Claim(root, bounds.base, bounds.digits)


def root_by_ladder(machine, bounds: Bounds, root: Root, x_of: Callable, z_of: Callable) -> None:
    """The digits of a root, and their proof.

    x_of(machine, bounds, y) is the number whose digits are written, for y near B^words/sqrt(d), and
    z_of(machine, bounds, x) the root of d that x stands for.
    """
    statement = _statement(machine, bounds, root)
    x, *kept = several(machine.call("root", _computed, bounds, root, statement, x_of, entered=True))

    def usual() -> None:
        if statement is None:
            _text_and_remainder(machine, bounds, root, x, z_of)
        else:
            machine.text(x, (statement.k, 2 * statement.k))
            machine.certificate(claim_of(root, bounds), statement, x, *kept)

    def in_doubt() -> None:
        # The exact square decides, and is then the proof of the digits, too (docs/floor.md).
        with machine.stage("last digit"):
            settled = machine.corrected("settled", x, bounds.guard_words, bounds.correction,
                                        lambda x: _remainder(machine, bounds, root, z_of(machine, bounds, x)))
        _text_and_remainder(machine, bounds, root, settled, z_of)

    machine.either(lambda: _is_decided(bounds, root, statement, x, kept), usual, in_doubt)


def _statement(machine, bounds: Bounds, root: Root) -> Ladder | None:
    """The lengths of the last level of the ladder as a statement, if a certificate is wanted and can be made of it."""
    if not bounds.certified or bounds.words <= START_WORDS:
        return None
    k, end = words_below(machine, ladder_bounds(root.d, bounds), bounds.words), bounds.least_words
    return None if Ladder.short(claim_of(root, bounds), k, end) else Ladder(k, end, 0, 0, 0, 0)


def _computed(machine, bounds: Bounds, root: Root, statement: Ladder | None, x_of: Callable):
    """x, which may be a unit off in its last written digit, and what a certificate of the ladder needs."""
    more = statement and (statement.K, statement.K - bounds.text_words + MORE_WORDS)
    y, *kept = several(machine.call("ladder", inverse_root, ladder_bounds(root.d, bounds), bounds.words, more))
    with machine.stage("root"):
        x = x_of(machine, bounds, y)
    return (x, *kept) if kept else x


def _is_decided(bounds: Bounds, root: Root, statement: Ladder | None, x, kept: list) -> bool:
    """Whether the digits below the last written one say what it is, and a certificate of the ladder can be made."""
    if bounds.correction(x.value(0, bounds.guard_words)) is not None:
        return False
    return statement is None or ladder_statement(claim_of(root, bounds), statement, bounds, x, *kept) is not None


def _text_and_remainder(machine, bounds: Bounds, root: Root, x, z_of: Callable) -> None:
    """The digits of x, and their remainder."""
    machine.text(x)
    if bounds.certified:
        _prove(machine, bounds, root, x, z_of)


def _prove(machine, bounds: Bounds, root: Root, x, z_of: Callable) -> None:
    """z^2 - d*B^(2*words) for the root z of d that is cut after the last digit of x."""
    with machine.stage(PROOF):
        z = z_of(machine, bounds, x, zero_below=bounds.words - bounds.text_words, divisor=bounds.spare)
        r = _remainder(machine, bounds, root, z)
    machine.certificate(claim_of(root, bounds), Remainder(), x, r)


def _remainder(machine, bounds: Bounds, root: Root, z):
    """z^2 - d*B^(2*words), where z is right down to its written digits."""
    length = 2 * bounds.words - bounds.text_words + ladder_bounds(root.d, bounds).guard + 2
    return machine.products("r", [(z, z)], length, plus=[(-root.d, None, 2 * bounds.words)])
