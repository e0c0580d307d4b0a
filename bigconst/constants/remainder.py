"""The integer r of a certificate: one squaring modulo B^N + 1 of the digits as one integer P."""

from collections.abc import Callable

import numpy as np
import xxhash

from bigconst.arithmetic.memory.products import Products, Term
from bigconst.arithmetic.packed import write_packed
from bigconst.arithmetic.words import Words
from bigconst.base.constant import Root
from bigconst.base.errors import FaultError
from bigconst.base.formats import remainder_words
from bigconst.kernels.linear import compare
from bigconst.plans.certificate import Header
from bigconst.plans.shape import Shape
from bigconst.runtime.arena import Arena


def remainder(products: Products, root: Root, digits: int, p_words: np.ndarray, p_residue: int,
              shape: Shape, arena: Arena, scratch: Callable[[], np.ndarray]) -> tuple[np.ndarray, int] | None:
    """r as remainder_words(base, digits) words, and its residue; None when r is not between its bounds.

    r lies in the array of `scratch` or in the part of the arena that is taken next.

    p_words  P, in as many words as r; overwritten for phi
    shape    of a transform with at least two words more
    scratch  called after the squaring, returns an array of as many words
    For a root r = d*b^(2n) - z^2 with z = P, and r <= 2P; for phi r = (5*b^(2n) - z^2)/4 with
    z = 2P - b^n, and r <= z.  Raises FaultError when z^2 - d*b^(2n) is not short: the digits are
    far from right, or the hardware has erred.
    """
    words: Words = products.words
    fmt, p = words.format, words.modulus.p
    length = remainder_words(fmt.base, digits)
    at, rest = divmod(digits, fmt.digits)
    z, z_residue = p_words, p_residue
    if root.kind == "phi":
        words.multiply_small(z, p_words, 2)
        words.add_at(z, at, -fmt.base**rest)
        z_residue = (2 * p_residue - words.power(at) * fmt.base**rest) % p
    at, rest = divmod(2 * digits, fmt.digits)
    mark = arena.mark()
    out = arena.take(shape.words, np.int32)
    work = arena.take(shape.data_bytes // 8)
    taken = root.d * fmt.base**rest

    def verify(top: int) -> tuple[int, int] | None:
        sign = words.sign_magnitude(out, top + words.add_wrapped(out, None, at, -taken))
        residue = words.residue(out[:length])
        holds = (z_residue * z_residue - sign * residue - taken * words.power(at)) % p == 0
        return (sign, residue) if holds and not out[length:].any() else None

    sign, residue = products.sum_of_products(out, [Term(z, z, work)], shape, "certificate", verify)
    arena.release(mark)
    r, other = out[:length], scratch()
    if sign > 0 and r.any():
        return None
    if root.kind == "phi":
        words.shift_bits(other, r, 2)
        r, bound, residue = other, z, residue * pow(4, -1, p) % p
    else:
        words.multiply_small(other, p_words, 2)
        bound = other
    return (r, residue) if compare(r, bound) <= 0 else None


def write_certificate(words: Words, header: Header, read: Callable[[int, int], np.ndarray], r_residue: int,
                      file) -> None:
    """Write header and packed r to `file`, whose write_at takes pieces in any order.

    read(start, stop) returns words start .. stop-1 of r.  Raises FaultError when their residue is not `r_residue`.
    """
    hasher = xxhash.xxh3_128(header.encode())
    if write_packed(words, remainder_words(header.base, header.digits), read, file, hasher) != r_residue:
        #: As for "a number in memory holds a word out of range".
        raise FaultError("r changed in memory")
    file.write_at(0, memoryview(header.encode(hasher.hexdigest())))
