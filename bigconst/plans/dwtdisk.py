"""Transforms modulo 2^p - 1 that lie on disk: how one is cut into tiles, and what its passes take.

Pure functions.  A tile is `tile_width` vectors of one row (4 KiB or more), a
slab the same columns of all rows.  An iteration reads rows and writes them to
another region, then reads slabs there and writes them back: what a pass reads
stays intact until everything that it writes is recorded, so that a killed run
loses no more than its last units.
"""

from dataclasses import dataclass, replace

from bigconst.base.errors import DoesNotFit
from bigconst.base.units import format_bytes
from bigconst.plans.accounts import Traffic
from bigconst.plans.diskshape import MIN_TILE_WIDTH, row_buffers
from bigconst.plans.dwtshape import ROW_LOG, DwtShape
from bigconst.plans.shape import LANES, VECTOR_BYTES

PARTS = 8
"""Most parts that a slab's columns are cut into, each computed by one thread.  The cut does not follow the number of
threads, so results do not depend on it."""

TILE_WIDTH = 1024
"""Most vectors of a tile: 128 KiB."""

UNIT_BYTES = 4 << 20
"""Most bytes of rows that are read and written together, unless one row is longer."""

RECORD_BYTES = 1 << 20
"""Journal bytes of an iteration, without the checksums of its tiles."""


@dataclass(frozen=True)
class DwtDisk:
    """A transform modulo 2^p - 1 in tiles on a volume."""

    shape: DwtShape
    tile_width: int
    unit_rows: int
    """rows that are read, squared and written together"""
    threads: int
    products: bool
    """whether products of two residues are taken, in addition to squares"""

    @property
    def rows(self) -> int:
        """Number of rows of transform data."""
        return self.shape.rows

    @property
    def slabs(self) -> int:
        """Number of slabs, and of tiles in a row."""
        return self.shape.width // self.tile_width

    @property
    def parts(self) -> int:
        """Number of parts that a slab is cut into."""
        return min(PARTS, self.tile_width // self.shape.block)

    @property
    def tile_bytes(self) -> int:
        """Size of a tile, which is contiguous on disk."""
        return VECTOR_BYTES * self.tile_width

    @property
    def region_bytes(self) -> int:
        """Size of all tiles."""
        return self.rows * self.slabs * self.tile_bytes

    @property
    def regions(self) -> int:
        """Number of regions: an iteration goes from one to another and back; a third holds a spectrum for products."""
        return 3 if self.products else 2

    @property
    def scratch_bytes(self) -> int:
        """Size of the volume."""
        return self.regions * self.region_bytes

    @property
    def journal_bytes(self) -> int:
        """Most bytes that the journal takes: the records of 16 iterations."""
        return 16 * (RECORD_BYTES + 16 * self.rows * self.slabs)

    @property
    def traffic(self) -> Traffic:
        """Bytes that one iteration reads and writes."""
        slab = self.rows * self.tile_bytes
        return Traffic(2 * self.region_bytes + slab, 2 * self.region_bytes)

    @property
    def workspace_bytes(self) -> int:
        """Working memory of the passes."""
        s = self.shape
        part = 8 * (8 * s.block * s.height + s.height)
        slabs = row_buffers(1) * self.rows * self.tile_bytes + self.parts * part + self.threads * 8 * s.buffer_doubles
        rows = row_buffers(2 if self.products else 1) * self.unit_rows * VECTOR_BYTES * s.width
        return max(slabs, rows) + 16 * 4096


def dwt_disk(shape: DwtShape, threads: int, products: bool, workspace_bytes: int) -> DwtDisk:
    """The transform of shape.words words with the largest tiles that fit.

    Its rows may differ from those of `shape`: longer rows make slabs with tiles of one page smaller.
    Raises DoesNotFit when the transform is too short for passes over disk, or needs more memory than allowed.
    """
    narrowest = [DwtDisk(each, MIN_TILE_WIDTH, 1, threads, products) for each in _cuts(shape)]
    if not narrowest:
        #: It fits memory: allow it more with `--workspace` or `--memory`.
        raise DoesNotFit(f"a transform of {shape} words is too short for passes over disk",
                         "allow more with --workspace or --memory")
    fitting = next((disk for disk in narrowest if disk.workspace_bytes <= workspace_bytes), None)
    if fitting is None:
        least = min(disk.workspace_bytes for disk in narrowest)
        raise DoesNotFit(f"passes over a transform of {shape} words on disk need {format_bytes(least)}, "
                         f"{format_bytes(workspace_bytes)} are allowed",
                         f"allow it with --workspace {-(-least >> 20)}MiB")
    for field, most in (("tile_width", min(TILE_WIDTH, fitting.shape.width)),
                        ("unit_rows", min(fitting.rows, UNIT_BYTES // (VECTOR_BYTES * fitting.shape.width)))):
        while (size := 2 * getattr(fitting, field)) <= most:
            larger = replace(fitting, **{field: size})
            if larger.workspace_bytes > workspace_bytes:
                break
            fitting = larger
    return fitting


def _cuts(shape: DwtShape) -> list[DwtShape]:
    """Shapes of the same length whose rows hold at least a page of data; first the one whose rows come nearest to
    128 KiB, which suits the second-level cache."""
    found = []
    height, width = shape.height, shape.width
    while height % 8 == 0:
        if width >= MIN_TILE_WIDTH:
            found.append(DwtShape(height, width))
        height, width = height // 2, 2 * width
    return sorted(found, key=lambda cut: abs(cut.width - (1 << ROW_LOG) // LANES))
