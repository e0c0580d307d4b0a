"""Squaring modulo 2^p - 1 by the irrational-base discrete weighted transform, many times in one call.

The words form a matrix of `height` rows and C = 8*width columns: word r*C + c is
in row r and column c.  A real transform runs down the columns
(kernels.realcolumns) and leaves rows modulo X^C - w, which kernels.rows squares.
An iteration is two passes over memory, one over rows and one over blocks of
neighbouring columns: a block is transformed back, rounded and carried
(kernels.carries), and transformed again.  The columns are cut into parts, one for
each thread; the first block of a part waits until the carries that enter it are
known.

`iterate` does all that in memory, by threads that meet inside it.  The other
kernels are its passes over columns alone, for transform data that is read and
written slab by slab: x then holds the columns of one slab, from column `first` on.
The kernels have these arguments in common:

    x        rows of transform data, layout's `stride` doubles from one to the next
    layout   integers, see LAYOUT
    trees, radices, tw   complex trees (realcolumns.TREE), their radices, their twiddles
    row_weights, column_weights   as in kernels.carries
    buffer   layout's `buffer_doubles` doubles, for the work of one thread
    start    height*8*block doubles for the first block of a part, from `columns_on` to `columns_enter`
    carries  `height` doubles for each part
    stats    stats[0] becomes the largest |x - rint(x)|, or NaN where an x is no number
"""

from .carries import carry_block, enter_carries, put_words, subtract, take_words
from .jit import kernel
from .realcolumns import block_forward, block_inverse
from .rows import FORWARD, MULTIPLY, SQUARE, rows
from .threads import barrier

LAYOUT = ("height", "width", "stride", "rows", "paired_rows", "block", "trees", "words", "exponent", "buffer_doubles",
          "cached")
"""Entries of `layout`: rows of words; vectors of 8 columns in a row; doubles from one row of transform data to the
next; rows of transform data, and how many of these, the first ones, count twice because their conjugates are left out;
vectors of a block; complex trees; N; p; doubles of a thread's buffer; whether transform data
is stored through the caches."""

SQUARES, SPECTRUM, PRODUCT = 0, 1, 2

_TABLES = "i8[::1], i8[::1], i8[::1], f8[::1], f8[::1], f8[::1]"


@kernel(f"void(f8[::1], i8, i8, i8, {_TABLES}, i4[::1], f8[::1])")
def columns_in(x, s0, s1, first, layout, trees, radices, tw, row_weights, column_weights, words, buffer):
    """Transform balanced words into blocks s0 .. s1-1 of x."""
    height, columns, stride, block = layout[0], 8 * layout[1], layout[2], layout[5]
    z = buffer[height * 8 * block:]
    for s in range(s0, s1):
        put_words(buffer, words, height, columns, block, first + s * 8 * block, row_weights, column_weights,
                  float(layout[7]))
        block_forward(buffer, z, height, height, trees, layout[6], radices, tw, block, x, stride, s * block * 16,
                      layout[10])


@kernel(f"void(f8[::1], i8, i8, i8, {_TABLES}, i4[::1], f8[::1])")
def columns_out(x, s0, s1, first, layout, trees, radices, tw, row_weights, column_weights, words, buffer):
    """Transform blocks s0 .. s1-1 of x back into words.

    x is as `columns_in` or `columns_on` left it, except that its paired rows have been doubled.
    """
    height, columns, stride, block = layout[0], 8 * layout[1], layout[2], layout[5]
    z = buffer[height * 8 * block:]
    for s in range(s0, s1):
        block_inverse(buffer, z, height, height, trees, layout[6], radices, tw, block, x, stride, s * block * 16)
        take_words(buffer, words, height, columns, block, first + s * 8 * block, row_weights, column_weights,
                   float(layout[7]), 1.0 / height)


@kernel(f"void(f8[::1], i8, i8, i8, {_TABLES}, i4[::1], i8, f8[::1], f8[::1], f8[::1], i8, f8[::1], f8, i8)")
def columns_on(x, s0, s1, first, layout, trees, radices, tw, row_weights, column_weights, words, ends, buffer, start,
               carries, co, stats, amount, shift):
    """Transform blocks s0 .. s1-1, a part, back from the rows, subtract amount * 2^shift, round and carry; then
    transform them again, or with `ends` store their words.

    The carries out of the part are put into `carries` from index co on.  Those into it are not known yet: its first
    block stays in `start` until `columns_enter`.
    """
    height, columns, stride, block, exponent = layout[0], 8 * layout[1], layout[2], layout[5], layout[8]
    n, rest, bits, half = float(layout[7]), float(exponent % layout[7]), exponent // layout[7], 8 * block
    z = buffer[height * half:]
    for r in range(height):
        carries[co + r] = 0.0
    for s in range(s0, s1):
        c = first + s * half
        at, ahead = s * block * 16, (s + 1) * block * 16 if s + 1 < s1 else -1
        block_inverse(buffer, z, height, height // 8, trees, layout[6], radices, tw, block, x, stride, at)
        if amount != 0.0:
            subtract(buffer, z, height, columns, block, c, row_weights, column_weights, n, exponent, amount, shift)
        carry_block(buffer, z, height, columns, block, c, row_weights, column_weights, n, rest, bits, carries, co,
                    stats, s == s0 or ends == 1, start if s == s0 else buffer, x, stride, layout[3], ahead)
        if ends and s > s0:
            take_words(buffer, words, height, columns, block, c, row_weights, column_weights, n, 1.0)
        elif s > s0:
            block_forward(buffer, z, height, height // 8, trees, layout[6], radices, tw, block, x, stride, at,
                          layout[10])


@kernel(f"void(f8[::1], i8, i8, {_TABLES}, i4[::1], i8, f8[::1], f8[::1], f8[::1], i8, i8)")
def columns_enter(x, s0, first, layout, trees, radices, tw, row_weights, column_weights, words, ends, buffer, start,
                  carries, co, up):
    """Finish the first block of a part: add the carries out of the part before it, which are in `carries` from index co
    on, then transform it, or with `ends` store its words.

    `up` is 1 where the part before ends the rows, so that row r takes the carry of row r - 1; else it is 0.
    """
    height, columns, stride, block, exponent = layout[0], 8 * layout[1], layout[2], layout[5], layout[8]
    n, rest, bits = float(layout[7]), float(exponent % layout[7]), exponent // layout[7]
    c = first + s0 * 8 * block
    enter_carries(start, height, columns, block, c, row_weights, column_weights, n, rest, bits, carries, co, up)
    if ends:
        take_words(start, words, height, columns, block, c, row_weights, column_weights, n, 1.0)
    else:
        block_forward(start, buffer[height * 8 * block:], height, height, trees, layout[6], radices, tw, block, x,
                      stride, s0 * block * 16, layout[10])


@kernel(f"void(i8, i8, i8, i8, f8[::1], f8[::1], i4[::1], {_TABLES}, i8[::1], f8[::1], f8[::1], f8[::1], f8[::1],"
        "f8[::1], f8[::1], f8[::1], f8[::1], i8[::1], f8, i8)")
def iterate(thread, threads, goal, count, x, other, words, layout, trees, radices, tw, row_weights, column_weights,
            row_radices, row_base, row_tw, leaf_re, leaf_im, buffers, starts, carries, stats, sync, amount, shift):
    """Square `words` `count` times, subtracting amount * 2^s each time: the work of thread `thread` of `threads`.

    s        begins with `shift`, and is doubled modulo p before every squaring
    goal     SQUARES; SPECTRUM: leave the spectrum of `words` in x instead; PRODUCT: multiply by the spectrum `other`
             instead of the last squaring
    words    N balanced words, before and after
    buffers, starts, carries   those of all threads, one after the other
    stats    8 doubles for each thread
    sync     integers for `barrier`, zero at first
    """
    height, width, stride, row_count = layout[0], layout[1], layout[2], layout[3]
    paired, block, exponent, size = layout[4], layout[5], layout[8], layout[9]
    n, part = float(layout[7]), height * 8 * block
    buffer = buffers[thread * size:(thread + 1) * size]
    start = starts[thread * part:(thread + 1) * part]
    stat = stats[8 * thread:8 * thread + 8]
    blocks = width // block
    s0, s1 = blocks * thread // threads, blocks * (thread + 1) // threads
    r0, r1 = row_count * thread // threads, row_count * (thread + 1) // threads
    columns_in(x, s0, s1, 0, layout, trees, radices, tw, row_weights, column_weights, words, buffer)
    barrier(sync, threads)
    if goal == SPECTRUM:
        rows(x, r0, r1, stride, width, row_radices, row_base, row_tw, leaf_re, leaf_im, 1.0, FORWARD, x, x, buffer)
        return
    before = (thread - 1) % threads * height
    for iteration in range(count):
        shift = 2 * shift % exponent
        mode = MULTIPLY if goal == PRODUCT and iteration == count - 1 else SQUARE
        rows(x, r0, min(r1, paired), stride, width, row_radices, row_base, row_tw, leaf_re, leaf_im, 2.0 / n, mode,
             other, other, buffer)
        rows(x, max(r0, paired), r1, stride, width, row_radices, row_base, row_tw, leaf_re, leaf_im, 1.0 / n, mode,
             other, other, buffer)
        barrier(sync, threads)
        ends = 1 if iteration == count - 1 else 0
        columns_on(x, s0, s1, 0, layout, trees, radices, tw, row_weights, column_weights, words, ends, buffer, start,
                   carries, thread * height, stat, amount, shift)
        barrier(sync, threads)
        columns_enter(x, s0, 0, layout, trees, radices, tw, row_weights, column_weights, words, ends, buffer, start,
                      carries, before, 1 if thread == 0 else 0)
        barrier(sync, threads)
