"""Where a run keeps what it has finished, and what of that is there when it begins."""

from dataclasses import dataclass

from bigconst.runs.lanes import ScratchDisks


@dataclass(frozen=True)
class Places:
    """Where a run is kept, and what of it is there already."""

    fields: dict
    """what its manifests say, but for the unfinished files"""
    disks: ScratchDisks | None = None
    """of a run on disk"""
    depot: str | None = None
    """directory for levels"""
    outside: bool = False
    """whether that is a --checkpoint directory"""
    depot_kept: bool = False
    """whether what it holds is of this run"""
    before: dict | None = None
    """manifest of an earlier process that is gone on from"""
    scratch_kept: bool = False
    """whether its scratch is there and goes on"""
    note: str | None = None
    """what a person should know of them"""
