"""Weights, rounding and carries of words modulo 2^p - 1, in blocks of neighbouring columns.

Crandall and Fagin, "Discrete weighted transforms and large-integer arithmetic", Math. Comp. 62 (1994): word j of N
holds ceil(p(j+1)/N) - ceil(pj/N) bits and is multiplied by the weight 2^(e/N), e = -pj mod N.  Word r*C + c is in row r
and column c of C.  `row_weights` holds e of all rows, then 2^(e/N), then 2^(-e/N); `column_weights` does so for the
columns.  The e of a word is the sum of those of its row and its column, and its weight the product of theirs; where the
sum comes to N or more, N is subtracted from it and the weight is halved.

A block is `height` rows of 8*block doubles, which stand for the columns from c0 on.  There is one carry for each row.
"""

from .access import load_f, store_f
from .jit import helper, kernel
from .vector import at_least, fnma, lane, max_abs, rint, splat, transpose_f


@helper
def _weigh(r, c, height, count, row_weights, column_weights, words):
    """e and the weight 2^(e/N) of word r*count + c; `words` is N."""
    e, w = row_weights[r] + column_weights[c], row_weights[height + r] * column_weights[count + c]
    if e >= words:
        e, w = e - words, 0.5 * w
    return e, w


@helper
def _carry_word(v, carry, error, rows, column_weights, count, c, constants):
    """Column c of 8 rows, one per lane: remove the weights, round, add the carries, split off new ones, weight again.

    Returns the weighted words, the carries out of them, and the running maximum of |x - rint(x)|.
    """
    e, w, w2, i, i2 = rows
    words, rest, small, large, over_small, over_large = constants
    e = e + splat(column_weights[c])
    w = at_least(e, words, w2, w) * splat(column_weights[count + c])
    i = at_least(e, words, i2, i) * splat(column_weights[2 * count + c])
    e = e - at_least(e, words, words, splat(0.0))
    base, over = at_least(e, rest, small, large), at_least(e, rest, over_small, over_large)
    t = v * i
    r = rint(t)
    s = r + carry
    q = rint(s * over)
    return fnma(q, base, s) * w, q, max_abs(error, t - r)


@kernel("void(f8[::1], i8, i8, i8, i8, f8[::1], f8[::1], f8, f8, i8, f8[::1], i8, f8[::1])")
def carry_block(a, height, count, block, c0, row_weights, column_weights, words, rest, bits, carries, co, stats):
    """Round the weighted coefficients in `a` to balanced words and carry along the rows; `a` then holds these weighted.

    count    columns of a row
    words    N
    rest, bits   p mod N and p div N
    carries  from index co on one for each row: the carry into this block, replaced by the one out of it
    stats    stats[0] is updated to the largest |x - rint(x)|; NaN if all x are NaN
    Exact: no fast-math.  Takes 8 x 8 words at a time, lanes being rows: 48 shuffles, 8 times 22 operations.
    """
    half = 8 * block
    constants = (splat(words), splat(rest), splat(2.0**bits), splat(2.0 ** (bits + 1)), splat(2.0**-bits),
                 splat(2.0 ** (-bits - 1)))
    error = splat(0.0)
    for g in range(0, height, 8):
        carry = load_f(carries, co + g)
        w, i = load_f(row_weights, height + g), load_f(row_weights, 2 * height + g)
        rows = (load_f(row_weights, g), w, w * splat(0.5), i, i * splat(2.0))
        for b in range(block):
            o = g * half + 8 * b
            c = c0 + 8 * b
            v0, v1, v2, v3, v4, v5, v6, v7 = transpose_f(
                load_f(a, o), load_f(a, o + half), load_f(a, o + 2 * half), load_f(a, o + 3 * half),
                load_f(a, o + 4 * half), load_f(a, o + 5 * half), load_f(a, o + 6 * half), load_f(a, o + 7 * half))
            v0, carry, error = _carry_word(v0, carry, error, rows, column_weights, count, c, constants)
            v1, carry, error = _carry_word(v1, carry, error, rows, column_weights, count, c + 1, constants)
            v2, carry, error = _carry_word(v2, carry, error, rows, column_weights, count, c + 2, constants)
            v3, carry, error = _carry_word(v3, carry, error, rows, column_weights, count, c + 3, constants)
            v4, carry, error = _carry_word(v4, carry, error, rows, column_weights, count, c + 4, constants)
            v5, carry, error = _carry_word(v5, carry, error, rows, column_weights, count, c + 5, constants)
            v6, carry, error = _carry_word(v6, carry, error, rows, column_weights, count, c + 6, constants)
            v7, carry, error = _carry_word(v7, carry, error, rows, column_weights, count, c + 7, constants)
            v0, v1, v2, v3, v4, v5, v6, v7 = transpose_f(v0, v1, v2, v3, v4, v5, v6, v7)
            store_f(a, o, v0)
            store_f(a, o + half, v1)
            store_f(a, o + 2 * half, v2)
            store_f(a, o + 3 * half, v3)
            store_f(a, o + 4 * half, v4)
            store_f(a, o + 5 * half, v5)
            store_f(a, o + 6 * half, v6)
            store_f(a, o + 7 * half, v7)
        store_f(carries, co + g, carry)
    for i in range(8):
        if not lane(error, i) <= stats[0]:
            stats[0] = lane(error, i)


@kernel("void(f8[::1], i8, i8, i8, i8, f8[::1], f8[::1], f8, f8, i8, f8[::1], i8, i8)")
def enter_carries(a, height, count, block, c0, row_weights, column_weights, words, rest, bits, carries, co, shift):
    """Add the carries that left the preceding columns to the weighted words of a block.

    Row r takes the carry of row r - shift, modulo the height.  Ripples are short: a word is hardly ever at its largest.
    """
    half = 8 * block
    for r in range(height):
        carry = carries[co + (r - shift) % height]
        k = 0
        while carry != 0.0 and k < half:
            e, w = _weigh(r, c0 + k, height, count, row_weights, column_weights, words)
            value = round(a[r * half + k] / w) + carry
            carry = 0.0
            if k < half - 1:        # the last word keeps the carry that reaches it, a unit at most
                base = 2.0**bits if e >= rest else 2.0 ** (bits + 1)
                carry = float(round(value / base))
                value -= carry * base
            a[r * half + k] = value * w
            k += 1


@kernel("void(f8[::1], i4[::1], i8, i8, i8, i8, f8[::1], f8[::1], f8, f8)")
def take_words(a, words, height, count, block, c0, row_weights, column_weights, length, scale):
    """Store the words of a block at their places in `words`; `a` holds them weighted and divided by `scale`.

    `length` is N.
    """
    half = 8 * block
    for r in range(height):
        for k in range(half):
            _, w = _weigh(r, c0 + k, height, count, row_weights, column_weights, length)
            words[r * count + c0 + k] = int(round(a[r * half + k] * scale / w))


@kernel("void(f8[::1], i4[::1], i8, i8, i8, i8, f8[::1], f8[::1], f8)")
def put_words(a, words, height, count, block, c0, row_weights, column_weights, length):
    """Fill a block with its words, weighted; `length` is N."""
    half = 8 * block
    for r in range(height):
        for k in range(half):
            _, w = _weigh(r, c0 + k, height, count, row_weights, column_weights, length)
            a[r * half + k] = words[r * count + c0 + k] * w


@helper
def subtract(a, height, count, block, c0, row_weights, column_weights, words, exponent, amount, bit):
    """Subtract amount * 2^bit from the weighted words, if the word with that bit is in the block; to be followed by the
    carry step."""
    n = int(words)
    j = bit * n // exponent
    c = j % count - c0
    if 0 <= c < 8 * block:
        _, w = _weigh(j // count, j % count, height, count, row_weights, column_weights, words)
        first = -(-exponent * j // n)
        a[j // count * 8 * block + c] -= amount * 2.0 ** (bit - first) * w
