"""Largest rounding error of a full square of random balanced words, by length and radix (docs/word-size.md).

    python benchmarks/roundoff.py [--largest 27] [--json FILE]
"""

import numpy as np
from _common import Column, Report, make_parser

from bigconst.arithmetic.memory.transform import Transform
from bigconst.plans.shape import shape_for
from bigconst.runtime.arena import Arena
from bigconst.runtime.threads import Pool

RADICES = {"10^5": 10**5, "10^4": 10**4, "2^16": 2**16}
SMALLEST = 18
"""log2 of the shortest length"""


def errors(log: int, pool: Pool) -> dict[str, float]:
    """The largest error of a square of 2^log words, by the name of the radix."""
    shape = shape_for(1 << log)
    arena = Arena(shape.data_bytes + 8 * shape.words + (1 << 20))
    data = arena.take(shape.data_bytes // 8)
    words, out = arena.take(shape.words, np.int32), arena.take(shape.words, np.int32)
    transform = Transform(shape, pool)
    found = {}
    for name, radix in RADICES.items():
        words[:] = np.random.default_rng(log).integers(0, radix, shape.words, dtype=np.int32)
        transform.forward(words[:-1], radix, data)
        transform.square(data)
        found[name] = transform.inverse(data, out, radix)[1]
    return found


def main() -> None:
    """Measure, and print one row for each length."""
    parser = make_parser(__doc__)
    parser.add_argument("--largest", type=int, default=27, metavar="LOG",
                        help="log2 of the longest length (default 27, 2.3 GB)")
    arguments = parser.parse_args()
    report = Report("roundoff", arguments)
    section = report.section("roundoff", "largest rounding errors of squares, by radix", [
        Column("log", "log2 N", "d"), *(Column(name, name, ".5f", 8) for name in RADICES)])
    with Pool(2) as pool:
        for log in range(SMALLEST, (SMALLEST if arguments.quick else arguments.largest) + 1):
            section.add(log=log, **errors(log, pool))
    report.close()


if __name__ == "__main__":
    main()
