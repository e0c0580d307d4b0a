"""Speed of the word kernels on one core: text, packing, residues, carry arithmetic.

    python benchmarks/words.py [--words N] [--seconds S] [--json FILE]

Rates count the bytes named in the table (text, packed limbs or int32 words of
the number), not the traffic; the best of all repetitions is shown, the JSON
file has all of them.  With few words the data stay in cache, with 1e8 they do not.
"""

import argparse
import json
import platform
import time

import numpy as np

from bigconst.kernels import linear, pack, residue, text

BASES = {10: 10**5, 16: 2**16}
REGROUP = {10: [(5, 4), (4, 5), (5, 3), (3, 5)], 16: [(4, 3), (3, 4)]}


def cases(words: int, base: int):
    """(name, what is counted, bytes, function) of every kernel."""
    radix = BASES[base]
    rng = np.random.default_rng(1)
    a, b = (rng.integers(0, radix, words, dtype=np.int32) for _ in range(2))
    same, out = a.copy(), np.ones(words, np.int32)
    page = np.ones(text.CHARACTERS[base] * words, np.uint8)
    limbs = np.ones(pack.packed_limbs(words, radix), np.uint64)
    text.write_text(page, a, base)
    pack.pack(limbs, a, radix)
    one = [residue.Modulus(residue.random_prime())]
    three = [residue.Modulus(residue.random_prime()) for _ in range(3)]
    size = a.nbytes
    yield "write_text", "text", page.nbytes, lambda: text.write_text(page, a, base)
    yield "read_text", "text", page.nbytes, lambda: text.read_text(out, page, base)
    yield "pack", "packed", limbs.nbytes, lambda: pack.pack(limbs, a, radix)
    yield "unpack", "packed", limbs.nbytes, lambda: pack.unpack(out, limbs, radix)
    yield "residue of words, 1 prime", "words", size, lambda: residue.residues_words(one, a, radix)
    yield "residue of words, 3 primes", "words", size, lambda: residue.residues_words(three, a, radix)
    yield "residue of text, 1 prime", "text", page.nbytes, lambda: residue.residues_text(one, page, base)
    yield "residue of text, 3 primes", "text", page.nbytes, lambda: residue.residues_text(three, page, base)
    yield "subtract", "words", size, lambda: linear.subtract(out, a, b, 0, radix)
    yield "multiply_small by 5", "words", size, lambda: linear.multiply_small(out, a, 5, 0, radix)
    yield "multiply_small", "words", size, lambda: linear.multiply_small(out, a, 123_456_789, 0, radix)
    yield "divide_small", "words", size, lambda: linear.divide_small(out, a, 123_456_789, 0, radix)
    yield "shift_down", "words", size, lambda: linear.shift_down(out, a, 0, 3, radix)
    yield "compare, equal", "words", size, lambda: linear.compare(a, same)
    for src_digits, dst_digits in REGROUP[base]:
        src = rng.integers(0, base**src_digits, words, dtype=np.int32)
        dst = np.ones(-(-words * src_digits // dst_digits), np.int32)
        yield (f"regroup {src_digits} to {dst_digits}", "words", size,
               lambda d=dst, s=src, x=src_digits, y=dst_digits: linear.regroup(d, s, x, y, base))


def measure(function, seconds: float) -> list[float]:
    """Seconds of each repetition, at least five, after one that is not counted."""
    function()
    times: list[float] = []
    while len(times) < 5 or sum(times) < seconds:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=float, default=2**16, help="words of a number (default: 65536, stays in cache)")
    parser.add_argument("--seconds", type=float, default=0.1, help="time for each kernel (default: 0.1)")
    parser.add_argument("--json", metavar="FILE", help="write all timings to FILE")
    arguments = parser.parse_args()
    words = int(arguments.words)

    rows = []
    print(f"{words:,} words, one core\n")
    print(f"{'kernel':<28} {'base':>4}  {'GB/s':>7}  {'of':<7} {'Mwords/s':>9}")
    for base in BASES:
        for name, counted, size_bytes, function in cases(words, base):
            times = measure(function, arguments.seconds)
            best = min(times)
            print(f"{name:<28} {base:>4}  {size_bytes / best / 1e9:7.2f}  {counted:<7} {words / best / 1e6:9.0f}")
            rows.append({"kernel": name, "base": base, "words": words, "counted": counted, "bytes": size_bytes,
                         "gb_per_s": size_bytes / best / 1e9, "times_s": times})
    if arguments.json:
        host = {"machine": platform.machine(), "python": platform.python_version()}
        with open(arguments.json, "w") as file:
            json.dump({**host, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
