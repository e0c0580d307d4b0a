"""Numbers of short ranges of terms, from which binary splitting begins; eight ranges at once, one in each lane.

A term of number k is one number for each of a few names, each a polynomial in k; those of a range of terms are sums of
products of those of its halves (arithmetic.terms).  All of it is done on balanced digits of the radix,

    x = sum d_j B^j,  |d_j| <= B/2,

doubles, lowest first: a sum of 1000 products of digits is exact, and signs need no care.  Digit j of all lanes is the
F8 at 8*j.  A number stands between PAD zeros on either side, which products read.
"""

import numpy as np

from .access import load_f, store_f, store_i
from .jit import helper, kernel
from .shuffles import transpose_f
from .vector import at_least, fma, fnma, lane, rint, splat, to_int

TILE = 6
"""Digits of a product that are computed together: with their factors they fit 16 registers of four doubles."""
PAD = 8
STACK = 128
UNBALANCED = 4
"""Terms after which differences are balanced again."""
LONGEST_STEP = 32
"""Terms that are left out at once: so that binomial coefficients stay small."""


@helper
def most(terms):
    """The largest of eight integers."""
    found = terms[0]
    for i in range(1, 8):
        found = max(found, terms[i])
    return found


@helper
def _carried(x, at, value, carry, b, inverse):
    """Store the digit of value + carry at x[at:]; returns the next carry."""
    value = value + carry
    carry = rint(value * inverse)
    store_f(x, at, fnma(carry, b, value))
    return carry


@helper
def _multiply(x, out, count, pairs, name, left, left_step, left_count, right, right_step, right_count, b, inverse):
    """The `count` digits at x[out:] of the number of this name: sums of products of numbers of the left half, the first
    one at `left`, with those of the right half."""
    carry = splat(0.0)
    for i in range(0, count, TILE):
        s0 = s1 = s2 = s3 = s4 = s5 = splat(0.0)
        for pair in range(pairs.shape[0]):
            if pairs[pair, 0] == name:
                first, last = max(0, i - right_count + 1), min(left_count, i + TILE)
                j = left + pairs[pair, 1] * left_step + 8 * first
                k = right + pairs[pair, 2] * right_step + 8 * (i - first)
                for _ in range(first, last):
                    digit = load_f(x, j)
                    s0 = fma(digit, load_f(x, k), s0)
                    s1 = fma(digit, load_f(x, k + 8), s1)
                    s2 = fma(digit, load_f(x, k + 16), s2)
                    s3 = fma(digit, load_f(x, k + 24), s3)
                    s4 = fma(digit, load_f(x, k + 32), s4)
                    s5 = fma(digit, load_f(x, k + 40), s5)
                    j += 8
                    k -= 8
        at = out + 8 * i
        carry = _carried(x, at, s0, carry, b, inverse)
        carry = _carried(x, at + 8, s1, carry, b, inverse)
        carry = _carried(x, at + 16, s2, carry, b, inverse)
        carry = _carried(x, at + 24, s3, carry, b, inverse)
        carry = _carried(x, at + 32, s4, carry, b, inverse)
        carry = _carried(x, at + 40, s5, carry, b, inverse)


@helper
def _canonical(x, at, sign, carry, b):
    """A canonical digit, and the carry, 0 or -1, into the next one."""
    value = load_f(x, at) * sign + carry
    carry = at_least(value, splat(0.0), splat(0.0), splat(-1.0))
    return fnma(carry, b, value), carry


@helper
def _store_words(words, at, step, count, x, start, digits, signs, signs_at, signs_step, b):
    """`count` canonical words of the magnitude of each lane, `step` words from lane to lane, and its sign, 1 for 0."""
    sign = splat(1.0)
    for i in range(start, start + 8 * digits, 8):
        digit = load_f(x, i)
        sign = at_least(digit, splat(0.5), splat(1.0), at_least(splat(-0.5), digit, splat(-1.0), sign))
    for i in range(8):
        signs[signs_at + i * signs_step] = np.int64(lane(sign, i))
    carry = splat(0.0)
    for i in range(0, count, 8):
        j = start + 8 * i
        d0, carry = _canonical(x, j, sign, carry, b)
        d1, carry = _canonical(x, j + 8, sign, carry, b)
        d2, carry = _canonical(x, j + 16, sign, carry, b)
        d3, carry = _canonical(x, j + 24, sign, carry, b)
        d4, carry = _canonical(x, j + 32, sign, carry, b)
        d5, carry = _canonical(x, j + 40, sign, carry, b)
        d6, carry = _canonical(x, j + 48, sign, carry, b)
        d7, carry = _canonical(x, j + 56, sign, carry, b)
        d0, d1, d2, d3, d4, d5, d6, d7 = transpose_f(d0, d1, d2, d3, d4, d5, d6, d7)
        k = at + i
        store_i(words, k, to_int(d0))
        store_i(words, k + step, to_int(d1))
        store_i(words, k + 2 * step, to_int(d2))
        store_i(words, k + 3 * step, to_int(d3))
        store_i(words, k + 4 * step, to_int(d4))
        store_i(words, k + 5 * step, to_int(d5))
        store_i(words, k + 6 * step, to_int(d6))
        store_i(words, k + 7 * step, to_int(d7))


@kernel("void(f8[::1], i8[::1], i8, i8, i8, i8, i8)")
def listed(table, values, start, stop, lane, digits, radix):
    """The balanced digits of values[start:stop], integers above 0, in a lane of `table`, one after the other."""
    at = lane
    for i in range(start, stop):
        rest = values[i]
        for _ in range(digits):
            carry = (rest + radix // 2) // radix
            table[at] = float(rest - carry * radix)
            rest = carry
            at += 8


@kernel("void(f8[::1], i8[:,::1], i8[::1], f8[::1], i8)")
def leave_out(differences, polynomials, terms, binomials, radix):
    """Advance the polynomials of each lane by so many terms (`short_ranges`); `terms` is changed, `binomials` has room
    for eight for each coefficient of the longest polynomial.

    The i-th difference m terms later is the sum of C(m, j) times the (i+j)-th one.
    """
    b, inverse = splat(float(radix)), splat(1.0 / radix)
    room = 0
    for name in range(polynomials.shape[0]):
        room = max(room, 8 * (polynomials[name, 1] + 1))
    binomials[:8] = 1.0
    while most(terms) > 0:
        for i in range(8):
            m = min(terms[i], LONGEST_STEP)
            terms[i] -= m
            for j in range(8, room, 8):
                binomials[j + i] = binomials[j - 8 + i] * (m - j // 8 + 1) // (j // 8)
        for name in range(polynomials.shape[0]):
            first, degree, size = polynomials[name, 0], polynomials[name, 1], 8 * polynomials[name, 2]
            for i in range(degree):
                carry = splat(0.0)
                for at in range(first + i * size, first + (i + 1) * size, 8):
                    value = load_f(differences, at)
                    for j in range(1, degree - i + 1):
                        value = fma(load_f(binomials, 8 * j), load_f(differences, at + j * size), value)
                    carry = _carried(differences, at, value, carry, b, inverse)


@kernel("void(i4[::1], i8, i8[::1], i8[::1], f8[::1], i8[:,::1], i8[::1], i8[:,::1], f8[::1], i8[:,::1], i8[::1], i8)")
def short_ranges(words, step, counts, signs, differences, polynomials, terms, pairs, x, layout, stack, radix):
    """The numbers of eight ranges of terms.

    words        number i of lane l begins at (l*names + i)*step, a multiple of eight, and has counts[i] words
    signs        set, of number i of lane l at l*names + i
    differences  of the polynomials at the first k of each lane, as balanced digits; changed
    polynomials  (at, degree, digits, is_one) for each name: where its value stands, before its differences, the digits
                 of each, and what it is where a lane has no terms left, 0 or 1; with a degree of -1 the values of all
                 terms stand there, one after the other
    terms        of each lane, 1 at least
    pairs        (name, left name, right name) for each product
    x            numbers of 2^rank terms, between zeros
    layout       (at, digits) for each rank: where the first of two times as many numbers as there are names begins,
                 with (digits + 2*PAD)*8 to the next, and their digits, a multiple of TILE
    stack        STACK integers, for work
    """
    names = polynomials.shape[0]
    b, inverse = splat(float(radix)), splat(1.0 / radix)
    ranks, slots = stack[:STACK // 2], stack[STACK // 2:]
    longest = most(terms)
    depth, done = 0, 0
    while done < longest or depth > 1:
        if done < longest and (depth < 2 or ranks[depth - 1] != ranks[depth - 2]):
            rank = 0
            slot = 1 if depth > 0 and ranks[depth - 1] == 0 else 0
            out = layout[0, 0] + slot * names * (layout[0, 1] + 2 * PAD) * 8
            for name in range(names):
                first, degree, size = polynomials[name, 0], polynomials[name, 1], 8 * polynomials[name, 2]
                if degree < 0:
                    first += done * size
                for i in range(0, size, 8):
                    store_f(x, out + i, load_f(differences, first + i))
                for i in range(8):
                    if done >= terms[i]:
                        for j in range(out + i, out + size, 8):
                            x[j] = 0.0
                        x[out + i] = float(polynomials[name, 3])
                out += (layout[0, 1] + 2 * PAD) * 8
                for i in range(first, first + degree * size, 8):
                    store_f(differences, i, load_f(differences, i) + load_f(differences, i + size))
                if done % UNBALANCED == 0:
                    for at in range(first, first + degree * size, size):
                        carry = splat(0.0)
                        for i in range(at, at + size, 8):
                            carry = _carried(differences, i, load_f(differences, i), carry, b, inverse)
            done += 1
        else:
            depth -= 2
            rank = ranks[depth] + 1
            slot = 1 if depth > 0 and ranks[depth - 1] == rank else 0
            left_count, right_count, count = layout[ranks[depth], 1], layout[ranks[depth + 1], 1], layout[rank, 1]
            left_step, right_step, out_step = (8 * (left_count + 2 * PAD), 8 * (right_count + 2 * PAD),
                                               8 * (count + 2 * PAD))
            left = layout[ranks[depth], 0] + slots[depth] * names * left_step
            right = layout[ranks[depth + 1], 0] + slots[depth + 1] * names * right_step
            for name in range(names):
                _multiply(x, layout[rank, 0] + (slot * names + name) * out_step, count, pairs, name, left, left_step,
                          left_count, right, right_step, right_count, b, inverse)
        ranks[depth], slots[depth] = rank, slot
        depth += 1
    for name in range(names):
        at, digits = layout[ranks[0], 0], layout[ranks[0], 1]
        _store_words(words, name * step, names * step, counts[name], x, at + name * 8 * (digits + 2 * PAD), digits,
                     signs, name, names, b)
