"""Numbers on the volume: chunks of packed words, and what is known of each without reading it.

A number is a sequence of canonical words cut into chunks of `chunk_words`.  A
chunk whose words are all 0, or all radix - 1, is not stored at all.  The first
and last word of every chunk and its residue modulo 2^61 - 1 are in memory,
beside the checksum of its packed bytes.  Residues of many chunks, the borders
of runs and the sign of a number thus cost no reading.  The *parity* of a number
is the exclusive or of its packed chunks.  It is in memory and in the journal;
one chunk that the disk has lost is rebuilt from it and all other chunks.

A number is written chunk by chunk and corrected where carries arrive late
(`add`); after it has been read for the first time it never changes.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from bigconst.arithmetic.disk.fetch import Fetch
from bigconst.arithmetic.packed import page_buffer
from bigconst.arithmetic.words import MERSENNE_61, Words
from bigconst.base import failpoints
from bigconst.base.errors import ChecksumError, FaultError, InputOutputError
from bigconst.kernels.checksum import checksum
from bigconst.kernels.chunk import NINES, STORED, ZEROS, describe_chunk, load_chunk, store_chunk
from bigconst.kernels.linear import set_all
from bigconst.plans.diskshape import batch_chunks, chunk_bytes
from bigconst.runtime.recorder import Recorder
from bigconst.storage.lane import BLOCK_BYTES
from bigconst.storage.volume import BlockRequest, Volume


class Number:
    """`length` words at `address` of a volume.

    Chunks below `first` are not stored, only their residues are known.  A late carry into them is added to a residue,
    so that together they may stand for a value a little below 0 or above radix^(first * chunk_words).
    """

    def __init__(self, volume: Volume, words: Words, address: int, length: int, chunk_words: int, first: int = 0,
                 name: str = "", recorder: Recorder | None = None,
                 note: Callable[[str, str, str], None] = lambda kind, where, message: None):
        """`name` begins the names of its steps in the journal; note(kind, where, message) is called for bad chunks."""
        self.volume, self.words, self.address = volume, words, address
        self.name, self._recorder, self._note = name, recorder or Recorder(), note
        self.length, self.chunk_words, self.first = length, chunk_words, first
        self.radix = words.format.radix
        self.chunk_bytes = chunk_bytes(chunk_words, words.format.base)
        self._batch = batch_chunks(self.chunk_bytes, chunk_words)
        count = self.chunks = -(-length // chunk_words)
        self.kinds = np.zeros(count, np.int8)
        self.sums = np.zeros(count, np.uint64)
        self.residues = np.zeros(count, np.uint64)
        self.edges = np.zeros((count, 2), np.int32)     # first word and last
        self._parities = [np.zeros(self.chunk_bytes // 8, np.uint64)]
        """the exclusive or of them is the parity: each thread has one of its own while it stores a chunk"""
        self._rebuilding = threading.Lock()

    @property
    def end(self) -> int:
        """The address behind its last chunk."""
        return self.address + (self.chunks - self.first) * self.chunk_bytes

    # -- chunks ------------------------------------------------------------------

    def request(self, chunk: int, packed: np.ndarray, start: int = 0) -> BlockRequest:
        """The transfer of a stored chunk, or of its bytes from `start` on, from or to memory."""
        return BlockRequest(self.address + (chunk - self.first) * self.chunk_bytes + start, [packed], chunk)

    def fetch(self, wanted: Sequence[tuple[int, np.ndarray]]) -> Fetch:
        """Start reading stored chunks, given as pairs (chunk, packed); `unpack` checks them."""
        return self._fetch([self.request(chunk, packed) for chunk, packed in wanted]).start()

    def _fetch(self, requests: list[BlockRequest], checked: bool = False) -> Fetch:
        return Fetch(self.volume, requests, self.sums, lambda kind, message: self._note(kind, self.name, message),
                     self._rebuild, checked)

    def unpack(self, chunk: int, packed: np.ndarray, out: np.ndarray) -> None:
        """Fill `out` with the words of a chunk, from its bytes `packed` if it is stored; if they do not have their
        checksum, they are read again, or rebuilt.

        Raises ChecksumError or ReadError, and FaultError for a word outside 0 .. radix-1.
        """
        kind = self.kinds[chunk] if chunk < self.chunks else ZEROS
        if kind == ZEROS:
            set_all(out, 0)
        elif kind == NINES:
            set_all(out, self.radix - 1)
        elif (found := self._load(packed, out))[1] != self.sums[chunk]:
            fetch = self._fetch([self.request(chunk, packed)])
            fetch.again(fetch.difference(np.array([found[1]], np.uint64)))
            found = self._load(packed, out)
        if kind == STORED and found[0] >= self.radix:
            #: As for "a number in memory holds a word out of range".
            raise FaultError("a number on the scratch volume holds a word out of range")
        if failpoints.ACTIVE:
            failpoints.touch("chunk.words", self.name, out, self.radix)

    def _load(self, packed: np.ndarray, out: np.ndarray) -> tuple[int, int]:
        """Unpack a chunk; returns its largest word and its checksum."""
        found = np.empty(1, np.uint64)
        largest = load_chunk(out, packed.view(np.uint64), self.radix, found)
        return largest, int(found[0])

    def is_stored(self, chunk: int) -> bool:
        """Whether the chunk lies on the volume."""
        return chunk < self.chunks and self.kinds[chunk] == STORED

    def set_chunk(self, chunk: int, words: np.ndarray, packed: np.ndarray) -> bool:
        """Store what is known of a chunk, and pack its words; returns whether `packed` has to be written."""
        kind = describe_chunk(words, self.radix, self.edges[chunk])
        stored = kind == STORED and chunk >= self.first
        if stored:
            self._store(chunk, words, packed)
        else:
            self.residues[chunk] = self.words.modulus.residue_words(words, self.radix)
        self.kinds[chunk] = kind
        if failpoints.ACTIVE:
            failpoints.touch("chunk.residue", self.name, self.residues[chunk:chunk + 1], MERSENNE_61)
            failpoints.touch("chunk.edges", self.name, self.edges[chunk], self.radix)
            failpoints.touch("chunk.kind", self.name, self.kinds[chunk:chunk + 1], NINES + 1)
        return stored

    def _store(self, chunk: int, words: np.ndarray, packed: np.ndarray) -> None:
        """Pack a chunk, with residue, parity and checksum."""
        try:
            parity = self._parities.pop()
        except IndexError:
            parity = np.zeros(self.chunk_bytes // 8, np.uint64)
        self.residues[chunk] = 0
        differing = store_chunk(words, packed.view(np.uint64), self.radix, parity, self.sums[chunk:chunk + 1],
                                self.residues[chunk:chunk + 1], *self.words.modulus.tables(self.radix))
        self._parities.append(parity)
        if failpoints.ACTIVE:
            failpoints.touch("chunk.packed", self.name, packed.view(np.uint64))
        # Checksum and parity would confirm a wrong packing for ever.  Values outside 0 .. radix-1 cannot be packed, but
        # they come from a bad transform, which the check of its round-off reports.
        if differing and 0 <= words.min() and words.max() < self.radix:
            #: As for "the integer part is wrong".
            raise FaultError("a chunk was packed wrongly")

    @property
    def parity(self) -> np.ndarray:
        """The exclusive or of all stored chunks; no thread may be storing one."""
        while len(self._parities) > 1:
            self._combine(self._parities.pop())
        return self._parities[0]

    def _combine(self, limbs: np.ndarray) -> None:
        """Add a packed chunk to the parity, or remove it: both are the same exclusive or."""
        np.bitwise_xor(self._parities[0], limbs, out=self._parities[0])

    def read(self, start: int, stop: int) -> np.ndarray:
        """Words start .. stop-1 as a new array, waiting for the disk."""
        low, high = start // self.chunk_words, -(-stop // self.chunk_words)
        out = np.empty((high - low) * self.chunk_words, np.int32)
        packed = page_buffer((high - low) * self.chunk_bytes).reshape(high - low, -1)
        self.fetch([(c, packed[c - low]) for c in range(low, high) if self.is_stored(c)]).wait()
        for c in range(low, high):
            self.unpack(c, packed[c - low], out[(c - low) * self.chunk_words:(c - low + 1) * self.chunk_words])
        return out[start - low * self.chunk_words:stop - low * self.chunk_words]

    def _rebuild(self, bad: BlockRequest, error: Exception) -> None:
        """Fill the views of a bad chunk from the parity and all other chunks, and write it once more.

        Raises `error` where another chunk is bad, too, or the result does not have the checksum of the chunk.
        """
        with self._rebuilding:
            packed = page_buffer(self._batch * self.chunk_bytes).reshape(self._batch, -1)
            limbs = self.parity.copy()
            others = [c for c in range(self.first, self.chunks) if self.is_stored(c) and c != bad.index]
            for low in range(0, len(others), self._batch):
                batch = others[low:low + self._batch]
                try:
                    self.volume.read([self.request(c, packed[i]) for i, c in enumerate(batch)], self.sums).wait()
                except (ChecksumError, InputOutputError):
                    raise error from None
                for i in range(len(batch)):
                    limbs ^= packed[i].view(np.uint64)
            if checksum(limbs) != int(self.sums[bad.index]):
                raise error
            bad.views[0].view(np.uint64)[:] = limbs
            self.volume.write([bad]).wait()

    # -- records -----------------------------------------------------------------------

    def known(self, chunks: np.ndarray | slice) -> dict[str, np.ndarray]:
        """The known facts of these chunks, as arrays for a journal; the parity is not among them."""
        return {"kinds": self.kinds[chunks], "sums": self.sums[chunks], "residues": self.residues[chunks],
                "edges": self.edges[chunks]}

    def know(self, chunks: np.ndarray | slice, arrays: dict[str, np.ndarray]) -> None:
        """Restore what `known` gave for these chunks, and the parity where `arrays` has it."""
        for name in ("kinds", "sums", "residues", "edges"):
            getattr(self, name)[chunks] = arrays[name]
        if "parity" in arrays:
            self.parity[:] = arrays["parity"]

    # -- corrections ----------------------------------------------------------------

    def add(self, values: Iterable[tuple[int, int]]) -> int:
        """Add value * radix^at for each (at, value); returns the carry out of the top.

        Pages of chunks are overwritten in place, so their new bytes are recorded first.
        """
        todo: dict[int, list[tuple[int, int]]] = {}
        for at, value in values:
            if at < self.first * self.chunk_words:
                chunk, at = divmod(at, self.chunk_words)
                self.residues[chunk] = (int(self.residues[chunk]) + value * self.words.power(at)) % MERSENNE_61
            elif value:
                todo.setdefault(at // self.chunk_words, []).append((at % self.chunk_words, value))
        step = self._recorder.step(f"{self.name}, add")
        parity = self.parity.view(np.uint8)
        for _, arrays in step.records:
            self.know(arrays["chunks"], arrays)
            start = int(arrays["parity_start"])
            parity[start:start + arrays["parity_pages"].size] = arrays["parity_pages"]
        if step.records:    # the process that recorded this batch may have ended before it was written
            self._write(_changes(step.records[-1][1]))
            todo = {c: [tuple(change) for change in changes] for c, changes in step.records[-1][0]["todo"]}
        unit = step.done
        while todo and min(todo) < self.chunks:
            batch = [(c, todo.pop(c)) for c in sorted(todo)[:self._batch] if c < self.chunks]
            changes = self._add_batch(batch, todo)
            chunks = np.array([c for c, _ in batch])
            start = min((start for _, start, _ in changes), default=0)
            stop = max((start + len(pages) for _, start, pages in changes), default=0)
            step.finished(unit, {"todo": sorted(todo.items())}, {
                "chunks": chunks, **self.known(chunks),
                "parity_start": np.array(start), "parity_pages": self.parity.view(np.uint8)[start:stop].copy()}, {
                "changed": np.array([(c, start, len(pages)) for c, start, pages in changes], np.int64).reshape(-1, 3),
                "pages": np.concatenate([np.empty(0, np.uint8), *(pages for _, _, pages in changes)])})
            step.flush()
            self._write(changes)
            unit += 1
        return sum(value * self.radix**at for changes in todo.values() for at, value in changes)

    def _write(self, changes: Iterable[tuple[int, int, np.ndarray]]) -> None:
        """Write changed pages of those chunks that are stored, as `_add_batch` gives them, and wait."""
        self.volume.write([self.request(c, pages, start) for c, start, pages in changes if self.is_stored(c)]).wait()

    def _add_batch(self, batch: list, todo: dict) -> list[tuple[int, int, np.ndarray]]:
        """Add to the chunks of a batch, carries out of them going to `todo`; returns (chunk, first byte of the pages
        that are changed, these pages) for each chunk that was stored or is; they are 0 where it no longer is."""
        words = np.empty(self.chunk_words, np.int32)
        packed = page_buffer(len(batch) * self.chunk_bytes).reshape(len(batch), -1)
        uniform = self._shortcuts(batch)
        self.fetch([(c, packed[i]) for i, (c, _) in enumerate(batch) if c not in uniform and self.is_stored(c)]).wait()
        changed = []
        for i, (c, changes) in enumerate(batch):
            carry = uniform.get(c)
            if carry is None:
                self.unpack(c, packed[i], words)
                before = packed[i].copy() if self.is_stored(c) else None
                if before is not None:
                    self._combine(before.view(np.uint64))
                carry = sum(self.words.add_at(words, at, value) for at, value in changes)
                if not self.set_chunk(c, words, packed[i]):
                    packed[i] = 0
                start, stop = (0, self.chunk_bytes) if before is None else _different_pages(before, packed[i])
                changed.append((c, start, packed[i][start:stop]))
            if carry:
                todo.setdefault(c + 1, []).append((0, carry))
        return changed

    def _shortcuts(self, batch: list) -> dict[int, int]:
        """Let a carry of 1 into chunks of words radix - 1, or of -1 into chunks of 0, ripple through without reading.

        Returns {chunk: carry out of it}; these chunks have changed their kind.
        """
        done = {}
        for c, changes in batch:
            if self.kinds[c] == NINES and changes == [(0, 1)]:
                self.fill(c, ZEROS)
                done[c] = 1
            elif self.kinds[c] == ZEROS and changes == [(0, -1)]:
                self.fill(c, NINES)
                done[c] = -1
        return done

    def fill(self, chunk: int, kind: int) -> None:
        """Make all words of a chunk 0 (kind ZEROS) or radix - 1 (kind NINES)."""
        word = self.radix - 1 if kind == NINES else 0
        self.kinds[chunk], self.edges[chunk] = kind, word
        self.residues[chunk] = self.words.power(self.chunk_words) - 1 if kind == NINES else 0

    def store(self, read: Callable[[int, int], np.ndarray]) -> None:
        """Write the whole number; read(start, stop) returns its words start .. stop-1."""
        padded = np.zeros(self.chunk_words, np.int32)
        for low in range(0, self.chunks, self._batch):
            high = min(low + self._batch, self.chunks)
            packed = page_buffer((high - low) * self.chunk_bytes).reshape(high - low, -1)
            requests = []
            for c in range(low, high):
                piece = read(c * self.chunk_words, min((c + 1) * self.chunk_words, self.length))
                if len(piece) < self.chunk_words:
                    padded[:len(piece)] = piece
                    piece = padded
                if self.set_chunk(c, piece, packed[c - low]):
                    requests.append(self.request(c, packed[c - low]))
            self.volume.write(requests).wait()

    def pieces(self) -> Iterator[dict[str, np.ndarray]]:
        """All stored chunks, packed, for a copy; the arrays of a piece are overwritten by the next one."""
        packed = page_buffer(self._batch * self.chunk_bytes).reshape(self._batch, -1)
        stored = [c for c in range(self.first, self.chunks) if self.is_stored(c)]
        for low in range(0, len(stored), self._batch):
            batch = stored[low:low + self._batch]
            self._fetch([self.request(c, packed[i]) for i, c in enumerate(batch)], checked=True).start().wait()
            yield {"chunks": np.array(batch), "packed": packed[:len(batch)]}

    def put(self, piece: dict[str, np.ndarray]) -> None:
        """Write a piece that `pieces` gave; raises FaultError for a chunk that does not have its known checksum."""
        chunks = piece["chunks"].tolist()
        packed = page_buffer(len(chunks) * self.chunk_bytes).reshape(len(chunks), -1)
        packed[:] = piece["packed"]
        if [checksum(each) for each in packed] != self.sums[chunks].tolist():
            raise FaultError("a copied level is not what was computed")
        self.volume.write([self.request(c, packed[i]) for i, c in enumerate(chunks)]).wait()

    # -- what is known without reading -------------------------------------------------

    def residue(self, start_chunk: int = 0, stop_chunk: int | None = None) -> int:
        """The words of these chunks as a number, modulo 2^61 - 1."""
        step, total = self.words.power(self.chunk_words), 0
        for residue in self.residues[start_chunk:stop_chunk][::-1].tolist():
            total = (total * step + residue) % MERSENNE_61
        return total

    def first_word(self, chunk: int) -> int:
        """First word of a chunk; 0 outside the number."""
        return int(self.edges[chunk, 0]) if 0 <= chunk < self.chunks else 0

    def last_word(self, chunk: int) -> int:
        """Last word of a chunk; 0 outside the number."""
        return int(self.edges[chunk, 1]) if 0 <= chunk < self.chunks else 0


def _different_pages(a: np.ndarray, b: np.ndarray) -> tuple[int, int]:
    """Where two arrays of bytes differ, in whole pages; one page at least."""
    limbs = BLOCK_BYTES // 8
    pages = np.flatnonzero((a.view(np.uint64) != b.view(np.uint64)).reshape(-1, limbs).any(axis=1))
    first, last = (int(pages[0]), int(pages[-1])) if pages.size else (0, 0)
    return first * BLOCK_BYTES, (last + 1) * BLOCK_BYTES


def _changes(arrays: dict[str, np.ndarray]) -> Iterator[tuple[int, int, np.ndarray]]:
    """Changed pages from a record of `Number.add`, as `_add_batch` gives them."""
    whole = page_buffer(arrays["pages"].size)
    whole[:arrays["pages"].size] = arrays["pages"]
    at = 0
    for chunk, start, size in arrays["changed"].tolist():
        yield chunk, start, whole[at:at + size]
        at += size
