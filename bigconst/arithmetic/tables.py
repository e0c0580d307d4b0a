"""Twiddle tables, accurate to the last bit of a double.

Every twiddle is a root of unity with an exact rational angle; it is reduced to
an eighth of a turn before sine and cosine are taken.  A node of the transform,
a polynomial modulo Z^m - exp(2 pi i a), has the angle a = numerator/denominator
turns, 0 <= a < 1, with a denominator that is a multiple of 8; the root of the
tree, X^M - i, has 2/8.  After levels below it whose radices have the product P,
the node with digit-reversed index E has the angle (a + E)/P.

All integers are int64: a transform of N words has denominators up to 4N and
numerators below 14N, less than 2^47 for N = 2^43, exact even as doubles.
"""

import itertools
import math
import operator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from bigconst.plans.shape import LANES, Shape

ROOT = (2, 8)
"""The angle of X^M - i."""

_LANES = np.arange(LANES, dtype=np.int64)


def roots_of_unity(numerator: np.ndarray, denominator: int) -> tuple[np.ndarray, np.ndarray]:
    """cos and sin of 2 pi numerator/denominator, numerators int64, denominator divisible by 8."""
    turn = numerator % denominator
    octant = turn // (denominator // 8)
    # distance to the nearest multiple of a quarter turn, at most an eighth of a turn
    quarter = (octant + 1) // 2
    angle = (turn - quarter * (denominator // 4)) * (2 * np.pi / denominator)
    c, s = np.cos(angle), np.sin(angle)
    quarter %= 4
    cos = np.choose(quarter, [c, -s, -c, s])
    sin = np.choose(quarter, [s, c, -s, -c])
    return cos, sin


@lru_cache(maxsize=16)
def digit_reversed(radices: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Index E of each node at every depth 0 .. len(radices): the sum of j_i * (product of radices before i)."""
    index = np.zeros(1, dtype=np.int64)
    out = [index]
    product = 1
    for r in radices:
        index = (index[:, None] + product * np.arange(r, dtype=np.int64)[None, :]).ravel()
        product *= r
        out.append(index)
    return tuple(out)


def _blocks(cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    """Cosines and sines, arrays of shape (..., 8), as one array of Z8 blocks: 8 real parts, then 8 imaginary ones."""
    return np.stack([cos, sin], axis=-2).reshape(-1)


@lru_cache(maxsize=8)
def row_base(radices: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The tables `base`, `leaf_re` and `leaf_im` of `kernels.rows` for rows of 8 * product(radices) vectors."""
    nodes = digit_reversed(radices + (8,))
    blocks, product = [], 1
    for depth, r in enumerate(radices + (8,)):
        product *= r
        blocks.append(_blocks(*roots_of_unity(8 * nodes[depth][:, None] * _LANES, 8 * product)))
    leaf = roots_of_unity(nodes[-1], 8 * product)
    return np.concatenate(blocks), np.ascontiguousarray(leaf[0]), np.ascontiguousarray(leaf[1])


@lru_cache(maxsize=16)
def _nodes(radices: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """P'/P and E P'/P of the nodes of all levels, level after level; P' is the product of all radices."""
    levels = digit_reversed(radices)[:-1]
    below = np.concatenate([np.full(len(e), math.prod(radices[d + 1:])) for d, e in enumerate(levels)])
    return below, below * np.concatenate(levels)


def level_twiddles(radices: tuple[int, ...], numerator: int, denominator: int) -> np.ndarray:
    """Twiddles exp(2 pi i k (a + E)/P) in lane k, node after node, level after level, for `kernels.columns` and
    `kernels.middle`; numerator/denominator is the angle of the root."""
    below, nodes = _nodes(radices)
    angles = numerator * below + denominator * nodes
    return _blocks(*roots_of_unity(angles[:, None] * _LANES, denominator * math.prod(radices)))


def column_twiddles(radices: tuple[int, ...]) -> np.ndarray:
    """Twiddles of the levels from the root X^M - i on."""
    return level_twiddles(radices, *ROOT)


def child_numerators(radices: tuple[int, ...], numerator: int, denominator: int) -> tuple[np.ndarray, int]:
    """The angles (a + E)/P of the product(radices) leaves, in the order of rows: numerators and their denominator."""
    return numerator + denominator * digit_reversed(radices)[-1], denominator * math.prod(radices)


def row_twiddles(numerators: np.ndarray, denominator: int, radices: tuple[int, ...]) -> np.ndarray:
    """The table `row` of `kernels.rows` for rows of these angles: for each row a block per level, two for the leaf."""
    width = LANES * math.prod(radices)
    steps = [LANES * width // product for product in itertools.accumulate(radices + (8,), operator.mul)]
    factors = np.concatenate([np.array(steps)[:, None] * _LANES, np.ones((1, LANES), np.int64)])
    return _blocks(*roots_of_unity(numerators[:, None, None] * factors, LANES * width * denominator))


class ShapeTables(NamedTuple):
    """What the kernels of a shape need, which `kernels.columns` and `kernels.rows` explain."""

    column_radices: np.ndarray
    row_radices: np.ndarray
    columns: np.ndarray
    base: np.ndarray
    rows: np.ndarray
    leaf_re: np.ndarray
    leaf_im: np.ndarray


def tables_of(shape: Shape) -> ShapeTables:
    """All tables of a shape."""
    numerators, denominator = child_numerators(shape.column_radices, *ROOT)
    base, leaf_re, leaf_im = row_base(shape.row_radices)
    return ShapeTables(np.array(shape.column_radices, np.int64), np.array(shape.row_radices, np.int64),
                       column_twiddles(shape.column_radices), base,
                       row_twiddles(numerators, denominator, shape.row_radices), leaf_re, leaf_im)
