"""Largest rounding error of a full square of random balanced words, by length and radix (docs/word-size.md)."""

import argparse

import numpy as np

from bigconst.arithmetic.memory.transform import Transform
from bigconst.plans.shape import shape_for
from bigconst.runtime.arena import Arena
from bigconst.runtime.threads import Pool


def main() -> None:
    """Print one row a length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=27, help="log2 of the longest length (default 27, 2.3 GB)")
    largest = parser.parse_args().largest
    radices = (10**5, 10**4, 2**16)
    print("log2 N  " + "".join(f"{radix:>12}" for radix in radices))
    with Pool(2) as pool:
        for exponent in range(18, largest + 1):
            shape = shape_for(1 << exponent)
            arena = Arena(shape.data_bytes + 8 * shape.words + (1 << 20))
            data = arena.take(shape.data_bytes // 8)
            words, out = arena.take(shape.words, np.int32), arena.take(shape.words, np.int32)
            transform = Transform(shape, pool)
            errors = []
            for radix in radices:
                words[:] = np.random.default_rng(exponent).integers(0, radix, shape.words, dtype=np.int32)
                transform.forward(words[:-1], radix, data)
                transform.square(data)
                errors.append(transform.inverse(data, out, radix)[1])
            print(f"{exponent:6d}  " + "".join(f"{error:12.5f}" for error in errors), flush=True)


if __name__ == "__main__":
    main()
