"""The integer r of a certificate: one squaring modulo B^N + 1 of the digits as one integer P."""

from collections.abc import Callable, Sequence

import numpy as np
import xxhash

from bigconst.arithmetic.memory.machine import MemoryMachine, MemoryNumber
from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.packed import write_packed
from bigconst.arithmetic.planner import PlannedNumber, memory_trace
from bigconst.arithmetic.words import Words
from bigconst.base.constant import Root
from bigconst.base.errors import FaultError
from bigconst.base.formats import HEADER_BYTES, packed_bytes
from bigconst.kernels.linear import compare
from bigconst.plans.certificate import Header
from bigconst.runtime.arena import Arena


def remainder(products: Products, root: Root, digits: int, p_words: np.ndarray,
              p_residue: int) -> tuple[np.ndarray, int] | None:
    """r in as many words as P, and its residue; None when r is not between its bounds.

    p_words  P, in as many words as r; overwritten for phi
    For a root r = d*b^(2n) - z^2 with z = P, and r <= 2P; for phi r = (5*b^(2n) - z^2)/4 with
    z = 2P - b^n, and r <= z.  Raises FaultError when z^2 - d*b^(2n) is not short: the digits are
    far from right, or the hardware has erred.
    """
    words: Words = products.words
    fmt, p = words.format, words.modulus.p
    z, z_residue = p_words, p_residue
    if root.kind == "phi":
        at, rest = divmod(digits, fmt.digits)
        words.multiply_small(z, p_words, 2)
        words.add_at(z, at, -fmt.base**rest)
        z_residue = (2 * p_residue - words.power(at) * fmt.base**rest) % p
    at, rest = divmod(2 * digits, fmt.digits)
    lengths = len(z), root.d * fmt.base**rest, at
    trace = memory_trace(fmt.base, residual, PlannedNumber("z", len(z)), *lengths)
    machine = MemoryMachine(trace, products, Arena(trace.memory_bytes), lambda event: None)
    found = machine.run(residual, MemoryNumber("z", z, 1, z_residue, words), *lengths)
    if found.is_positive:
        return None
    other = np.empty_like(z)
    if root.kind == "phi":
        words.shift_bits(other, found.words, 2)
        r, bound, residue = other, z, found.residue * pow(4, -1, p) % p
    else:
        words.multiply_small(other, p_words, 2)
        r, bound, residue = found.words, other, found.residue
    return (r, residue) if compare(r, bound) <= 0 else None


def residual(machine, z, length: int, taken: int, at: int):
    """z^2 - taken*B^at, which needs no more than `length` words."""
    with machine.stage("certificate"):
        return machine.products("r", [(z, z)], length, plus=[(-taken, None, at)])


def write_certificate(words: Words, header: Header, numbers: Sequence[tuple[Callable[[int, int], np.ndarray], int]],
                      file) -> None:
    """Write header and packed numbers to `file`, whose write_at takes pieces in any order.

    Of each number of the header, read(start, stop) returns words start .. stop-1.  Raises FaultError when they do not
    have the residue that is given with it.
    """
    hasher, offset = xxhash.xxh3_128(header.encode()), HEADER_BYTES
    for packed, (read, residue) in zip(header.numbers, numbers, strict=True):
        length = packed.words(header.base)
        if write_packed(words, length, read, file, hasher, offset) != residue:
            #: As for "a number in memory holds a word out of range".
            raise FaultError("a number of the certificate changed in memory")
        offset += packed_bytes(length, header.base)
    file.write_at(0, memoryview(header.encode(hasher.hexdigest())))
