"""What all passes of a run on disk share."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bigconst.arithmetic.words import Words
from bigconst.runtime.arena import Arena
from bigconst.runtime.pipeline import Pipeline
from bigconst.runtime.recorder import Recorder
from bigconst.storage.volume import Volume


@dataclass(frozen=True)
class DiskWorkspace:
    """The volume, the memory and the services that all passes of a run share."""

    volume: Volume
    words: Words
    arena: Arena
    pipeline: Pipeline
    recorder: Recorder = field(default_factory=Recorder)
    note: Callable[[str, str, str], None] = lambda kind, where, message: None
    """called with (kind, where, message) for blocks that were bad and have been repaired"""
