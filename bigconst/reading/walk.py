"""A walk in the plane along the digits of a file."""

import math
from collections.abc import Callable

import numpy as np

from bigconst.reading.source import DIGITS, DigitText, in_pieces

POINTS = 20_000
"""Approximate number of points of the walk; more would lie on top of each other in a picture."""


def walk(text: DigitText, threads: int, done: Callable[[int], None] = lambda digits: None) -> np.ndarray:
    """About POINTS points of the walk, complex: its start 0, and where it is after some digits, the last among them.

    Digit d is a step of length 1 in the direction exp(2 pi i d/base).  `done` receives the number of digits read.
    Raises InputOutputError when a character is no digit.
    """
    steps = np.full(256, np.nan + 0j, dtype=np.complex64)
    for d, character in enumerate(DIGITS[text.base]):
        angle = 2 * math.pi * d / text.base
        steps[character] = complex(math.cos(angle), math.sin(angle))
    stride = max(1, text.digits // POINTS)
    moves = [np.zeros(1, dtype=complex)]

    def make(slot: int, start: int, digits: np.ndarray) -> np.ndarray:
        return np.add.reduceat(steps[digits], np.arange(0, len(digits), stride))

    def take(start: int, digits: np.ndarray, made: np.ndarray) -> None:
        if np.isnan(made).any():
            text.check(start, digits)
        moves.append(made.astype(complex))

    in_pieces(text, 0, text.digits, threads, make, take, done)
    return np.cumsum(np.concatenate(moves))
