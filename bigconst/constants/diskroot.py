"""From 1/sqrt(d) on disk to the number and its remainder: constants.root and constants.remainder for numbers that do
not fit memory."""

import numpy as np

from bigconst.arithmetic.disk.linear import linear_pass
from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.products import DiskProducts
from bigconst.base.errors import FaultError
from bigconst.constants.roots import RootBounds
from bigconst.plans.plan import Plan


def root(plan: Plan, products: DiskProducts, y: Number | None, y_residue: int) -> tuple[Number, int]:
    """x near root*B^K as K + 1 words, and its residue, from y near B^K/sqrt(d) (None for a perfect square).

    Its last digits are not settled yet.
    """
    words = products.words
    p, d = words.modulus.p, plan.constant.d
    x = products.number(plan.disk.place("root", "x"), plan.words + 1, name="root")
    if y is None:
        x.add([(plan.words, plan.constant.floor)])
        return x, x.residue()
    halved = plan.constant.kind == "phi"
    half = np.empty(plan.disk.piece_chunks * y.chunk_words, np.int32)
    state = {"carry": 0, "odd": 0}

    def compute(first: int, pieces: list[np.ndarray]) -> np.ndarray:
        """A piece of x = d*y, or of x = (B^K + d*y)/2 for phi."""
        piece, above = pieces[0][:-1], int(pieces[0][-1])
        start = first * y.chunk_words
        carry = words.multiply_small(piece, piece, d)
        carry += words.add_at(piece, 0, state["carry"])
        if halved and start <= plan.words < start + len(piece):
            carry += words.add_at(piece, plan.words - start, 1)
        state["carry"] = int(carry)
        if not halved:
            return piece
        if first == 0:
            state["odd"] = int(piece[0]) & 1
        parity = d * above + carry + (start + len(piece) == plan.words)
        words.shift_bits(half, piece, 1, parity & 1)
        return half

    for attempt in products.attempts("root"):
        with attempt:
            state.update(carry=0, odd=0)
            x = products.number(plan.disk.place("root", "x"), plan.words + 1, name=f"root, attempt {attempt.tries + 1}")
            linear_pass(products, [(y, 0, 1)], x, compute, state, x.name)
            expected = y_residue * d
            if halved:
                expected = (expected + words.power(plan.words) - state["odd"]) * pow(2, -1, p)
            if state["carry"] != 0 or x.residue() != expected % p:
                raise FaultError("the root does not have the residue of its parts", value=x.residue())
            return x, expected % p


def settled(plan: Plan, bounds: RootBounds, products: DiskProducts, x: Number, x_residue: int) -> int:
    """Settle the last digits of x (RootBounds.correction); returns the residue of x afterwards."""
    words = products.words
    change = bounds.correction(words.to_int(x.read(0, bounds.guard_words)))
    if change is None:
        return x_residue
    x.add([(0, change)])
    operand, residue = _operand(plan, words, x, x_residue + change)
    z, sign, _ = products.residual(operand, residue, 1, plan.constant.d, 2 * plan.words, bounds.square_words,
                                   plan.disk.square, plan.disk.work_place("root", "r"), plan.disk.place("root", "r"),
                                   "settling the last digit")
    if sign > 0 and z.number.kinds.any():
        x.add([(0, -1)])
        change -= 1
    return (x_residue + change) % words.modulus.p


def _operand(plan: Plan, words, x: Number, residue: int, **changes) -> tuple[Operand, int]:
    """The operand z = x for a root, 2x - B^K for phi, with these changes of Operand, and the residue of z."""
    if plan.constant.kind == "phi":
        return (Operand(x, double=True, minus_one_at=plan.words, **changes),
                (2 * residue - words.power(plan.words)) % words.modulus.p)
    return Operand(x, **changes), residue % words.modulus.p


def remainder(plan: Plan, bounds: RootBounds, products: DiskProducts, x: Number,
              x_residue: int) -> tuple[Operand, int]:
    """d*B^(2*words) - z^2 for the number z that is cut after the written digits, and its residue.

    Raises FaultError when it is negative.
    """
    words = products.words
    guard = bounds.guard(words.to_int(x.read(0, bounds.guard_words)))
    z, z_residue = _operand(plan, words, x, x_residue - guard, zero_below=plan.words - plan.text_words,
                            divisor=bounds.spare)
    r, sign, residue = products.residual(z, z_residue, 1, plan.constant.d, 2 * plan.words, bounds.square_words,
                                         plan.disk.square, plan.disk.work_place("remainder", "r"),
                                         plan.disk.place("remainder", "r"), "certificate")
    if sign > 0 and r.number.kinds.any():
        raise FaultError("the remainder of the digits is not within its bounds")
    return r, residue
