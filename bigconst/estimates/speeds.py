"""Speeds of a machine as `bigconst bench` measures them, and speeds derived from them for other machines.

Pure values, and the text of the file that stores them.  They are measured by
bigconst.bench.measure and bigconst.bench.measuredisks.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, replace
from functools import cached_property, lru_cache
from math import isfinite, log2
from typing import TypedDict

from bigconst.plans.accounts import Traffic

SCHEMA = "bigconst-speeds/3"

CALL_S = 1e-4
"""Most seconds of a call on very few words."""


@dataclass(frozen=True)
class Rate:
    """Seconds per word of an operation on a number, or a transform, of `words` words."""

    words: int
    threads: int
    seconds_per_word: float


@dataclass(frozen=True)
class AccessPattern:
    """Bytes/s of requests of `request_bytes` contiguous bytes at a stride: read alone, written alone, and both together
    when half of all bytes is read while the other half is written."""

    request_bytes: int
    read_bytes_per_s: float
    write_bytes_per_s: float
    both_bytes_per_s: float
    cpu_s_per_byte: float = 0.0
    """processor time of the lanes' threads per byte: copies, system calls"""

    def seconds(self, traffic: Traffic) -> float:
        """Seconds of this traffic if reading and writing happen at once and slow each other down as measured."""
        read_s = traffic.read_bytes / self.read_bytes_per_s
        write_s = traffic.written_bytes / self.write_bytes_per_s
        # For one byte read and one written: the share of the shorter time that is saved by doing both at once.
        apart, beside = 1 / self.read_bytes_per_s + 1 / self.write_bytes_per_s, 2 / self.both_bytes_per_s
        saved = (apart - beside) / min(1 / self.read_bytes_per_s, 1 / self.write_bytes_per_s)
        return read_s + write_s - saved * min(read_s, write_s)


@dataclass(frozen=True)
class DiskSpeeds:
    """Speeds of a scratch volume on these directories."""

    directories: tuple[str, ...]
    kind: str
    """hdd or ssd"""
    lanes: tuple[tuple[float, float], ...]
    """bytes/s read and written by each directory alone"""
    patterns: tuple[AccessPattern, ...]
    """speeds by size of requests, the shortest first"""
    sync_s: float
    """seconds to make durable what was written"""
    overlap_loss: float = 0.0
    """when processors and disks work at once, the share of the shorter time that is lost by waiting for each other"""
    spread: float = 0.0
    """typical relative difference of a measurement from the same one at another moment"""

    def seconds(self, traffic: Traffic, request_bytes: int) -> float:
        """Seconds of moving this traffic in requests of this size, reading while writing."""
        return self._between(request_bytes, lambda pattern: pattern.seconds(traffic))

    def cpu_s(self, traffic: Traffic, request_bytes: int) -> float:
        """Seconds of one processor for moving this traffic in requests of this size."""
        moved = traffic.read_bytes + traffic.written_bytes
        return self._between(request_bytes, lambda pattern: moved * pattern.cpu_s_per_byte)

    def _between(self, request_bytes: int, value: Callable[[AccessPattern], float]) -> float:
        """`value` interpolated between the sizes that were measured, linearly in their logarithm."""
        below = [p for p in self.patterns if p.request_bytes <= request_bytes][-1:] or self.patterns[:1]
        above = [p for p in self.patterns if p.request_bytes >= request_bytes][:1] or self.patterns[-1:]
        (low,), (high,) = below, above
        if high.request_bytes == low.request_bytes:
            return value(low)
        share = log2(request_bytes / low.request_bytes) / log2(high.request_bytes / low.request_bytes)
        return value(low) + share * (value(high) - value(low))


def sequential_disks(read_bytes_per_s: float, write_bytes_per_s: float, kind: str) -> DiskSpeeds:
    """Speeds of disks of which nothing else is known: reading and writing take turns and cost no processor time."""
    both = 2 / (1 / read_bytes_per_s + 1 / write_bytes_per_s)
    return DiskSpeeds((), kind, (), (AccessPattern(1, read_bytes_per_s, write_bytes_per_s, both),), 0.0)


class HostFacts(TypedDict, total=False):
    """Facts about a machine that was measured; unknown ones are None."""

    name: str
    """network name of the machine"""
    version: str
    """version of bigconst that measured its speeds"""
    cpu: str | None
    cores: int | None
    threads_per_core: int | None
    memory_bytes: int | None
    vector_bits: int | None
    clock_ghz: float | None


@dataclass(frozen=True)
class Speeds:
    """Speeds of a machine."""

    date: str
    """date and time (UTC) of the measurement"""
    host: HostFacts
    threads: int
    """number of threads in the measurements with all threads"""
    rates: Mapping[str, tuple[Rate, ...]]
    """rates of each operation in bigconst.estimates.work.OPERATIONS"""
    copy_bytes_per_s: float
    """speed of copying memory with all threads, counting bytes read and bytes written"""
    text_bytes_per_s: float
    """speed of making and writing a digit file, in the directory where the benchmark was run"""
    certificate_bytes_per_s: float
    """speed of making and writing a certificate there"""
    file_overlap_loss: float
    """when a digit file is written while all threads compute, the share of the shorter time that is lost"""
    start_s: float
    """seconds to import modules and load compiled kernels"""
    block_s: float
    """seconds that Python takes to store or load a chunk, in one thread at a time, however many there are"""
    spread: float
    """typical relative difference of a measurement from its repetition"""
    factor: float | None = None
    """speed with all threads of a machine that was not measured, relative to the measured one; None for that one"""

    @cached_property
    def seconds(self) -> Callable[[str, int, int], float]:
        """seconds(operation, words, threads): those of an operation on so many words; plans have few different ones."""
        return lru_cache(maxsize=None)(self._seconds)

    def _seconds(self, operation: str, words: int, threads: int) -> float:
        all_ = self._per_word(operation, words, self.threads)
        one = all_ * self._speedup(operation, words)
        if self.factor is not None or threads >= self.threads:
            per_word = all_
        else:       # Amdahl's law: a part that becomes faster with threads, and a part that does not
            parallel = (one - all_) / (1 - 1 / self.threads)
            per_word = one - parallel + parallel / threads
        return words * per_word / (self.factor or 1.0)

    def _speedup(self, operation: str, words: int) -> float:
        """Speed with all threads relative to one thread, at the nearest size that was measured with both."""
        largest = max(rate.words for rate in self.rates[operation] if rate.threads == 1)
        at = min(words, largest)
        return self._per_word(operation, at, 1) / self._per_word(operation, at, self.threads)

    def _per_word(self, operation: str, words: int, threads: int) -> float:
        """Seconds per word, interpolated between the sizes that were measured, linearly in their logarithm."""
        points = sorted((rate.words, rate.seconds_per_word) for rate in self.rates[operation]
                        if rate.threads == threads)
        smallest, rate = points[0]
        if words <= smallest:       # for small numbers the calls take the time, not the words
            return max(rate, min(smallest * rate, CALL_S) / max(1, words))
        for (low, a), (high, b) in zip(points, points[1:], strict=False):
            if words <= high:
                return a + (b - a) * log2(words / low) / log2(high / low)
        return points[-1][1]

    @property
    def gflops(self) -> float:
        """GFLOP/s of all threads in transforms of 2^24 words, counting 5 n log2 n operations for n complex points."""
        words = 1 << 24
        seconds = sum(self.seconds(name, words, self.threads) for name in ("forward", "square", "inverse"))
        points = words // 2
        return 2 * 5 * points * log2(points) / seconds / 1e9


def _check(values: Iterable[float | list | tuple], zero: bool) -> None:
    """Raise ValueError for a value that is no finite number above 0; 0 itself is allowed if `zero`."""
    for value in values:
        if isinstance(value, list | tuple):
            _check(value, zero)
        elif not (isfinite(value) and (value > 0 or zero and value == 0)):
            raise ValueError(f"{value} is no speed or time")


def as_json(speeds: Speeds, disks: list[DiskSpeeds]) -> str:
    """The text of the file that stores these speeds."""
    fields = {"schema": SCHEMA, **asdict(speeds), "disks": [asdict(each) for each in disks]}
    del fields["factor"]
    return json.dumps(fields, indent=1) + "\n"


class OtherVersion(ValueError):
    """The speeds are those of a version whose figures mean something else."""


def from_json(text: str) -> tuple[Speeds, list[DiskSpeeds]]:
    """The speeds and disks of a text that `as_json` wrote.  Raises ValueError for any other text, OtherVersion for that
    of another version."""
    try:
        fields = json.loads(text)
        if fields.pop("schema") != SCHEMA:
            raise OtherVersion("of another version")
        disks = [DiskSpeeds(**{**each, "directories": tuple(each["directories"]),
                          "lanes": tuple(map(tuple, each["lanes"])),
                          "patterns": tuple(AccessPattern(**p) for p in each["patterns"])})
                 for each in fields.pop("disks")]
        rates = {name: tuple(Rate(**rate) for rate in each) for name, each in fields.pop("rates").items()}
        speeds = Speeds(**fields, rates=rates)
        speeds.gflops       # noqa: B018, the rates that every estimate asks for
        _check([[astuple(rate) for rate in each] for each in rates.values()], zero=False)
        _check([speeds.threads, speeds.copy_bytes_per_s, speeds.text_bytes_per_s, speeds.block_s,
                speeds.certificate_bytes_per_s, [astuple(p)[:-1] for each in disks for p in each.patterns]], zero=False)
        _check([speeds.start_s, speeds.spread, speeds.file_overlap_loss,
                [(d.sync_s, d.overlap_loss, d.spread, d.lanes) for d in disks]], zero=True)
    except (KeyError, TypeError, AttributeError, IndexError, ZeroDivisionError) as error:
        raise ValueError(f"not what `bigconst bench` writes ({type(error).__name__})") from error
    return speeds, disks


def faster(speeds: Speeds, factor: float) -> Speeds:
    """Speeds of a machine that computes `factor` times as fast; its memory is assumed to be as much faster."""
    return replace(speeds, factor=factor, copy_bytes_per_s=factor * speeds.copy_bytes_per_s)


def writing_at(speeds: Speeds, bytes_per_s: float) -> Speeds:
    """The speeds of a machine if it writes all files at this rate."""
    return replace(speeds, text_bytes_per_s=bytes_per_s, certificate_bytes_per_s=bytes_per_s)
