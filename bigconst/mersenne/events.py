"""Events that a test emits, besides `bigconst.base.events.Fault`."""

from dataclasses import dataclass

from bigconst.plans.dwtshape import DwtShape


@dataclass(frozen=True)
class Resumed:
    """The test is resumed at `iteration`; the save files with the paths in `bad` could not be used."""

    exponent: int
    iteration: int
    bad: tuple[str, ...]


@dataclass(frozen=True)
class Advanced:
    """The test is at `iteration` of `total`."""

    exponent: int
    iteration: int
    total: int
    ms_per_iteration: float
    roundoff: float
    """largest |x - rint(x)| of this process so far"""
    res64: int
    """last 64 bits of the residue at the last look, which may be some iterations ago"""

    @property
    def left_s(self) -> float:
        """Seconds to the end at the present pace."""
        return (self.total - self.iteration) * self.ms_per_iteration / 1000


@dataclass(frozen=True)
class Repeated:
    """The first of two runs ended with the result in `sentence`; the second begins, with transforms of `shape`."""

    sentence: str
    shape: DwtShape


@dataclass(frozen=True)
class Proving:
    """A proof is being made: `done` of its `products` are done."""

    exponent: int
    power: int
    done: int
    products: int


@dataclass(frozen=True)
class ProofChecked:
    """A proof is being checked: `done` of its `power` halves are, and then squarings follow (Advanced)."""

    exponent: int
    done: int
    power: int


@dataclass(frozen=True)
class ProofNews:
    """What the user should know of the proof of a test, in words."""

    exponent: int
    text: str


@dataclass(frozen=True)
class PartBegun:
    """A worker of a cluster goes on with the test of this kind (LL, PRP-3 or Cert) from `iteration` of `total`."""

    kind: str
    exponent: int
    iteration: int
    total: int
    worker: str


@dataclass(frozen=True)
class PartDone:
    """A worker has brought the test to `iteration` of `total`, in `seconds`."""

    kind: str
    exponent: int
    iteration: int
    total: int
    worker: str
    seconds: float
    ms_per_iteration: float


@dataclass(frozen=True)
class PartFailed:
    """Nothing becomes of what a worker computed from `iteration` on, for the reason in `why`; it is done again."""

    kind: str
    exponent: int
    iteration: int
    worker: str
    why: str


@dataclass(frozen=True)
class Concluded:
    """The test of 2^exponent - 1 is decided, by its last residue or by a factor; `sentence` states the result."""

    exponent: int
    sentence: str
