"""Largest rounding errors of squares and sums of products of random balanced words (docs/word-size.md).

    python benchmarks/roundoff.py [--largest 27] [--json FILE]

Squares of operands that fill the transform, by radix; then sums of one and of two products in radix 10^5, whose
operands fill it or half of it.
"""

import numpy as np
from _common import Column, Report, make_parser

from bigconst.arithmetic.memory.transform import Transform
from bigconst.plans.shape import shape_for
from bigconst.runtime.arena import Arena
from bigconst.runtime.threads import Pool

RADICES = {"10^5": 10**5, "10^4": 10**4, "2^16": 2**16}
SUMS = {"product": (1, 1.0), "two": (2, 1.0), "half product": (1, 0.5), "two halves": (2, 0.5)}
"""sums of products: how many, and which part of the transform an operand fills"""
SMALLEST = 18
"""log2 of the shortest length"""


def errors(log: int, pool: Pool) -> dict[str, float]:
    """The largest errors with 2^log words, by the names of columns."""
    shape = shape_for(1 << log)
    arena = Arena(4 * shape.data_bytes + 8 * shape.words + (1 << 20))
    data, *others = (arena.take(shape.data_bytes // 8) for _ in range(4))
    words, out = arena.take(shape.words, np.int32), arena.take(shape.words, np.int32)
    transform = Transform(shape, pool)
    found = {}
    for name, radix in RADICES.items():
        words[:] = np.random.default_rng(log).integers(0, radix, shape.words, dtype=np.int32)
        transform.forward(words[:-1], radix, data)
        transform.square(data)
        found[name] = transform.inverse(data, out, radix)[1]
    for name, (count, length) in SUMS.items():
        rng = np.random.default_rng(log)
        for room in (data, *others[:2 * count - 1]):
            words[:] = rng.integers(0, 10**5, shape.words, dtype=np.int32)
            transform.forward(words[:int(length * shape.words) - 1], 10**5, room)
            if room is not data:
                transform.spectrum(room)
        if count == 2:
            transform.multiply_spectra(others[1], others[1], others[2], 1, False)
        transform.multiply(data, others[0], others[1] if count == 2 else None)
        found[name] = transform.inverse(data, out, 10**5)[1]
    return found


def main() -> None:
    """Measure, and print one row for each length."""
    parser = make_parser(__doc__)
    parser.add_argument("--largest", type=int, default=27, metavar="LOG",
                        help="log2 of the longest length (default 27, 2.3 GB)")
    arguments = parser.parse_args()
    report = Report("roundoff", arguments)
    section = report.section("roundoff", "largest rounding errors", [
        Column("log", "log2 N", "d"), *(Column(name, name, ".5f", 12) for name in (*RADICES, *SUMS))])
    with Pool(2) as pool:
        for log in range(SMALLEST, (SMALLEST if arguments.quick else arguments.largest) + 1):
            section.add(log=log, **errors(log, pool))
    report.close()


if __name__ == "__main__":
    main()
