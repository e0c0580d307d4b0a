"""A run on disk, in its three parts: the root, its remainder, the files."""

from collections.abc import Callable

from bigconst.arithmetic.disk.newton import DiskLadder
from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.passes import DiskWorkspace
from bigconst.arithmetic.disk.products import DiskProducts
from bigconst.arithmetic.disk.reader import Reader
from bigconst.arithmetic.disk.stages import Stages
from bigconst.arithmetic.ladder import inverse_root
from bigconst.arithmetic.memory.machine import MemoryMachine
from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.words import Words
from bigconst.base.formats import PACKED_PIECE_WORDS
from bigconst.constants import diskroot
from bigconst.constants.files import Files
from bigconst.constants.planning import bounds_of
from bigconst.plans.plan import Plan
from bigconst.runtime.arena import Arena
from bigconst.runtime.levelstore import LevelStore
from bigconst.runtime.pipeline import Pipeline
from bigconst.runtime.recorder import Recorder
from bigconst.runtime.stream import slots
from bigconst.storage.atomicfile import StdoutText
from bigconst.storage.volume import Volume


class DiskRun:
    """A run on disk: `root`, then `remainder` where a certificate is wanted, then `write_files`."""

    def __init__(self, plan: Plan, words: Words, products: Products, emit: Callable, volume: Volume,
                 recorder: Recorder, stop: Callable[[], bool], store: LevelStore | None = None):
        """`store` receives levels that are computed in memory, and copies of those on disk if it lies outside the
        scratch."""
        self.plan, self.words, self.volume, self._store = plan, words, volume, store
        self._bounds = bounds_of(plan, certified=plan.certified)
        self._stop = stop
        self.levels: list[dict] = []
        self._arena = Arena(max(plan.arena_bytes, plan.disk.used_bytes))
        self._pipeline = Pipeline(stop)
        scratch = DiskWorkspace(volume, words, self._arena, self._pipeline, recorder, products.faults.note)
        self.stages = Stages(plan.disk, scratch, emit)
        self._products = DiskProducts(plan.disk, scratch, products, store)

    @property
    def longest_unit_s(self) -> float:
        """Seconds that the longest unit took; units are recorded as a whole."""
        return self._pipeline.slowest_unit_s

    def root(self) -> tuple[Number, int]:
        """x as K + 1 words, right down to the last written digit, and its residue."""
        plan, products = self.plan, self._products
        if (known := products.finished("root")) is not None:
            return known
        y, residue = None, 0
        if not plan.constant.is_integer:
            y, residue = DiskLadder(plan, products, self.stages).inverse_root(self._in_memory)
        with self.stages.stage("root"):
            x, residue = diskroot.root(plan, products, y, residue)
            if y is not None:
                residue = diskroot.settled(plan, self._bounds, products, x, residue)
        products.finish("root", x, residue)
        return x, residue

    def _in_memory(self) -> tuple[Number, int]:
        """Compute the levels that fit memory; returns their last y, on the volume, and its residue."""
        disk, products = self.plan.disk, self._products
        first = disk.place("ladder in memory", "ladder in memory")
        with self.stages.stage("ladder in memory"):
            for attempt in products.attempts("ladder in memory"):
                with attempt:
                    machine = MemoryMachine(self.plan.trace, products.products, self._arena, lambda event: None,
                                            store=self._store, stop=self._stop)
                    found = machine.run(inverse_root, self._bounds.ladder, disk.memory_words)
                    y, residue = products.number(first, disk.memory_words, name="ladder in memory"), found.residue
                    y.store(found.words)
                    self.levels = machine.records
                    break
            self._arena.release(0)
        return y, residue

    def remainder(self, x: Number, residue: int) -> tuple[Operand, int]:
        """The remainder of the written digits, as it is stored, and its residue."""
        with self.stages.stage("remainder"):
            if self.plan.constant.is_integer:
                return Operand(self._products.number(self.plan.disk.place("remainder", "r"), self.plan.words + 1)), 0
            return diskroot.remainder(self.plan, self._bounds, self._products, x, residue)

    def write_files(self, x: Number, residue: int, r: tuple[Operand, int] | None, text,
                    certificate) -> tuple[str, int]:
        """Write the digits, and the certificate where there is an r; returns the last digits and the digit hash.

        Space on the volume that is no longer needed is given back first.
        """
        plan = self.plan
        self._arena.drop()
        # A square that was repeated on smaller words lies behind all planned addresses.
        kept_bytes = max(plan.disk.kept_bytes, r[0].number.end if r is not None else 0)
        self.volume.resize(min(self.volume.size_bytes, kept_bytes))
        # Chunks to cache: those of a piece of text or certificate for every slot.
        kept = slots(plan.threads) * (1 + PACKED_PIECE_WORDS // plan.disk.chunk_words)
        files = Files(plan, self._bounds, self.words, text, certificate)

        def write() -> tuple[str, int]:
            read_x = Reader(Operand(x), kept)
            written = files.write_text(read_x, residue)
            if r is not None:
                files.write_certificate(read_x, Reader(r[0], kept), r[1])
            return written

        with self.stages.stage("files"):
            if isinstance(text, StdoutText):        # what is printed cannot be printed again
                return write()
            for attempt in self._products.faults.attempts("files"):
                with attempt:
                    return write()
