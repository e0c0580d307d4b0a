"""Weights, rounding and carries of words modulo 2^p - 1, in blocks of neighbouring columns.

Crandall and Fagin, "Discrete weighted transforms and large-integer arithmetic", Math. Comp. 62 (1994): word j of N
holds ceil(p(j+1)/N) - ceil(pj/N) bits and is multiplied by the weight 2^(e/N), e = -pj mod N.  Word r*C + c is in row r
and column c of C.  `row_weights` holds e of all rows, then 2^(e/N), then 2^(-e/N); `column_weights` does so for the
columns.  The e of a word is the sum of those of its row and its column, and its weight the product of theirs; where the
sum comes to N or more, N is subtracted from it and the weight is halved.

A block is `height` rows of 8*block doubles, which stand for the columns from c0 on.  There is one carry for each row.
Carries, like weights of rows, are in the order in which eight lanes take them: rows i, i + m, ... i + 7m follow each
other, m = height/8, i = 0 .. m-1.
"""

from math import cos, nan, pi, sin

from .access import keep_largest, load_f, load_i, load_z, prefetch, splat_at, store_f, store_i, store_z
from .jit import helper, kernel
from .realcolumns import fold_place, real8, real8_back
from .shuffles import transpose_f
from .vector import at_least, fma, fnma, lane, max_abs, max_number, pinned, rint, splat, to_float, to_int

MAGIC = 1.5 * 2.0**52
"""x + MAGIC - MAGIC is the integer nearest to x, ties to even, for |x| < 2^51."""
MAX_CARRY = 2.0**50
"""Carries are below this one, whatever the words; those of a row in which some x is no number are none either."""


@helper
def _row_vectors(row_weights, carries, co, at, height, words, rest):
    """What is needed of eight rows: what e of a column must be at least for the sum to come to N, and for a small word
    where it does not; weights, inverse weights; and the carries."""
    e = load_f(row_weights, at)
    return ((splat(words) - e, splat(rest) - e, load_f(row_weights, height + at),
             load_f(row_weights, 2 * height + at)), load_f(carries, co + at))


@helper
def _carry_word(v, carry, error, rows, column_weights, count, c, constants):
    """Column c of 8 rows, one per lane: remove the weights, round, add the carries, split off new ones, weight again.

    Returns the weighted words, the carries out of them, and the running maximum of |x - rint(x)|.
    """
    wraps, is_small, w, i = rows
    words, small, large, over_small, over_large = constants
    e = splat_at(column_weights, c)
    is_small = at_least(e, wraps, is_small + words, is_small)
    base, over = at_least(e, is_small, small, large), at_least(e, is_small, over_small, over_large)
    w, i = w * splat_at(column_weights, count + c), i * splat_at(column_weights, 2 * count + c)
    w, i = at_least(e, wraps, w * splat(0.5), w), at_least(e, wraps, i + i, i)
    t = fma(v, i, carry)
    s = rint(t)
    q = fma(s, over, splat(MAGIC)) - splat(MAGIC)
    return pinned((fnma(q, base, s) * w, q, max_number(error, t - s)))


@helper
def _leave(carries, at, carry, peak):
    """Store the carries out of eight rows; returns the running maximum of their magnitudes, which a NaN exceeds."""
    store_f(carries, at, carry)
    return max_abs(peak, carry)


@helper
def _words_of(a, z, o, at, w, step):
    """8 x 8 words, a column in each vector, from where `_put` puts them."""
    x0, x1, x2, x3, x4, x5, x6, x7 = real8_back(load_f(a, o), load_f(z, at), load_z(z, w), load_z(z, w + step),
                                                load_z(z, w + 2 * step))
    return transpose_f(x0, x1, x2, x3, x4, x5, x6, x7)


@helper
def _put(a, z, o, at, w, step, is_whole, held, out, to, up, v0, v1, v2, v3, v4, v5, v6, v7):
    """Store 8 x 8 words, a column in each vector: with `held` their rows, `up` doubles apart, from `to` on in `out`;
    else what the first real level makes of them, in a and z.  `is_whole`: residues modulo Y^m + 1 are not folded."""
    v0, v1, v2, v3, v4, v5, v6, v7 = transpose_f(v0, v1, v2, v3, v4, v5, v6, v7)
    if held:
        store_f(out, to, v0)
        store_f(out, to + up, v1)
        store_f(out, to + 2 * up, v2)
        store_f(out, to + 3 * up, v3)
        store_f(out, to + 4 * up, v4)
        store_f(out, to + 5 * up, v5)
        store_f(out, to + 6 * up, v6)
        store_f(out, to + 7 * up, v7)
        return
    y0, y4, z1, z2, z3 = real8(v0, v1, v2, v3, v4, v5, v6, v7)
    store_f(a, o, y0)
    store_f(z, at, y4)
    if is_whole:
        store_f(z, at + 8, splat(0.0))
    store_z(z, w, z1)
    store_z(z, w + step, z2)
    store_z(z, w + 2 * step, z3)


@kernel("void(f8[::1], f8[::1], i8, i8, i8, i8, f8[::1], f8[::1], f8, f8, i8, f8[::1], i8, f8[::1], b1, f8[::1],"
        "f8[::1], i8, i8, i8)")
def carry_block(a, z, height, count, block, c0, row_weights, column_weights, words, rest, bits, carries, co, stats,
                held, out, x, stride, rows, ahead):
    """Join the first real level of a block (realcolumns), round to balanced words, carry along the rows, and split the
    weighted words again; or with `held` store them.

    a, z     as `block_inverse` leaves them for top = height/8; then as `block_forward` takes them
    count    columns of a row
    words    N
    rest, bits   p mod N and p div N
    carries  from index co on one for each row: the carry into this block, replaced by the one out of it
    stats    stats[0] is updated to the largest |x - rint(x)|; NaN where some x is no number or too large
    out      height rows of 8*block doubles, for `held` words; may be a
    x, stride, rows, ahead   doubles ahead .. ahead+16*block-1 of all rows of x are fetched into the second-level cache
                             meanwhile, those of the next block, if ahead >= 0
    Exact: no fast-math.  Takes 8 x 8 words at a time, lanes being rows i + k*m, k = 0..7, and two of them in turns,
    since each word waits for the carry of the one before: 48 shuffles, 8 times 18 operations, 44 of `real8` and back.
    """
    half, line, m = 8 * block, 16 * block, height // 8
    pairs, step, up = m // 2, m * line, m * half
    constants = (splat(words), splat(2.0**bits), splat(2.0 ** (bits + 1)), splat(2.0**-bits),
                 splat(2.0 ** (-bits - 1)))
    error, peak = splat(0.0), splat(0.0)
    fetched = -(-rows // max(1, pairs * block)) if ahead >= 0 else 0
    for i in range(pairs):
        n = i + pairs
        here, carry = _row_vectors(row_weights, carries, co, 8 * i, height, words, rest)
        there, carry2 = _row_vectors(row_weights, carries, co, 8 * n, height, words, rest)
        fold, fold2 = fold_place(i, m, line), fold_place(n, m, line)
        for b in range(block):
            for r in range(fetched * (i * block + b), min(rows, fetched * (i * block + b + 1))):
                for k in range(0, line, 8):
                    prefetch(x, ahead + r * stride + k)
            c = c0 + 8 * b
            o, w, at = i * half + 8 * b, i * line + 16 * b, fold + 16 * b
            o2, w2, at2 = n * half + 8 * b, n * line + 16 * b, fold2 + 16 * b
            v0, v1, v2, v3, v4, v5, v6, v7 = _words_of(a, z, o, at, w, step)
            u0, u1, u2, u3, u4, u5, u6, u7 = _words_of(a, z, o2, at2, w2, step)
            v0, carry, error = _carry_word(v0, carry, error, here, column_weights, count, c, constants)
            u0, carry2, error = _carry_word(u0, carry2, error, there, column_weights, count, c, constants)
            v1, carry, error = _carry_word(v1, carry, error, here, column_weights, count, c + 1, constants)
            u1, carry2, error = _carry_word(u1, carry2, error, there, column_weights, count, c + 1, constants)
            v2, carry, error = _carry_word(v2, carry, error, here, column_weights, count, c + 2, constants)
            u2, carry2, error = _carry_word(u2, carry2, error, there, column_weights, count, c + 2, constants)
            v3, carry, error = _carry_word(v3, carry, error, here, column_weights, count, c + 3, constants)
            u3, carry2, error = _carry_word(u3, carry2, error, there, column_weights, count, c + 3, constants)
            v4, carry, error = _carry_word(v4, carry, error, here, column_weights, count, c + 4, constants)
            u4, carry2, error = _carry_word(u4, carry2, error, there, column_weights, count, c + 4, constants)
            v5, carry, error = _carry_word(v5, carry, error, here, column_weights, count, c + 5, constants)
            u5, carry2, error = _carry_word(u5, carry2, error, there, column_weights, count, c + 5, constants)
            v6, carry, error = _carry_word(v6, carry, error, here, column_weights, count, c + 6, constants)
            u6, carry2, error = _carry_word(u6, carry2, error, there, column_weights, count, c + 6, constants)
            v7, carry, error = _carry_word(v7, carry, error, here, column_weights, count, c + 7, constants)
            u7, carry2, error = _carry_word(u7, carry2, error, there, column_weights, count, c + 7, constants)
            _put(a, z, o, at, w, step, m % 2 == 1, held, out, o, up, v0, v1, v2, v3, v4, v5, v6, v7)
            _put(a, z, o2, at2, w2, step, m % 2 == 1, held, out, o2, up, u0, u1, u2, u3, u4, u5, u6, u7)
        peak = _leave(carries, co + 8 * i, carry, _leave(carries, co + 8 * n, carry2, peak))
    for i in range(2 * pairs, m):
        here, carry = _row_vectors(row_weights, carries, co, 8 * i, height, words, rest)
        for b in range(block):
            c = c0 + 8 * b
            o, w, at = i * half + 8 * b, i * line + 16 * b, fold_place(i, m, line) + 16 * b
            v0, v1, v2, v3, v4, v5, v6, v7 = _words_of(a, z, o, at, w, step)
            v0, carry, error = _carry_word(v0, carry, error, here, column_weights, count, c, constants)
            v1, carry, error = _carry_word(v1, carry, error, here, column_weights, count, c + 1, constants)
            v2, carry, error = _carry_word(v2, carry, error, here, column_weights, count, c + 2, constants)
            v3, carry, error = _carry_word(v3, carry, error, here, column_weights, count, c + 3, constants)
            v4, carry, error = _carry_word(v4, carry, error, here, column_weights, count, c + 4, constants)
            v5, carry, error = _carry_word(v5, carry, error, here, column_weights, count, c + 5, constants)
            v6, carry, error = _carry_word(v6, carry, error, here, column_weights, count, c + 6, constants)
            v7, carry, error = _carry_word(v7, carry, error, here, column_weights, count, c + 7, constants)
            _put(a, z, o, at, w, step, True, held, out, o, up, v0, v1, v2, v3, v4, v5, v6, v7)
        peak = _leave(carries, co + 8 * i, carry, peak)
    keep_largest(stats, 0, error)
    for i in range(8):
        if not lane(peak, i) < MAX_CARRY:
            stats[0] = nan


@helper
def _row(at, height):
    """The row whose weight is in place `at`."""
    return at // 8 + at % 8 * (height // 8)


@helper
def _weigh(at, c, height, count, row_weights, column_weights, words):
    """e and the weight 2^(e/N) of the word in column c of a row whose weight is in place `at`; `words` is N."""
    e, w = row_weights[at] + column_weights[c], row_weights[height + at] * column_weights[count + c]
    if e >= words:
        e, w = e - words, 0.5 * w
    return e, w


@kernel("void(f8[::1], i8, i8, i8, i8, f8[::1], f8[::1], f8, f8, i8, f8[::1], i8, i8)")
def enter_carries(a, height, count, block, c0, row_weights, column_weights, words, rest, bits, carries, co, up):
    """Add the carries that left the preceding columns to the weighted words of a block.

    Row r takes the carry of row r - `up` (0 or 1), modulo the height.  Ripples are short: a word is hardly ever at its
    largest.
    """
    half, m = 8 * block, height // 8
    for at in range(height):
        r, before = _row(at, height), at
        if up:
            before = at - 8 if at >= 8 else 8 * (m - 1) + (at - 1) % 8
        carry = carries[co + before]
        k = 0
        while carry != 0.0 and k < half:
            e, w = _weigh(at, c0 + k, height, count, row_weights, column_weights, words)
            value = round(a[r * half + k] / w) + carry
            carry = 0.0
            if k < half - 1:        # the last word keeps the carry that reaches it, a unit at most
                base = 2.0**bits if e >= rest else 2.0 ** (bits + 1)
                carry = float(round(value / base))
                value -= carry * base
            a[r * half + k] = value * w
            k += 1


@helper
def _eight_weights(at, c, power, height, count, row_weights, column_weights, words):
    """Weights of columns c .. c+7 of a row whose weight is in place `at`, or with power -1 their inverse."""
    part = 1 if power > 0 else 2
    e = splat_at(row_weights, at) + load_f(column_weights, c)
    w = splat_at(row_weights, part * height + at) * load_f(column_weights, part * count + c)
    return at_least(e, splat(words), w * splat(0.5 if power > 0 else 2.0), w)


@kernel("void(f8[::1], i4[::1], i8, i8, i8, i8, f8[::1], f8[::1], f8, f8)")
def take_words(a, words, height, count, block, c0, row_weights, column_weights, length, scale):
    """Store the words of a block at their places in `words`; `a` holds them weighted and divided by `scale`.

    `length` is N.
    """
    for at in range(height):
        r = _row(at, height)
        for k in range(0, 8 * block, 8):
            i = _eight_weights(at, c0 + k, -1, height, count, row_weights, column_weights, length)
            store_i(words, r * count + c0 + k, to_int(rint(load_f(a, r * 8 * block + k) * splat(scale) * i)))


@kernel("void(f8[::1], i4[::1], i8, i8, i8, i8, f8[::1], f8[::1], f8)")
def put_words(a, words, height, count, block, c0, row_weights, column_weights, length):
    """Fill a block with its words, weighted; `length` is N."""
    for at in range(height):
        r = _row(at, height)
        for k in range(0, 8 * block, 8):
            w = _eight_weights(at, c0 + k, 1, height, count, row_weights, column_weights, length)
            store_f(a, r * 8 * block + k, to_float(load_i(words, r * count + c0 + k)) * w)


@helper
def subtract(a, z, height, count, block, c0, row_weights, column_weights, words, exponent, amount, bit):
    """Subtract amount * 2^bit, if the word with that bit is in the block, from what `carry_block` takes: an eighth of
    the word's residues (`real8`), twice that where conjugates are left out."""
    n = int(words)
    j = bit * n // exponent
    c = j % count - c0
    if 0 <= c < 8 * block:
        r, m, line, first = j // count, height // 8, 16 * block, -(-exponent * j // n)
        i, k = r % m, r // m
        _, w = _weigh(8 * i + k, j % count, height, count, row_weights, column_weights, words)
        eighth = 0.125 * amount * 2.0 ** (bit - first) * w
        at = c // 8 * 16 + c % 8
        a[i * 8 * block + c] -= eighth
        z[fold_place(i, m, line) + at] -= eighth if k % 2 == 0 else -eighth
        for t in range(3):
            angle = 0.25 * pi * ((t + 1) * k % 8)
            z[(t * m + i) * line + at] -= 2.0 * eighth * cos(angle)
            z[(t * m + i) * line + at + 8] -= 2.0 * eighth * sin(angle)
