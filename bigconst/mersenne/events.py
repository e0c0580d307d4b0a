"""What a test tells its listener, beside bigconst.base.events.Fault."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Resumed:
    """The test goes on from here; the save files in `bad` could not be used."""

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
    """The largest so far."""
    res64: int
    """Of the residue at the last look."""

    @property
    def left_s(self) -> float:
        """Time to the end at this pace."""
        return (self.total - self.iteration) * self.ms_per_iteration / 1000


@dataclass(frozen=True)
class Repeated:
    """A first run came to what `sentence` says; the second one begins, with transforms of `shape`."""

    sentence: str
    shape: Any


@dataclass(frozen=True)
class Concluded:
    """The test, or a factor that was found, came to what `sentence` says."""

    exponent: int
    sentence: str
