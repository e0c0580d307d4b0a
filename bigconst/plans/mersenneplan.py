"""The plan of a test of a Mersenne number: transform, memory, and whether the transform lies in memory or on disk.

Pure functions.  A residue of p bits always stays in memory.  Its transform is
three to four times as large; where it does not fit, it lies on disk and is
transformed there in passes.
"""

from dataclasses import dataclass

from bigconst.base.errors import DoesNotFit
from bigconst.base.units import format_bytes, format_count
from bigconst.plans.accounts import Traffic
from bigconst.plans.dwtdisk import DwtDisk, dwt_disk
from bigconst.plans.dwtshape import DwtShape, dwt_shape
from bigconst.plans.plan import DISK_PROCESS_BYTES, fingerprint

DEFAULT_SAVE_EVERY_S = 600.0
"""Seconds between the save files of a test."""
DEFAULT_PART_S = 900.0
"""Seconds of a part of a test on a cluster, after which it is saved."""

RESIDUES = 16
"""Most integers of p bits that exist at a time: saved residues to return to, conversions and checks."""


@dataclass(frozen=True)
class MersennePlan:
    """Everything a test needs to know before it begins."""

    exponent: int
    iterations: int
    threads: int
    shape: DwtShape
    disk: DwtDisk | None
    """layout of the transform on disk; None for one in memory"""
    products: bool
    """whether products of residues are taken, as a PRP test does"""

    @property
    def residue_bytes(self) -> int:
        """Memory of the residue's words and of integers of p bits, which are never on disk."""
        return 4 * self.shape.words + RESIDUES * (self.exponent // 8)

    @property
    def transform_bytes(self) -> int:
        """Memory of the transform, or of the passes over it where it lies on disk."""
        return (self.shape.arena_bytes(self.threads, self.products) if self.disk is None
                else self.disk.workspace_bytes)

    @property
    def peak_memory_bytes(self) -> int:
        """Upper bound on the memory of the process."""
        return DISK_PROCESS_BYTES + self.residue_bytes + self.transform_bytes

    @property
    def fingerprint(self) -> str:
        """Hash of everything that a run goes by and stores: a program with the same one can continue the run."""
        return fingerprint(self.shape, self.disk)

    # The scratch of a run is made from these; they exist only for a transform on disk.

    @property
    def scratch_bytes(self) -> int:
        """Size of the scratch volume."""
        return self.disk.scratch_bytes

    @property
    def stripe_bytes(self) -> int:
        """Stripe unit of the scratch volume."""
        return self.disk.tile_bytes

    @property
    def journal_bytes(self) -> int:
        """Most bytes that the journal takes."""
        return self.disk.journal_bytes

    @property
    def traffic(self) -> Traffic:
        """Bytes of scratch that all iterations read and write."""
        one = self.disk.traffic
        return Traffic(self.iterations * one.read_bytes, self.iterations * one.written_bytes)

    def describe(self) -> str:
        """A line for people about a transform on disk."""
        one = self.disk.traffic
        return (f"M{self.exponent}: the transform of {self.shape} words takes {format_bytes(self.scratch_bytes)} of "
                f"scratch, {format_bytes(one.read_bytes + one.written_bytes)} of traffic an iteration, "
                f"{format_bytes(self.peak_memory_bytes)} of memory")


def make_mersenne_plan(exponent: int, iterations: int, threads: int, memory_bytes: int, *, products: bool = False,
                       words: int | None = None, workspace_bytes: int | None = None,
                       scratch: bool = False) -> MersennePlan:
    """The plan of a chain of squarings modulo 2^exponent - 1.

    memory_bytes     bound on the memory of the process
    products         whether products of residues are taken, in addition to squares
    words            length of the transform; None for the shortest safe one
    workspace_bytes  bound on the memory of a test without DISK_PROCESS_BYTES; on disk, on that of the passes alone
    scratch          whether there are directories for a transform that does not fit memory

    Raises UsageError for an exponent or a length that plans.dwtshape refuses, DoesNotFit when memory is not enough.
    """
    shape = dwt_shape(exponent, words)
    plan = MersennePlan(exponent, iterations, threads, shape, None, products)
    if (plan.peak_memory_bytes <= memory_bytes
            and (workspace_bytes is None or plan.peak_memory_bytes - DISK_PROCESS_BYTES <= workspace_bytes)):
        return plan
    left = memory_bytes - DISK_PROCESS_BYTES - plan.residue_bytes
    if not scratch:
        needed, allowed, option = ((plan.peak_memory_bytes, memory_bytes, "--memory") if workspace_bytes is None else
                                   (plan.peak_memory_bytes - DISK_PROCESS_BYTES, workspace_bytes, "--workspace"))
        #: Name scratch directories with `--swap`, or allow more.
        raise DoesNotFit(f"a test of M{exponent} in memory needs {format_bytes(needed)}, "
                         f"{format_bytes(allowed)} are allowed",
                         f"allow more with {option}, or name scratch directories with --swap")
    if left <= 0:
        #: Some residues stay in memory even when the transform is on disk. Allow more with `--memory`.
        raise DoesNotFit(f"the residues of {format_count(exponent)} bits need "
                         f"{format_bytes(memory_bytes - left)} of memory, {format_bytes(memory_bytes)} are allowed",
                         "allow more with --memory")
    workspace = left if workspace_bytes is None else min(left, workspace_bytes)
    return MersennePlan(exponent, iterations, threads, shape, dwt_disk(shape, threads, products, workspace), products)
