"""The middle passes: rows too long for a cache are split into shorter rows in place, and put together again.

Such a row is a residue modulo Z^W - exp(2 pi i a) of W vectors, with an angle
of its own.  It is seen as `height` rows of W/height vectors, and its upper
levels, whose radices multiply to `height`, run down the columns as in
`columns`, but from transform data to transform data: forward leaves the
residues modulo Z^(W/height) - exp(2 pi i (a + E)/height), one a row, which
`rows`, or another middle pass, then takes.  `block` neighbouring vectors of
every row are transformed depth first in a buffer that fits the second-level cache.

What is written has just been read and is in a cache: stores past the caches,
unlike in `columns`, would slow rows of 16 and 64 MiB down by a fifth to a third
and gain little above.  Rows whose length is a power of two need no padding.
Several thousand rows are too many for one pass: from about 2^14 rows on, two
passes, one inside the other, are faster.
"""

from .access import prefetch
from .checksum import absorb, keys_of
from .jit import helper, kernel
from .levels import forward, inverse, keep

_SIGNATURE = "void(f8[::1], i8, i8, i8[::1], f8[::1], i8, i8, i8, i8, uint64[::1], uint64[::1], f8[::1])"


@helper
def _prefetch_rows(x, at, step, count, line):
    for k in range(count):
        for b in range(0, line, 8):
            prefetch(x, at + k * step + b)


@helper
def _absorb_rows(sums, tile, x, at, step, count, line):
    """Add `line` doubles of each of `count` rows to the sums of the tiles in which they are, or to none."""
    for i in range(at, at + (count * step if sums.size > 0 else 0), step):
        vector = i // 16
        absorb(sums, 8 * (vector // tile), x, i, line // 8, keys_of(2 * (vector % tile)))


@kernel(_SIGNATURE, fused=True)
def middle_forward(x, height, stride, radices, twiddles, start, stop, block, tile, before, after, buffer):
    """Forward levels down the columns start..stop-1, in place.

    x         height rows of `stride` doubles, vectors of 16 doubles
    radices   any of 2, 3, 4, 5, 7, 8; their product is height
    twiddles  Z8 blocks, level after level, node after node
    block     vectors of a row that are taken at a time, a divisor of start and stop
    buffer    height*block vectors
    tile      vectors of a tile; x consists of whole ones
    before, after  eight sums for each tile, to which its lines in these columns are added (`checksum`) as they were
              before, and as they are afterwards; or none
    """
    levels = len(radices)
    first, last = radices[0], radices[levels - 1]
    rest = height // first
    line = 16 * block
    for c in range(16 * start, 16 * stop, line):
        if levels == 1:
            _absorb_rows(before, tile, x, c, stride, first, line)
            forward(first, x, c, stride, x, c, stride, block, twiddles, 0, keep)
            _absorb_rows(after, tile, x, c, stride, first, line)
            continue
        for v in range(rest):
            _absorb_rows(before, tile, x, v * stride + c, rest * stride, first, line)
            _prefetch_rows(x, (v + 1) * stride + c, rest * stride, first, line)
            forward(first, x, v * stride + c, rest * stride, buffer, v * line, rest * line, block, twiddles, 0, keep)
        for v in range(0, height, last):
            span = rest
            table = 1
            for level in range(1, levels - 1):
                r = radices[level]
                m = span // r
                if v % span == 0:
                    forward(r, buffer, v * line, m * line, buffer, v * line, m * line, m * block, twiddles,
                            (table + v // span) * 16, keep)
                table += height // span
                span = m
            forward(last, buffer, v * line, line, x, v * stride + c, stride, block, twiddles, (table + v // last) * 16,
                    keep)
            _absorb_rows(after, tile, x, v * stride + c, stride, last, line)


@kernel(_SIGNATURE, fused=True)
def middle_inverse(x, height, stride, radices, twiddles, start, stop, block, tile, before, after, buffer):
    """Inverse of `middle_forward` without the factor 1/height."""
    levels = len(radices)
    first, last = radices[0], radices[levels - 1]
    rest = height // first
    line = 16 * block
    tables = 1
    span = rest
    for level in range(1, levels - 1):
        tables += height // span
        span //= radices[level]
    for c in range(16 * start, 16 * stop, line):
        if levels == 1:
            _absorb_rows(before, tile, x, c, stride, first, line)
            inverse(first, x, c, stride, x, c, stride, block, twiddles, 0)
            _absorb_rows(after, tile, x, c, stride, first, line)
            continue
        for end in range(last, height + 1, last):
            _prefetch_rows(x, end * stride + c, stride, last, line)
            at = (end - last) * line
            _absorb_rows(before, tile, x, (end - last) * stride + c, stride, last, line)
            inverse(last, x, (end - last) * stride + c, stride, buffer, at, line, block, twiddles,
                    (tables + end // last - 1) * 16)
            span = last
            table = tables
            for level in range(levels - 2, 0, -1):
                r = radices[level]
                m = span
                span *= r
                if end % span != 0:
                    break
                table -= height // span
                at = (end - span) * line
                inverse(r, buffer, at, m * line, buffer, at, m * line, m * block, twiddles,
                        (table + end // span - 1) * 16)
        for v in range(rest):
            inverse(first, buffer, v * line, rest * line, x, v * stride + c, rest * stride, block, twiddles, 0)
            _absorb_rows(after, tile, x, v * stride + c, rest * stride, first, line)
