"""The words of a finished number as digit text, written piece by piece and checked on the way out."""

import threading

import numpy as np

from bigconst.arithmetic.root import guard_value
from bigconst.arithmetic.words import Words
from bigconst.errors import FaultError
from bigconst.kernels.text import write_text
from bigconst.plan import Plan
from bigconst.runtime.threads import split

PIECE_WORDS = 400_000
"""Words of a piece: 2 MB of decimal text."""


def write_digits(plan: Plan, words: Words, x: np.ndarray, x_residue: int, text) -> tuple[str, int]:
    """Write integer part, point, digits and newline by text.write_at(offset, bytes).

    x is as `root_words` returns it.  Returns the last 100 digits (fewer if there
    are fewer) and the digit hash floor(value * base^digits) modulo 2^61 - 1,
    which is taken from the characters themselves and has to agree with the
    residue that the computation carried along.
    """
    fmt, p = plan.format, words.modulus.p
    head = plan.integer_part.encode() + b"."
    if int(x[plan.words]) != int(plan.integer_part, plan.base):
        raise FaultError("the integer part is wrong")
    text.write_at(0, memoryview(head))
    count = plan.text_words
    fraction = x[plan.words - count:plan.words]
    spare = count * fmt.digits - plan.digits
    pieces = split(count, -(-count // PIECE_WORDS))
    residues = [0] * len(pieces)
    tail = {}
    local = threading.local()

    def task(index: int, start: int, stop: int) -> None:
        """Words start..stop-1 counted from the point."""
        buffer = getattr(local, "buffer", None)
        if buffer is None:
            buffer = local.buffer = np.empty(fmt.digits * (PIECE_WORDS + 1), dtype=np.uint8)
        size = (stop - start) * fmt.digits
        write_text(buffer[:size], fraction[count - stop:count - start], fmt.base)
        if stop == count:
            size -= spare
            tail["digits"] = bytes(buffer[max(0, size - 100):size])
        piece = buffer[:size]
        residues[index] = words.modulus.residue_text(piece, fmt.base)
        text.write_at(len(head) + start * fmt.digits, memoryview(piece))

    words.pool.run(task, [(i, a, b) for i, (a, b) in enumerate(pieces)])
    text.write_at(len(head) + plan.digits, memoryview(b"\n"))
    value = int(plan.integer_part, plan.base) * pow(plan.base, plan.digits, p)
    for residue, (_, stop) in zip(residues, pieces, strict=True):
        value += residue * pow(plan.base, max(0, plan.digits - stop * fmt.digits), p)
    guard, size = guard_value(plan, words, x)
    if (value * size + guard - x_residue) % p != 0:
        raise FaultError("the text does not have the residue of the number")
    return tail["digits"].decode(), value % p
