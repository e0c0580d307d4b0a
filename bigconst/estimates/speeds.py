"""Speeds of a machine, as `bigconst bench` measures them, and what is known of other machines.

Pure values, and the file that keeps them.  How they are measured is the matter
of bigconst.bench.measure and .measuredisks.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, replace
from math import isfinite, log2
from typing import Any

from bigconst.plans.accounts import Traffic

SCHEMA = "bigconst-speeds/1"

CALL_S = 1e-4
"""Of a call on very few words, at most."""


@dataclass(frozen=True)
class Rate:
    """Seconds that an operation takes for each word of a number, or of a transform, of this size."""

    words: int
    threads: int
    seconds_per_word: float


@dataclass(frozen=True)
class AccessPattern:
    """Bytes/s of requests of so many contiguous bytes at a stride: read, written, and together when half of all bytes
    is read while the other half is written."""

    request_bytes: int
    read_bytes_per_s: float
    write_bytes_per_s: float
    both_bytes_per_s: float
    cpu_s_per_byte: float = 0.0
    """that the threads of the lanes compute for a byte: checksums, copies, system calls"""

    def seconds(self, traffic: Traffic) -> float:
        """Of reading and writing at once, as far as one makes the other slower."""
        read_s = traffic.read_bytes / self.read_bytes_per_s
        write_s = traffic.written_bytes / self.write_bytes_per_s
        # A byte read and a byte written: how much of the shorter time is saved.
        apart, beside = 1 / self.read_bytes_per_s + 1 / self.write_bytes_per_s, 2 / self.both_bytes_per_s
        saved = (apart - beside) / min(1 / self.read_bytes_per_s, 1 / self.write_bytes_per_s)
        return read_s + write_s - saved * min(read_s, write_s)


@dataclass(frozen=True)
class DiskSpeeds:
    """Of a scratch volume on these directories."""

    directories: tuple[str, ...]
    kind: str
    """hdd or ssd"""
    lanes: tuple[tuple[float, float], ...]
    """bytes/s read and written of each directory alone"""
    patterns: tuple[AccessPattern, ...]
    """shortest requests first"""
    sync_s: float
    """of making safe what was written"""
    overlap_loss: float = 0.0
    """when processors and disks work at once, the share of the shorter time that is lost by waiting for each other"""
    spread: float = 0.0
    """of the same measurement at another moment, relative"""

    def seconds(self, traffic: Traffic, request_bytes: int) -> float:
        """Of moving so much in requests of this size, reading while writing."""
        return self._between(request_bytes, lambda pattern: pattern.seconds(traffic))

    def cpu_s(self, traffic: Traffic, request_bytes: int) -> float:
        """Of one processor, for the same."""
        moved = traffic.read_bytes + traffic.written_bytes
        return self._between(request_bytes, lambda pattern: moved * pattern.cpu_s_per_byte)

    def _between(self, request_bytes: int, value: Callable[[AccessPattern], float]) -> float:
        """Between the sizes that were measured, straight in their logarithm."""
        below = [p for p in self.patterns if p.request_bytes <= request_bytes][-1:] or self.patterns[:1]
        above = [p for p in self.patterns if p.request_bytes >= request_bytes][:1] or self.patterns[-1:]
        (low,), (high,) = below, above
        if high.request_bytes == low.request_bytes:
            return value(low)
        share = log2(request_bytes / low.request_bytes) / log2(high.request_bytes / low.request_bytes)
        return value(low) + share * (value(high) - value(low))


def sequential_disks(read_bytes_per_s: float, write_bytes_per_s: float, kind: str) -> DiskSpeeds:
    """DiskSpeeds of which nothing else is known: reading and writing take turns, and cost no computing."""
    both = 2 / (1 / read_bytes_per_s + 1 / write_bytes_per_s)
    return DiskSpeeds((), kind, (), (AccessPattern(1, read_bytes_per_s, write_bytes_per_s, both),), 0.0)


@dataclass(frozen=True)
class Speeds:
    """Of a machine."""

    date: str
    host: Mapping[str, Any]
    """cpu, cores, memory_bytes, vector_bits, clock_ghz (of these any may be None), version"""
    threads: int
    """that all together were measured with"""
    rates: Mapping[str, tuple[Rate, ...]]
    """by operation, as bigconst.estimates.work names them"""
    copy_bytes_per_s: float
    """of memory with all threads, bytes read and bytes written together"""
    text_bytes_per_s: float
    """digit files made and written, where the benchmark was run"""
    certificate_bytes_per_s: float
    """certificates, likewise"""
    file_overlap_loss: float
    """when a digit file is written while all threads compute, the share of the shorter time that is lost"""
    start_s: float
    """imports and loading of compiled kernels"""
    block_s: float
    """of Python for a block of scratch that is moved: one thread at a time, however many there are"""
    spread: float
    """of repeated measurements, relative"""
    factor: float | None = None
    """of another machine, which computes so much faster with all its threads than the one measured"""

    def seconds(self, operation: str, words: int, threads: int) -> float:
        """Of an operation on so many words."""
        all_ = self._per_word(operation, words, self.threads)
        one = all_ * self._speedup(operation, words)
        if self.factor is not None or threads >= self.threads:
            per_word = all_
        else:       # what does not become faster with threads, and what does
            parallel = (one - all_) / (1 - 1 / self.threads)
            per_word = one - parallel + parallel / threads
        return words * per_word / (self.factor or 1.0)

    def _speedup(self, operation: str, words: int) -> float:
        """Of all threads over one, at the nearest size that was measured with both."""
        largest = max(rate.words for rate in self.rates[operation] if rate.threads == 1)
        at = min(words, largest)
        return self._per_word(operation, at, 1) / self._per_word(operation, at, self.threads)

    def _per_word(self, operation: str, words: int, threads: int) -> float:
        """Between the sizes that were measured, straight in their logarithm."""
        points = sorted((rate.words, rate.seconds_per_word) for rate in self.rates[operation]
                        if rate.threads == threads)
        smallest, rate = points[0]
        if words <= smallest:       # of small numbers the calls take the time, not the words
            return max(rate, min(smallest * rate, CALL_S) / max(1, words))
        for (low, a), (high, b) in zip(points, points[1:], strict=False):
            if words <= high:
                return a + (b - a) * log2(words / low) / log2(high / low)
        return points[-1][1]

    @property
    def gflops(self) -> float:
        """Of all threads in transforms of 2^24 words, 5 n lg n operations for n complex points."""
        words = 1 << 24
        seconds = sum(self.seconds(name, words, self.threads) for name in ("forward", "square", "inverse"))
        points = words // 2
        return 2 * 5 * points * log2(points) / seconds / 1e9


def _check(values: Iterable, zero: bool) -> None:
    """Raise ValueError for what is no number above zero, or from zero on."""
    for value in values:
        if isinstance(value, list | tuple):
            _check(value, zero)
        elif not (isfinite(value) and (value > 0 or zero and value == 0)):
            raise ValueError(f"{value} is no speed or time")


def as_json(speeds: Speeds, disks: list[DiskSpeeds]) -> str:
    """The text of the file."""
    fields = {"schema": SCHEMA, **asdict(speeds), "disks": [asdict(each) for each in disks]}
    del fields["factor"]
    return json.dumps(fields, indent=1) + "\n"


def from_json(text: str) -> tuple[Speeds, list[DiskSpeeds]]:
    """What `as_json` wrote; raises ValueError for anything else."""
    try:
        fields = json.loads(text)
        if fields.pop("schema") != SCHEMA:
            raise ValueError("of another version")
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
    """A machine that computes `factor` times as fast; memory with it, of which nothing else is known."""
    return replace(speeds, factor=factor, copy_bytes_per_s=factor * speeds.copy_bytes_per_s)


def writing_at(speeds: Speeds, bytes_per_s: float) -> Speeds:
    """The same machine where all files are written at this rate."""
    return replace(speeds, text_bytes_per_s=bytes_per_s, certificate_bytes_per_s=bytes_per_s)
