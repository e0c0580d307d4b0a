"""The outcome of a run, which its report shows."""

from dataclasses import dataclass, field


@dataclass
class RunOutcome:
    """The results of a finished run that its report shows."""

    seconds: dict[str, float]
    levels: list[dict]
    max_roundoff: float
    faults: dict[str, int]
    last_digits: str
    digit_hash: int
    """floor(x * base^digits) modulo 2^61 - 1"""
    stages: list[dict] = field(default_factory=list)
    """record of each stage of the plan of a run on disk: seconds, bytes, waiting; empty for a run in memory"""
    longest_unit_s: float = 0.0
    """longest time between two moments at which a run on disk could have been interrupted and resumed; 0 in memory"""
