"""Speed of the word kernels on one core: text, packing, residues, carry arithmetic.

    python benchmarks/words.py [--words N] [--seconds S] [--json FILE]

Rates count the bytes named in the table (text, packed limbs or int32 words of
the number), not the traffic; the best of all repetitions is shown, the JSON
file has all of them.  With few words the data stay in cache, with 1e8 they do not.
"""

import time

import numpy as np
import xxhash
from _common import Column, Report, make_parser

from bigconst.arithmetic.residues import Modulus, random_prime, residues_text, residues_words
from bigconst.base.units import parse_count
from bigconst.kernels import linear, pack, text
from bigconst.kernels.checksum import checksum

BASES = {10: 10**5, 16: 2**16}
REGROUP = {10: [(5, 4), (4, 5), (5, 3), (3, 5)], 16: [(4, 3), (3, 4)]}


def cases(words: int, base: int):
    """(name, what is counted, bytes, function) of every kernel, for numbers of `words` words."""
    radix = BASES[base]
    rng = np.random.default_rng(1)
    a, b = (rng.integers(0, radix, words, dtype=np.int32) for _ in range(2))
    same, out = a.copy(), np.ones(words, np.int32)
    page = np.ones(text.CHARACTERS[base] * words, np.uint8)
    limbs = np.ones(pack.packed_limbs(words, radix), np.uint64)
    text.write_text(page, a, base)
    pack.pack(limbs, a, radix)
    three = [Modulus(random_prime()) for _ in range(3)]
    one = three[:1]
    size = a.nbytes
    yield "write_text", "text", page.nbytes, lambda: text.write_text(page, a, base)
    yield "read_text", "text", page.nbytes, lambda: text.read_text(out, page, base)
    yield "pack", "packed", limbs.nbytes, lambda: pack.pack(limbs, a, radix)
    yield "unpack", "packed", limbs.nbytes, lambda: pack.unpack(out, limbs, radix)
    yield "checksum of scratch", "words", size, lambda: checksum(a)
    yield "xxh3, its peer", "words", size, lambda: xxhash.xxh3_64_intdigest(a)
    yield "residue of words, 1 prime", "words", size, lambda: residues_words(one, a, radix)
    yield "residue of words, 3 primes", "words", size, lambda: residues_words(three, a, radix)
    yield "residue of text, 1 prime", "text", page.nbytes, lambda: residues_text(one, page, base)
    yield "residue of text, 3 primes", "text", page.nbytes, lambda: residues_text(three, page, base)
    yield "add_multiple", "words", size, lambda: linear.add_multiple(out, b, -1, 0, radix)
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
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--words", type=parse_count, default=2**16, metavar="N",
                        help="words of a number (default 65536, which stay in cache)")
    parser.add_argument("--seconds", type=float, default=0.1, metavar="S",
                        help="least time for each kernel (default 0.1)")
    arguments = parser.parse_args()
    words, least_s = (2**12, 0.001) if arguments.quick else (arguments.words, arguments.seconds)
    report = Report("words", arguments)
    section = report.section("words", f"{words:,} words, one core", [
        Column("kernel", "kernel", "", 28), Column("base", "base", "d"), Column("gb_per_s", "GB/s", ".2f", 7),
        Column("counted", "of", "", 7), Column("mwords_per_s", "Mwords/s", ".0f")])
    for base in BASES:
        for name, counted, size_bytes, function in cases(words, base):
            times = measure(function, least_s)
            best = min(times)
            section.add(kernel=name, base=base, words=words, counted=counted, bytes=size_bytes,
                        gb_per_s=size_bytes / best / 1e9, mwords_per_s=words / best / 1e6, times_s=times)
    report.close()


if __name__ == "__main__":
    main()
