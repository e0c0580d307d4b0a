"""Transform data on a volume, in tiles."""

from typing import Protocol

import numpy as np

from bigconst.plans.diskshape import SPARE_ROWS
from bigconst.storage.volume import BlockRequest


class Cut(Protocol):
    """How transform data is cut: rows, tiles of a row, bytes of a tile."""

    rows: int
    slabs: int
    tile_bytes: int


class Tiles:
    """Transform data at an address of the volume.

    Rows of data that is transformed in place lie SPARE_ROWS places `behind` their final place until a pass over rows
    writes them there: so no row is overwritten before it was read.  The tiles of a row are rotated by its number, so
    that those of a slab lie on different lanes.
    """

    def __init__(self, shape: Cut, address: int, behind: bool = True):
        self.shape, self.address = shape, address
        self.sums = np.zeros(shape.rows * shape.slabs, np.uint64)
        self.behind = behind

    def slab(self, slab: int) -> np.ndarray:
        """Indices of the checksums of a slab's tiles."""
        return np.arange(self.shape.rows) * self.shape.slabs + slab

    def request(self, row: int, slab: int, view: np.ndarray, behind: bool | None = None) -> BlockRequest:
        """The transfer of a tile; `behind` says where its row lies, None where all rows lie."""
        s = self.shape
        place = row + (SPARE_ROWS if (self.behind if behind is None else behind) else 0)
        at = self.address + (place * s.slabs + (slab + row) % s.slabs) * s.tile_bytes
        return BlockRequest(at, [view], row * s.slabs + slab)
