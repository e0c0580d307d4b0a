"""From 1/sqrt(d) on disk to the number and its remainder: constants.root and constants.remainder for numbers that do
not fit memory."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bigconst.arithmetic.disk.linear import linear_pass
from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.products import DiskProducts
from bigconst.arithmetic.disk.reader import Reader
from bigconst.base.errors import FaultError
from bigconst.constants.root import guard_value, guard_words, settle
from bigconst.plans.certificate import within_bound
from bigconst.plans.plan import Plan

COMPARED_WORDS = 2048


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


def settled(plan: Plan, products: DiskProducts, x: Number, x_residue: int) -> int:
    """Settle the last digits of x (constants.root.settle); returns the residue of x afterwards."""
    words = products.words

    def add(value: int) -> None:
        x.add([(0, value)])

    def is_above(change: int) -> bool:
        operand, residue = _operand(plan, words, x, x_residue + change)
        length = plan.words + plan.residual_guard_words + 2
        z, sign, _ = products.residual(operand, residue, 1, plan.constant.d, 2 * plan.words, length, plan.disk.square,
                                       plan.disk.work_place("root", "r"), plan.disk.place("root", "r"),
                                       "settling the last digit")
        return sign > 0 and bool(z.number.kinds.any())

    return (x_residue + settle(plan, words, x.read(0, guard_words(plan)), add, is_above)) % words.modulus.p


def _operand(plan: Plan, words, x: Number, residue: int, **changes) -> tuple[Operand, int]:
    """The operand z = x for a root, 2x - B^K for phi, with these changes of Operand, and the residue of z."""
    if plan.constant.kind == "phi":
        return (Operand(x, double=True, minus_one_at=plan.words, **changes),
                (2 * residue - words.power(plan.words)) % words.modulus.p)
    return Operand(x, **changes), residue % words.modulus.p


@dataclass(frozen=True)
class Remainder:
    """The remainder r, stored as r*G^2, or 4*r*G^2 for phi, where G = B^g*b^s is the range of the digits of x below the
    last written one."""

    scaled: Operand
    residue: int
    """residue of r modulo 2^61 - 1"""


def remainder(plan: Plan, products: DiskProducts, x: Number, x_residue: int) -> Remainder:
    """The remainder of the written digits, by one squaring.

    Raises FaultError when r is negative or the digits are not right.
    """
    words, p = products.words, products.words.modulus.p
    guard, size = guard_value(plan, words, x.read(0, guard_words(plan)))
    below = plan.words - plan.text_words
    spare = plan.text_words * plan.format.digits - plan.digits
    z, z_residue = _operand(plan, words, x, x_residue - guard, zero_below=below, divisor=plan.base**spare)
    length = plan.words + below + plan.residual_guard_words + 2
    scaled, sign, residue = products.residual(z, z_residue, 1, plan.constant.d, 2 * plan.words, length,
                                              plan.disk.square, plan.disk.work_place("remainder", "r"),
                                              plan.disk.place("remainder", "r"), "certificate")
    if sign > 0 and scaled.number.kinds.any():
        raise FaultError("the remainder of the digits is not within its bounds")
    quarter = pow(4, -1, p) if plan.constant.kind == "phi" else 1
    return Remainder(scaled, residue * quarter * pow(size, -2, p) % p)


def remainder_reader(plan: Plan, words, r: Remainder, kept_chunks: int) -> Callable[[int, int], np.ndarray]:
    """A function read(start, stop) that returns words start .. stop-1 of r; it caches `kept_chunks` chunks."""
    fmt = plan.format
    spare = plan.text_words * fmt.digits - plan.digits
    whole, digits = divmod(2 * spare, fmt.digits)
    offset = 2 * (plan.words - plan.text_words) + whole
    bits = 2 if plan.constant.kind == "phi" else 0
    read = Reader(r.scaled, kept_chunks)

    def words_of_r(start: int, stop: int) -> np.ndarray:
        return words.quotient(read(offset + start, offset + stop + 2), digits, bits)[:stop - start]

    return words_of_r


def check_bound(plan: Plan, words, x: Number, r: Callable[[int, int], np.ndarray]) -> None:
    """Raise FaultError unless r is small enough for P to be the floor."""
    spare = plan.text_words * plan.format.digits - plan.digits
    below = plan.words - plan.text_words

    def p_value(low: int, high: int) -> int:
        high = min(high, plan.text_words + 1)       # P has fewer words than r is stored in
        if low >= high:
            return 0
        top = min(below + high + 1, plan.words + 1)
        return words.to_int(words.quotient(x.read(below + low, top), spare, 0)[:high - low])

    if not within_bound(plan.constant, plan.base, plan.digits, COMPARED_WORDS,
                        lambda low, high: words.to_int(r(low, high)), p_value):
        raise FaultError("the remainder of the digits is not within its bounds")
