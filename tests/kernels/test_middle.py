"""The middle passes against direct evaluation, and composed with the column and row passes.

A pass of one level is nothing but the butterfly of its radix.
"""

from fractions import Fraction
from math import prod

import numpy as np
import pytest
from gmpy2 import mpz
from oracle_words import aligned_float64, aligned_int32, to_mpz, tree_angles

from bigconst.arithmetic import tables
from bigconst.kernels.checksum import NO_SUMS
from bigconst.kernels.columns import columns_forward, columns_inverse, resolve_carries
from bigconst.kernels.middle import middle_forward, middle_inverse
from bigconst.kernels.propagate import propagate
from bigconst.kernels.rows import FORWARD, MULTIPLY, SQUARE, rows, scratch_doubles

LISTS = [(2,), (3,), (4,), (5,), (7,), (8,), (2, 8), (8, 2), (3, 5), (7, 4), (5, 4, 2), (8, 4, 3), (2, 3, 4, 5),
         (7, 2, 2, 3), (8, 8, 4), (4, 8, 5), (2, 2, 2, 2, 2)]
NESTINGS = [((3,),), ((5,),), ((8, 5),), ((4,), (5,)), ((2, 3), (7, 2)), ((2,), (3,), (2,))]
BLOCK = 2


def as_complex(x, height, stride, width):
    """(height, width vectors, 8 lanes)."""
    pairs = x.reshape(height, stride)[:, :16 * width].reshape(height, width, 2, 8)
    return pairs[:, :, 0] + 1j * pairs[:, :, 1]


def array(values):
    return np.array(values, dtype=np.int64)


@pytest.mark.parametrize("numerator,denominator", [(0, 8), (2, 8), (12345, 8 * 3 * 1024)])
@pytest.mark.parametrize("radices", LISTS)
def test_residues_by_direct_evaluation_and_back(radices, numerator, denominator):
    height, width = prod(radices), 6
    stride = 16 * (width + 1)
    x = aligned_float64(height * stride)
    x[:] = np.random.default_rng(height).normal(size=len(x))
    before = x.copy()
    arguments = (height, stride, array(radices), tables.level_twiddles(radices, numerator, denominator))

    def run(kernel, cuts):
        for block, start, stop in cuts:
            kernel(x, *arguments, start, stop, block, 1, NO_SUMS, NO_SUMS, np.full(16 * height * block, np.nan))

    run(middle_forward, [(2, 2, 6), (1, 0, 2)])
    angles = tree_angles(radices, Fraction(numerator, denominator))[-1]
    powers = np.exp(2j * np.pi * np.array([[float(k * angle % 1) for k in range(height)] for angle in angles]))
    original = as_complex(before, height, stride, width)
    error = np.abs(as_complex(x, height, stride, width) - np.tensordot(powers, original, 1)).max()
    assert error < (1e-14 * height if len(radices) == 1 else 5e-14 * height**0.5)
    run(middle_inverse, [(3, 0, 6)])
    assert np.abs(as_complex(x, height, stride, width) / height - original).max() < 1e-14
    padding = slice(16 * width, None)
    assert np.array_equal(x.reshape(height, -1)[:, padding], before.reshape(height, -1)[:, padding])


class LongRow:
    """Transforms of one long row: middle passes, one inside the other, then rows of `width` vectors."""

    def __init__(self, middles, row_radices, pad=0):
        self.middles, self.row_radices = middles, row_radices
        self.width = 8 * prod(row_radices)
        self.height = prod(map(prod, middles))
        self.stride = 16 * (self.width + pad)
        self._base = tables.row_base(row_radices)

    def _nodes(self, numerator, denominator, depth=0):
        """(middle radices, offset in rows, numerator, denominator) of every node, parents first, then the leaves'."""
        if depth == len(self.middles):
            return [(None, 0, numerator, denominator)]
        radices = self.middles[depth]
        below = prod(map(prod, self.middles[depth + 1:]))
        out = [(depth, 0, numerator, denominator)]
        numerators, common = tables.child_numerators(radices, numerator, denominator)
        for i, child in enumerate(numerators.tolist()):
            out += [(d, i * below + at, n, c) for d, at, n, c in self._nodes(child, common, depth + 1)]
        return out

    def _middle(self, kernel, x, depth, at, numerator, denominator):
        radices, rest = self.middles[depth], prod(map(prod, self.middles[depth + 1:]))
        twiddles = tables.level_twiddles(radices, numerator, denominator)
        # the row of a deeper pass is `rest` rows in one, padding and all
        kernel(x[at * self.stride:], prod(radices), rest * self.stride, array(radices), twiddles, 0,
               rest * self.stride // 16, BLOCK, 1, NO_SUMS, NO_SUMS, np.empty(16 * prod(radices) * BLOCK))

    def __call__(self, x, numerator, denominator, mode, other, scale):
        nodes = self._nodes(numerator, denominator)
        passes = [node for node in nodes if node[0] is not None]
        leaves = [node for node in nodes if node[0] is None]
        for node in passes:
            self._middle(middle_forward, x, *node)
        twiddles = tables.row_twiddles(array([n for _, _, n, _ in leaves]), leaves[0][3], self.row_radices)
        base, leaf_re, leaf_im = self._base
        rows(x, 0, self.height, self.stride, self.width, array(self.row_radices), base, twiddles, leaf_re, leaf_im,
             scale, mode, other, other, np.empty(scratch_doubles(self.row_radices)))
        if mode != FORWARD:
            for node in reversed(passes):
                self._middle(middle_inverse, x, *node)


def polynomial_product(a, b, wrap):
    """The coefficients of a*b modulo X^n - wrap by one product of integers, wrap being 1 or -1."""
    size = 8
    x, y = (int.from_bytes(np.array(v, "<u8").tobytes(), "little") for v in (a, b))
    full = np.frombuffer((x * y).to_bytes(2 * size * len(a), "little"), "<u8").astype(np.int64)
    return full[:len(a)] + wrap * full[len(a):]


@pytest.mark.parametrize("numerator,wrap", [(0, 1), (4, -1)])
@pytest.mark.parametrize("middles", NESTINGS)
def test_products_modulo_one_long_row(middles, numerator, wrap):
    row = LongRow(middles, (2,), pad=2)
    count = 8 * row.height * row.width
    rng = np.random.default_rng(count)
    a, b = rng.integers(0, 1000, (2, count))
    x, y = aligned_float64(row.height * row.stride), aligned_float64(row.height * row.stride)
    for data, values in ((x, a), (y, b)):
        data[:] = 0
        vectors = data.reshape(row.height, -1)[:, :16 * row.width].reshape(row.height, row.width, 2, 8)
        vectors[:, :, 0] = values.reshape(row.height, row.width, 8)
    row(y, numerator, 8, FORWARD, y, 0.0)
    row(x, numerator, 8, MULTIPLY, y, 1 / count)
    found = as_complex(x, row.height, row.stride, row.width).ravel()
    assert np.abs(found.imag).max() < 0.1
    assert np.array_equal(np.rint(found.real).astype(np.int64), polynomial_product(a, b, wrap))


class Slabs:
    """The outer column passes of a number cut into slabs of `slab` columns, each laid out as a shape of its own."""

    def __init__(self, radices, width, slab, radix):
        self.height, self.width, self.slab, self.radix = prod(radices), width, slab, radix
        self._stride = 16 * (slab + 4)
        cut = slab // (2 * BLOCK) * BLOCK       # two parts a slab, so that carries pass between them
        self._parts = [(0, cut), (cut, slab)] if cut else [(0, slab)]
        self._radices, self._twiddles = array(radices), tables.column_twiddles(radices)
        self._buffer = aligned_float64(16 * (self.height * BLOCK + 1))

    def forward(self, words, long_rows):
        """Canonical words -> long rows, (height, 16*width) doubles."""
        runs = min(2 * self.height, len(words) // (8 * self.width) + 1)     # one word more takes a last carry
        padded = np.zeros(8 * self.width * 2 * self.height + 1, np.int32)
        padded[1:len(words) + 1] = words
        for c in range(0, self.width, self.slab):
            slab, x = aligned_int32(16 * self.height * self.slab), aligned_float64(self.height * self._stride)
            slab[:] = -(1 << 30)        # beyond the count nothing is read
            for j in range(runs):
                at = 8 * (j * self.width + c)
                run = slab[8 * self.slab * j:8 * self.slab * (j + 1)]
                run[:] = padded[1 + at:1 + at + 8 * self.slab]
                # what balancing would carry across the borders of the run
                run[0] += 2 * padded[at] >= self.radix
                run[-1] -= self.radix * (2 * run[-1] >= self.radix)
            for start, stop in self._parts:
                columns_forward(slab, 8 * self.slab * runs, self.radix, x, self.height, self._stride, self.slab,
                                self._radices, self._twiddles, start, stop, BLOCK, NO_SUMS, self._buffer)
            long_rows[:, 16 * c:16 * (c + self.slab)] = x.reshape(self.height, -1)[:, :16 * self.slab]

    def inverse(self, long_rows):
        """Long rows -> (words, carry out of the top, round-off)."""
        words, runs = np.empty(16 * self.height * self.width, np.int32), 2 * self.height
        carried, error = np.empty((self.width // self.slab, runs), np.int64), 0.0
        for i, c in enumerate(range(0, self.width, self.slab)):
            slab, x = aligned_int32(16 * self.height * self.slab), aligned_float64(self.height * self._stride)
            x.reshape(self.height, -1)[:, :16 * self.slab] = long_rows[:, 16 * c:16 * (c + self.slab)]
            carries, stats = np.zeros((len(self._parts), runs)), np.zeros(2)
            for part, (start, stop) in zip(carries, self._parts, strict=True):
                columns_inverse(x, self.height, self._stride, self.slab, self._radices, self._twiddles, start, stop,
                                BLOCK, slab, float(self.radix), part, stats, NO_SUMS, self._buffer)
            resolve_carries(slab, carries.ravel(), array([stop for _, stop in self._parts]), self.height, self.slab,
                            self.radix, carried[i])
            words.reshape(runs, -1)[:, 8 * c:8 * (c + self.slab)] = slab.reshape(runs, -1)
            error = max(error, stats[0])
        top = 0
        for i in range(len(carried)):
            for j in range(runs):
                at = 8 * (j * self.width + (i + 1) * self.slab)
                top += propagate(words, at, len(words), carried[i, j], self.radix)
        return words, top, error


@pytest.mark.parametrize("radix", [10**5, 10**4, 2**16])
@pytest.mark.parametrize("outer,middles,row_radices,slabs", [
    ((8,), ((5,),), (2,), (2, 10, 16, 80)),
    ((8, 3), ((4, 5),), (4,), (8, 40, 640)),
    ((8, 4), ((2,), (5,)), (2,), (4, 32, 160)),
    ((8, 7), ((3,), (4, 2)), (2,), (48, 384)),
])
def test_slabs_middles_and_rows_make_a_square(outer, middles, row_radices, slabs, radix):
    row = LongRow(middles, row_radices)
    width = row.height * row.width
    numerators, denominator = tables.child_numerators(outer, *tables.ROOT)
    length = 16 * len(numerators) * width
    rng = np.random.default_rng(length)
    full = rng.integers(0, radix, length).astype(np.int32)
    full[-1] = radix // 2 - 1       # beyond that the top word would carry
    full[:length // 3:7] = radix // 2
    short = rng.integers(0, radix, length // 2 - 5).astype(np.int32)
    for i, words in enumerate((full, short, full[:length // 16 * 8], full[:9])):
        expected = to_mpz(words, radix) ** 2 % (mpz(radix) ** length + 1)
        for slab in slabs[i % 2::2]:
            outside = Slabs(outer, width, slab, radix)
            long_rows = aligned_float64(16 * len(numerators) * width).reshape(len(numerators), -1)
            outside.forward(words, long_rows)
            for numerator, data in zip(numerators.tolist(), long_rows, strict=True):
                row(data, numerator, denominator, SQUARE, data, 2 / length)
            out, top, error = outside.inverse(long_rows)
            assert out.min() >= 0 and out.max() < radix and error < 0.05
            assert (to_mpz(out, radix) + top * mpz(radix) ** length) % (mpz(radix) ** length + 1) == expected
