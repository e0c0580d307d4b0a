"""From 1/sqrt(d) to the number itself, rounded down for certain.

x = sqrt(d) = d*y, or phi = (1 + 5y)/2, as words near x*B^K with an error below
`plan.x_error` units.  The digits that are written end above the guard digits;
they are the floor unless the guard digits lie within the error of a carry, and
then one exact square decides (docs/floor.md).
"""

from collections.abc import Callable

import numpy as np

from bigconst.arithmetic.memory.newton import Ladder, residual
from bigconst.arithmetic.memory.products import Products
from bigconst.base.errors import FaultError
from bigconst.plans.plan import Plan
from bigconst.runtime.arena import Arena


def root_words(plan: Plan, ladder: Ladder) -> tuple[np.ndarray, np.ndarray, int]:
    """x, a spare array of its size, and the residue of x.

    The digits of x, K + 1 words, are those of floor(root*base^digits) down to the last written one, and
    meaningless below.
    """
    words = ladder.words
    p = words.modulus.p
    if plan.constant.is_integer:
        root = plan.constant.floor
        x = ladder.arena.take(plan.words + 1, np.int32)
        x[-1] = root        # fresh memory is zero
        return x, x, root * words.power(plan.words) % p
    y, residue = ladder.inverse_root()
    x = ladder.arena.take(plan.words + 1, np.int32)
    top = words.multiply_small(x, y, plan.constant.d)
    residue = residue * plan.constant.d % p
    if plan.constant.kind == "phi":
        x, y = y, x
        top += words.add_at(y, plan.words, 1)
        residue += words.power(plan.words)
        odd = int(y[0]) & 1
        words.shift_bits(x, y, 1)
        residue = (residue - odd) * pow(2, -1, p)
    if top != 0 or words.residue(x) != residue % p:
        raise FaultError("the root does not have the residue of its parts")

    def add(value: int) -> None:
        words.add_at(x, 0, value)

    added = settle(plan, words, x, add, lambda change: is_above(plan, ladder, x, residue + change, y))
    return x, y, (residue + added) % p


def guard_value(plan: Plan, words, low: np.ndarray) -> tuple[int, int]:
    """The digits of x below the last written one as an integer, and the size G of their range 0 .. G-1.

    `low` are the `guard_words(plan)` lowest words of x, or more.
    """
    fmt = plan.format
    spare = plan.text_words * fmt.digits - plan.digits
    count = plan.words - plan.text_words
    size = fmt.radix**count * fmt.base**spare
    return words.to_int(low[:count + 1]) % size, size


def guard_words(plan: Plan) -> int:
    """Number of the lowest words of x that `guard_value` needs."""
    return plan.words - plan.text_words + 1


def settle(plan: Plan, words, low: np.ndarray, add: Callable[[int], None], is_above: Callable[[int], bool]) -> int:
    """Correct x where its guard digits cannot decide the last written digit; returns the integer added to it.

    low               the lowest words of x, as in `guard_value`
    add(value)        adds an integer to x
    is_above(change)  whether x, to which `change` has been added, is above the true root
    """
    guard, size = guard_value(plan, words, low)
    if plan.x_error <= guard < size - plan.x_error:
        return 0
    # The multiple of `size` nearest to x has the right digits unless it is above the true root; then one less has.
    change = -guard if 2 * guard < size else size - guard
    add(change)
    if is_above(change):
        add(-1)
        change -= 1
    return change


def is_above(plan: Plan, ladder: Ladder, x: np.ndarray, x_residue: int, spare: np.ndarray) -> bool:
    """Whether the integer in x exceeds the true root times B^K, by the sign of z^2 - d*B^(2K) (an exact square)."""
    words = ladder.words
    p = words.modulus.p
    z, z_residue = x, x_residue % p
    if plan.constant.kind == "phi":     # z = 2x - B^K, compared with sqrt(5)
        z = spare
        words.multiply_small(z, x, 2)
        words.add_at(z, plan.words, -1)
        z_residue = (2 * x_residue - words.power(plan.words)) % p
    length = plan.words + plan.residual_guard_words + 2
    shape = plan.square
    mark = ladder.arena.mark()
    out = ladder.arena.take(shape.words, np.int32)
    work = ladder.arena.take(shape.data_bytes // 8)
    sign, _ = residual(ladder.products, out, z, 1, plan.constant.d, 2 * plan.words, length, shape, work, z_residue,
                       "settling the last digit")
    ladder.arena.release(mark)
    return sign > 0 and bool(out[:length].any())


def make_ladder(plan: Plan, products: Products, emit, store=None) -> Ladder:
    """A ladder for `plan` with an arena of its own; `store` receives all levels but the last."""
    return Ladder(plan, products, Arena(plan.arena_bytes), emit, store, save_last=False)
