"""Measurements of processors and memory with the code of a run, on numbers of many sizes."""

import contextlib
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import numpy as np
import xxhash
from gmpy2 import jacobi, mpz, mpz_random, random_state

from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.memory.squarer import Squarer
from bigconst.arithmetic.memory.transform import Transform
from bigconst.arithmetic.packed import write_packed
from bigconst.arithmetic.residues import Prefixes, residues_text, residues_words
from bigconst.arithmetic.words import Words
from bigconst.base.errors import FaultError
from bigconst.base.formats import WORDS, packed_bytes
from bigconst.base.hardware import available_memory_bytes, default_threads, processor, total_memory_bytes
from bigconst.base.starting import executor, starting
from bigconst.base.version import __version__
from bigconst.bench.measureslabs import measure_slabs, measure_sums
from bigconst.bench.measureterms import measure_terms
from bigconst.bench.turns import Turns, overlap_loss, timed
from bigconst.constants.digits import write_digits
from bigconst.constants.golden import PHI
from bigconst.constants.planning import bounds_of, make_plan
from bigconst.estimates.speeds import HostFacts, Speeds
from bigconst.kernels.checksum import checksum
from bigconst.kernels.pack import is_packed, pack, packed_limbs, unpack
from bigconst.kernels.text import write_text
from bigconst.plans.diskplan import MIN_CHUNK_WORDS
from bigconst.plans.diskshape import chunk_bytes
from bigconst.plans.dwtshape import lengths
from bigconst.plans.shape import shape_for
from bigconst.runtime.arena import Arena
from bigconst.runtime.threads import Pool, split
from bigconst.storage.atomicfile import AtomicFile
from bigconst.storage.volume import Volume

TRANSFORM_WORDS = tuple(1 << log for log in (13, 16, 19, 22, 24, 26))
LINEAR_WORDS = tuple(1 << log for log in (13, 16, 20, 24))
SQUARING_WORDS = tuple(1 << log for log in (10, 13, 16, 18, 20, 22))
JACOBI_BITS = tuple(1 << log for log in (14, 18, 21, 23))
SQUARED_WORDS = 1 << 24
"""Words times squarings of a turn: short turns, on threads that wait for each other, differ a lot."""
START_TURNS = 3
"""Processes in which the loading of kernels is timed."""
ONE_THREAD_WORDS = 1 << 24
"""Length of the longest transforms that are measured with one thread, too."""
WORD_BYTES = 24
"""Memory that measuring transforms takes for each word."""
BLOCKS = 1 << 10
"""Chunks with which Python's time for one of them is measured."""
FILE_DIGITS = 3 * 10**8
"""Digits of the file that is written."""
TOUCH_BYTES = 512 << 20
"""Most memory that is touched for the first time."""


def _random_words(count: int) -> np.ndarray:
    """`count` random decimal words, int32; beyond 2^20 they repeat."""
    return np.resize(np.random.default_rng(1).integers(0, 10**5, min(count, 1 << 20), dtype=np.int32), count)


def _measure_transforms(turns: Turns, sizes: Iterable[int]) -> None:
    largest = shape_for(max(sizes))
    arena = Arena(2 * largest.data_bytes + 4 * largest.words + (1 << 20))
    for size in sizes:
        turns.note(f"transforms of {size} words")
        shape = shape_for(size)
        data, other = arena.take(shape.data_bytes // 8), arena.take(shape.data_bytes // 8)
        words = arena.take(shape.words, np.int32)
        words[:] = _random_words(shape.words)
        other[:] = 0.0      # a spectrum of zeros keeps repeated products finite
        for threads in turns.counts:
            if threads == turns.threads or size <= ONE_THREAD_WORDS:
                with Pool(threads) as pool:
                    turns.measure(shape.words, threads, _transform_calls(Transform(shape, pool), words, data, other))
        arena.release(0)


def _transform_calls(transform: Transform, words: np.ndarray, data: np.ndarray,
                     other: np.ndarray) -> dict[str, Callable[[], None]]:
    return {
        "forward": lambda: transform.forward(words, 10**5, data),
        "square": lambda: transform.square(data),
        "inverse": lambda: transform.inverse(data, words, 10**5),
        "spectrum": lambda: transform.spectrum(other),
        "multiply": lambda: transform.multiply(data, other),
    }


def _measure_linear(turns: Turns, sizes: Iterable[int]) -> None:
    fmt = WORDS[10]
    for size in sizes:
        a, b, c = (_random_words(size) for _ in range(3))
        limbs = np.empty(packed_limbs(size, fmt.radix), np.uint64)
        digits = np.empty(fmt.digits * size, np.uint8)
        pack(limbs, a, fmt.radix)
        write_text(digits, a, 10)
        for threads in turns.counts:
            with Pool(threads) as pool:
                turns.measure(size, threads, _linear_calls(Words(fmt, pool), a, b, c, limbs, digits))


def _linear_calls(words: Words, a: np.ndarray, b: np.ndarray, c: np.ndarray, limbs: np.ndarray,
                  digits: np.ndarray) -> dict[str, Callable[[], None]]:
    fmt, modulus = words.format, words.modulus
    pool, half = words.pool, len(a) // 2
    pieces = split(len(a), min(32, max(1, len(a) >> 16)), 1 << 10)

    def part(array: np.ndarray, start: int, stop: int) -> np.ndarray:
        """The limbs of packed words start .. stop-1."""
        return array[packed_limbs(start, fmt.radix):packed_limbs(stop, fmt.radix)]

    def pack_piece(start: int, stop: int) -> None:
        pack(part(limbs, start, stop), a[start:stop], fmt.radix)
        is_packed(part(limbs, start, stop), a[start:stop], fmt.radix)
        modulus.residue_words(a[start:stop], fmt.radix)
        xxhash.xxh3_64_intdigest(memoryview(part(limbs, start, stop)))

    def text_piece(start: int, stop: int) -> None:
        spelled = digits[fmt.digits * start:fmt.digits * stop]
        write_text(spelled, a[start:stop], 10)
        modulus.residue_text(spelled, 10)
        xxhash.xxh3_64_intdigest(memoryview(spelled))

    primes = [modulus] * 3

    def check_piece(start: int, stop: int) -> None:
        spelled = digits[fmt.digits * start:fmt.digits * stop]
        residues_text(primes, spelled, 10)
        xxhash.xxh3_64_intdigest(memoryview(spelled))
        unpack(b[start:stop], part(limbs, start, stop), fmt.radix)
        residues_words(primes, b[start:stop], fmt.radix)

    return {
        "residue": lambda: words.residue(a),
        "multiply small": lambda: words.multiply_small(b, a, 5),
        "update": lambda: words.newton_update(b, half, a, c[:half], 1),
        "shift": lambda: words.shift_bits(c, a, 1),
        "pack": lambda: pool.run(pack_piece, pieces),
        "unpack": lambda: pool.run(lambda i, j: unpack(b[i:j], part(limbs, i, j), fmt.radix), pieces),
        "checksum": lambda: pool.run(lambda i, j: checksum(a[i:j]), pieces),
        "text": lambda: pool.run(text_piece, pieces),
        "check text": lambda: pool.run(check_piece, pieces),
    }


def _measure_squarings(turns: Turns, sizes: Iterable[int]) -> None:
    shapes = {shape.words: shape for shape in lengths()}
    for size in sizes:
        turns.note(f"squarings of {size} words")
        count = max(2, SQUARED_WORDS // size)
        for threads in turns.counts:
            with Squarer(shapes[size].max_exponent, shapes[size], threads) as squarer:
                squarer.load(3)
                turns.measure(size, threads, {"squaring": lambda s=squarer, n=count: s.iterate(n, 2)},
                              {"squaring": count * size})


def _measure_jacobi(turns: Turns, sizes: Iterable[int]) -> None:
    """Measure Jacobi symbols, each bit counting as a word; GMP computes them on one thread."""
    for bits in sizes:
        value, modulus = mpz_random(random_state(1), mpz(1) << bits), (mpz(1) << bits) - 1
        for threads in turns.counts:
            if threads == 1:
                turns.measure(bits, threads, {"jacobi": lambda a=value, m=modulus: jacobi(a, m)})
            else:
                turns.keep("jacobi", bits, threads, turns.rates["jacobi"][-1].seconds_per_word)


def _measure_touch(turns: Turns, size_bytes: int) -> None:
    """Measure the first write to fresh memory, each byte counting as a word.

    This comes before other measurements use memory: a host that takes back idle memory is slow to give it out again.
    """
    kept = []       # else the second arena would get the memory of the first
    for threads in reversed(turns.counts):
        whole = Arena(size_bytes).take(size_bytes, np.uint8)
        kept.append(whole)
        with Pool(threads) as pool:
            seconds = timed(lambda whole=whole, pool=pool: pool.run(
                lambda a, b: whole[a:b:4096].fill(1), split(size_bytes, 64, 2 << 20)))
        turns.keep("touch", size_bytes, threads, seconds / size_bytes)


def _copied_bytes_per_s(turns: Turns) -> float:
    size = 1 << 25
    a, b = np.ones(size), np.ones(size)
    with Pool(turns.threads) as pool:
        pieces = split(size, 32, 4096)
        seconds = turns.seconds({"copy": lambda: pool.run(lambda i, j: np.copyto(b[i:j], a[i:j]), pieces)})
    return 16 * size / seconds["copy"]


def _file_rates(directory: str, threads: int, digits: int) -> tuple[float, float, float]:
    """Bytes/s at which all threads make a digit file, and a certificate, in `directory`, until it is durable; and the
    share of the shorter time that is lost when a digit file is written while all threads compute.

    Raises InputOutputError when no file can be written there.
    """
    plan = make_plan(PHI, digits, 10, threads, 1 << 62)
    bounds, x = bounds_of(plan, certified=True), _random_words(plan.words + 1)
    x[-1] = 1
    with (tempfile.TemporaryDirectory(dir=directory, prefix=".bigconst-bench-") as folder, Pool(threads) as pool,
          executor(1) as side):
        words, hasher = Words(plan.format, pool), xxhash.xxh3_128()
        number = _random_words(1 << 22)

        def written_s(size_bytes: int, write: Callable[[AtomicFile], object]) -> float:
            with AtomicFile(os.path.join(folder, "file"), size_bytes, force=True) as file:
                began = time.perf_counter()
                with contextlib.suppress(FaultError):       # random words do not pass the checks of a number
                    write(file)
                file.commit()
                return time.perf_counter() - began

        def text(file: AtomicFile) -> None:
            write_digits(plan, bounds, words, lambda a, b: x[a:b], 0, file, hasher,
                         Prefixes([words.modulus], 10, [digits], 1))

        def compute(turns: int) -> None:
            for _ in range(turns):
                words.residue(number)

        text_s = written_s(plan.text_bytes, text)
        size = packed_bytes(plan.text_words, 10)
        certificate_s = written_s(size, lambda file: write_packed(
            words, plan.text_words, lambda a, b: x[a:b], file, hasher, 0))
        compute(1)
        turns = max(1, round(text_s / timed(lambda: compute(1))))
        computing_s = timed(lambda: compute(turns))
        began = time.perf_counter()
        writing = side.submit(written_s, plan.text_bytes, text)
        compute(turns)
        writing.result()
        both_s = time.perf_counter() - began
        return (plan.text_bytes / text_s, size / certificate_s,
                overlap_loss(text_s, computing_s, both_s))


def _block_s(directory: str) -> float:
    """Processor seconds for moving a chunk as short as can be, which Python takes but for a hundredth."""
    size = chunk_bytes(MIN_CHUNK_WORDS, 10)
    memory = Arena(BLOCKS * size).take(BLOCKS * size, np.uint8).reshape(BLOCKS, -1)
    words, found = _random_words(MIN_CHUNK_WORDS), []
    # At a stride: neighbours would become one system call.
    chunks = [(2 * i, memory[i]) for i in range(BLOCKS)]
    with (tempfile.TemporaryDirectory(dir=directory, prefix=".bigconst-bench-") as folder, Pool(1) as pool,
          Volume([folder], 2 * BLOCKS * size, size) as volume):
        number = Number(volume, Words(WORDS[10], pool), 0, 2 * BLOCKS * MIN_CHUNK_WORDS, MIN_CHUNK_WORDS)
        for _ in range(3):
            began = time.process_time()
            volume.write([number.request(chunk, packed) for chunk, packed in chunks
                          if number.set_chunk(chunk, words, packed)]).wait()
            number.fetch(chunks).wait()
            for chunk, packed in chunks:
                number.unpack(chunk, packed, words)
            found.append((time.process_time() - began) / (2 * BLOCKS))
    return statistics.median(found)


def start_s(turns: int) -> float:
    """Seconds to import and load the kernels that constants need: the median of `turns` fresh processes."""
    program = (f"import sys, time; sys.path[:] = {sys.path!r}; began = time.perf_counter(); "
               "import bigconst.constants.digits, bigconst.constants.files; print(time.perf_counter() - began)")
    found = []
    for _ in range(turns):
        with starting():
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        found.append(float(done.stdout))
    return statistics.median(found)


def measure(directory: str, *, short: bool = False,
            note: Callable[[str], None] = lambda line: None) -> Speeds:
    """All speeds except those of scratch disks, measured in about half a minute, or in some seconds when `short`.

    directory  where digit files are written
    note       receives a line on what is measured next
    Raises InputOutputError when no file can be written there.
    """
    turns = Turns(default_threads(), note)
    few = slice(None, None, -2) if short else slice(None)      # every second size, the largest included
    # These come first, while the machine is as idle as before a run.
    note("loading of kernels")
    loaded = start_s(START_TURNS)
    _measure_touch(turns, min(TOUCH_BYTES, available_memory_bytes() // 8))
    room = available_memory_bytes() // 2
    _measure_transforms(turns, [size for size in TRANSFORM_WORDS[few] if WORD_BYTES * size < room])
    _measure_linear(turns, LINEAR_WORDS[few])
    measure_slabs(turns, short)
    measure_sums(turns)
    _measure_squarings(turns, SQUARING_WORDS[few])
    _measure_jacobi(turns, JACOBI_BITS[few])
    measure_terms(turns, few)
    note("memory and files")
    copied = _copied_bytes_per_s(turns)
    files = [_file_rates(directory, turns.threads, FILE_DIGITS) for _ in range(1 if short else 3)]
    text, certificate, loss = (statistics.median(found) for found in zip(*files, strict=True))
    facts = processor()
    cores = max(1, turns.threads // (facts["threads_per_core"] or 1))
    host: HostFacts = {**facts, "cores": cores, "memory_bytes": total_memory_bytes(), "name": platform.node(),
                       "version": __version__}
    return Speeds(datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), host, turns.threads,
                  {name: tuple(rates) for name, rates in turns.rates.items()}, copied, text, certificate, loss, loaded,
                  _block_s(directory), turns.spread)
