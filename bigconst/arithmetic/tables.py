"""Twiddle tables of a shape, accurate to the last bit of a double.

Every twiddle is a root of unity with an exact rational angle; it is reduced to
an eighth of a turn before sine and cosine are taken.
"""

from functools import lru_cache

import numpy as np

from ..shape import LANES, Shape


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


def digit_reversed(radices: tuple[int, ...]) -> list[np.ndarray]:
    """For every depth 0 .. len(radices) the index E of each node: sum of j_i * (product of radices before i)."""
    index = np.zeros(1, dtype=np.int64)
    out = [index]
    product = 1
    for r in radices:
        index = (index[:, None] + product * np.arange(r, dtype=np.int64)[None, :]).ravel()
        product *= r
        out.append(index)
    return out


def _blocks(cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    """(nodes, 8) cosines and sines -> Z8 blocks."""
    return np.stack([cos, sin], axis=1).reshape(-1)


@lru_cache(maxsize=8)
def row_base(radices: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`base`, `leaf_re` and `leaf_im` of `kernels.rows` for width 8 * product(radices)."""
    nodes = digit_reversed(radices + (8,))
    lanes = np.arange(LANES, dtype=np.int64)
    blocks, product = [], 1
    for depth, r in enumerate(radices + (8,)):
        product *= r
        blocks.append(_blocks(*roots_of_unity(8 * nodes[depth][:, None] * lanes, 8 * product)))
    leaf = roots_of_unity(nodes[-1], 8 * product)
    return np.concatenate(blocks), np.ascontiguousarray(leaf[0]), np.ascontiguousarray(leaf[1])


def column_twiddles(radices: tuple[int, ...]) -> np.ndarray:
    """`twiddles` of `kernels.columns`: the tree of X^M - i, angles (1/4 + E)/P."""
    nodes = digit_reversed(radices)
    lanes = np.arange(LANES, dtype=np.int64)
    blocks, product = [np.zeros(0)], 1
    for depth, r in enumerate(radices):
        product *= r
        blocks.append(_blocks(*roots_of_unity((2 + 8 * nodes[depth])[:, None] * lanes, 8 * product)))
    return np.concatenate(blocks)


def row_twiddles(shape: Shape) -> np.ndarray:
    """`row` of `kernels.rows`: for each row of angle a = (1/4 + E)/height one block a level and two for the leaf."""
    angle = 2 + 8 * digit_reversed(shape.column_radices)[-1]      # a = angle / (8 height)
    lanes = np.arange(LANES, dtype=np.int64)
    product = 1
    blocks = []
    for r in shape.row_radices + (8,):
        product *= r
        blocks.append(np.stack(roots_of_unity(angle[:, None] * lanes, 8 * shape.height * product), axis=1))
    ones = np.ones(LANES, dtype=np.int64)
    blocks.append(np.stack(roots_of_unity(angle[:, None] * ones, 64 * shape.height * product), axis=1))
    return np.ascontiguousarray(np.stack(blocks, axis=1)).reshape(-1)
