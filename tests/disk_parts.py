"""What tests of numbers and transforms on disk share: a volume in memory that watches its users, and conversions."""

import contextlib
import threading
from random import Random

import numpy as np
from gmpy2 import mpz
from oracle_checksum import checksum
from oracle_words import DIGITS, WIDTHS, to_mpz

from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.products import DiskProducts
from bigconst.arithmetic.disk.workspace import DiskWorkspace
from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.words import Words
from bigconst.base.errors import ChecksumError
from bigconst.base.formats import WORDS
from bigconst.plans.diskplan import DiskPlan
from bigconst.plans.diskshape import DiskShape
from bigconst.plans.trace import Step, Trace
from bigconst.runtime.arena import Arena
from bigconst.runtime.pipeline import Pipeline
from bigconst.runtime.threads import Pool

PAGE_BYTES = 4096


def address_of(array: np.ndarray) -> int:
    """Where its bytes begin in memory."""
    return array.__array_interface__["data"][0]


class _Moved:
    """A transfer that happens at once, or when it is waited for."""

    def __init__(self, volume, writes, requests, sums):
        self._volume, self.writes, self._sums = volume, writes, sums
        self.requests = [(request.address, [np.frombuffer(view, np.uint8) for view in request.views], request.index)
                         for request in requests]
        self.pages = set().union(*(
            range(address // PAGE_BYTES, (address + sum(map(len, views))) // PAGE_BYTES)
            for address, views, _ in self.requests))
        self.memory = set().union(*(
            range(address_of(view), address_of(view) + len(view), PAGE_BYTES)
            for _, views, _ in self.requests for view in views))
        self._done, self._error = False, None

    def perform(self):
        if not self._done:
            self._done = True
            try:
                for request in self.requests:
                    self._volume.move(self.writes, *request, self._sums)
            except ChecksumError as error:
                self._error = error

    def wait(self):
        with self._volume.lock:
            self.perform()
            self._volume.under_way.discard(self)
        if self._error is not None:
            raise self._error


class WatchedVolume:
    """A volume in memory.

    Half of all transfers happen as late as they may, by `seed`: buffers that are used too early show.  Asserts that
    nothing under way shares a page of the volume or a byte of memory with anything else.  `lost` are pages that were
    written twice and not read between; `written` and `read_pages` all pages that were.
    """

    def __init__(self, size_bytes: int, seed: int = 0):
        self.size_bytes = size_bytes
        self.sizes = [size_bytes]
        self.data = np.full(size_bytes, 0xA5, np.uint8)
        self.under_way: set[_Moved] = set()
        self._late = Random(seed)
        self._unread: set[int] = set()
        self.lock = threading.RLock()
        self.lost: set[int] = set()
        self.written: list[int] = []
        self.read_pages: list[int] = []

    @property
    def read_bytes(self) -> int:
        return PAGE_BYTES * len(self.read_pages)

    @property
    def written_bytes(self) -> int:
        return PAGE_BYTES * len(self.written)

    def resize(self, size_bytes: int) -> None:
        assert not self.under_way
        if size_bytes < self.size_bytes:
            self.data = self.data[:size_bytes]
        self.data = np.concatenate([self.data, np.full(max(0, size_bytes - len(self.data)), 0xA5, np.uint8)])
        self.size_bytes = size_bytes
        self.sizes.append(size_bytes)

    def read(self, requests, sums=None):
        return self._submit(_Moved(self, False, requests, sums))

    def write(self, requests, sums=None):
        return self._submit(_Moved(self, True, requests, sums))

    def _submit(self, moved: _Moved) -> _Moved:
        with self.lock:
            return self._checked(moved)

    def _checked(self, moved: _Moved) -> _Moved:
        assert len(moved.pages) == sum(len(view) for _, views, _ in moved.requests for view in views) // PAGE_BYTES
        for other in self.under_way:
            if moved.writes or other.writes:
                assert not moved.pages & other.pages, "two transfers at one place"
            assert not moved.memory & other.memory, "two transfers, one buffer"
        if moved.writes:
            self.written += sorted(moved.pages)
            self.lost |= moved.pages & self._unread
            self._unread |= moved.pages
        else:
            self.read_pages += sorted(moved.pages)
            self._unread -= moved.pages
            for _, views, _ in moved.requests:
                for view in views:
                    view[:] = 0xFF      # whoever looks before it has waited finds no number
        self.under_way.add(moved)
        if self._late.random() < 0.5:
            moved.perform()
        return moved

    def move(self, writes: bool, address: int, views, index: int, sums) -> None:
        at = address
        assert address % PAGE_BYTES == 0 and address >= 0
        for view in views:
            assert address_of(view) % PAGE_BYTES == 0 and at + len(view) <= self.size_bytes
            there = self.data[at:at + len(view)]
            if writes:
                there[:] = view
            else:
                view[:] = there
            at += len(view)
        if sums is None:
            return
        found = checksum(self.data[address:at])
        if writes:
            sums[index] = found
        elif int(sums[index]) != found:
            raise self.changed(address, at - address, index)

    def changed(self, address: int, size_bytes: int, index: int) -> ChecksumError:
        return ChecksumError(f"the block at {address} is not what was written", index)


@contextlib.contextmanager
def scratch_of(base: int, size_bytes: int = 1 << 22, threads: int = 1, arena_bytes: int = 1 << 20, seed: int = 0):
    """A DiskWorkspace in memory."""
    with Pool(threads) as pool:
        yield DiskWorkspace(WatchedVolume(size_bytes, seed), Words(WORDS[base], pool), Arena(arena_bytes), Pipeline())


def whole(words: np.ndarray, radix: int) -> mpz:
    """The value of canonical words."""
    assert len(words) == 0 or (words.min() >= 0 and words.max() < radix)
    return to_mpz(words, radix)


def chunk_values(words: np.ndarray, chunk_words: int, radix: int) -> list[mpz]:
    """The value of each chunk of canonical words, by way of their text."""
    base, width = WIDTHS[radix]
    digits = np.empty((len(words), width), np.uint8)
    rest = words[::-1]      # most significant first
    for place in range(width - 1, -1, -1):
        rest, digits[:, place] = np.divmod(rest, base)
    text = DIGITS[digits].tobytes().decode()
    size = chunk_words * width
    return [mpz(text[at:at + size], base) for at in range(len(text) - size, -1, -size)]


def to_words(value: int, length: int, radix: int) -> np.ndarray:
    """0 <= value < radix^length as words, the slow way."""
    assert 0 <= value < mpz(radix) ** length

    def split(value, length):
        if length == 1:
            return [int(value)]
        low = length // 2
        high, rest = divmod(value, mpz(radix) ** low)
        return split(rest, low) + split(high, length - low)

    return np.array(split(mpz(value), length), np.int32)


def stored(scratch, words, chunk_words: int, address: int = 0, first: int = 0) -> Number:
    """A number with these words."""
    number = Number(scratch.volume, scratch.words, address, len(words), chunk_words, first)
    number.store(lambda start, stop: np.array(words[start:stop], np.int32))
    return number


def value_of(number: Number, start_chunk: int = 0) -> mpz:
    """What is on the volume from a chunk on."""
    return whole(number.read(start_chunk * number.chunk_words, number.chunks * number.chunk_words), number.radix)


def check_records(number: Number, start_chunk: int = 0) -> None:
    """What is known of the chunks is what is in them, and the parity is that of all."""
    size = number.chunk_words
    parity = np.zeros(number.chunk_bytes // 8, np.uint64)
    for c in range(number.first, number.chunks):
        at = number.request(c, np.empty(0)).address
        if number.is_stored(c):
            parity ^= number.volume.data[at:at + number.chunk_bytes].view(np.uint64)
    assert np.array_equal(number.parity, parity)
    words = number.read(start_chunk * size, number.chunks * size)
    assert words.min(initial=0) >= 0 and words.max(initial=0) < number.radix
    for c, value in enumerate(chunk_values(words, size, number.radix), start_chunk):
        piece = words[(c - start_chunk) * size:(c - start_chunk + 1) * size]
        assert (number.first_word(c), number.last_word(c)) == (piece[0], piece[-1])
        assert number.residue(c, c + 1) == value % (2**61 - 1)
        uniform = {0: 0, number.radix - 1: 2}.get(int(piece[0])) if (piece == piece[0]).all() else None
        assert number.kinds[c] == (1 if uniform is None else uniform)


def chunky_words(rng, chunks: int, chunk_words: int, radix: int, kinds: str = "zero nines random edges") -> np.ndarray:
    """Words of chunks of zeros, of largest words, random ones, and random ones whose ends ripple."""
    out = []
    for kind in rng.choice(kinds.split(), chunks):
        piece = rng.integers(0, radix, chunk_words)
        if kind in ("zero", "nines"):
            piece[:] = 0 if kind == "zero" else radix - 1
        elif kind == "edges":
            ends = rng.integers(0, chunk_words // 2, 2)
            values = rng.choice([0, radix - 1, radix // 2, radix // 2 - 1], 2)
            piece[:ends[0]], piece[chunk_words - ends[1]:] = values
        out.append(piece)
    return np.concatenate(out).astype(np.int32)


def disk_plan(shape: DiskShape, workspace_bytes: int, scratch_bytes: int) -> DiskPlan:
    """What products and passes ask a plan for; places are the caller's."""
    step = Step("product", "", out="product", out_bytes=scratch_bytes, shape=shape, operands=2)
    return DiskPlan("ssd", shape.base, shape.threads, shape.chunk_words, 0, workspace_bytes, 0, Trace((step,)))


@contextlib.contextmanager
def products_of(shape: DiskShape, workspace_bytes: int = 4 << 20, seed: int = 0):
    """DiskProducts in memory, and the events they emit; 16 MiB of volume are planned."""
    plan, events = disk_plan(shape, workspace_bytes, 16 << 20), []
    with scratch_of(shape.base, 16 << 20, shape.threads, plan.used_bytes, seed) as scratch:
        yield DiskProducts(plan, scratch, Products(scratch.words, events.append)), events
