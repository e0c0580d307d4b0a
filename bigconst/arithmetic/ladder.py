"""The inverse square root of a small integer, by a ladder of Newton's iteration of third order.

With B the radix and y near B^k/sqrt(d):

    e  = d*y^2 - B^(2k)              exact; |e| is about B^k, so it is computed modulo B^N + 1 with N little above k
    u  = y*e                         exact
    v  = floor(u/B^k)*e              exact
    y' = y*B^(K-k) - floor(u/B^(3k-K)/2) + 3*floor(v/B^(4k-K)/8),   K <= 3k - overlap

from 1/sqrt(d) = (y/B^k) (1 + t)^(-1/2), t = e/B^(2k), to the third term; the error stays below Y_ERROR units of the
last word (constants.roots, docs/newton.md).
"""

from dataclasses import dataclass
from math import isqrt

START_WORDS = 400
"""The ladder starts from an integer square root of at most this many words."""


@dataclass(frozen=True)
class LadderBounds:
    """A small integer, and lengths that follow from it and the radix."""

    d: int
    overlap: int
    """words by which three times the old length exceeds the new one, at least"""
    guard: int
    """words by which |e| may be longer than y"""


def inverse_root(machine, bounds: LadderBounds, words: int):
    """y near B^words/sqrt(d)."""
    if words <= START_WORDS:
        return machine.integer("start", lambda: isqrt(machine.radix ** (2 * words) // bounds.d), words)
    below = machine.round_up(-(-(words + bounds.overlap) // 3))
    y = machine.call("ladder", inverse_root, bounds, below)
    return machine.call("level", level, bounds, y, below, words, numbered=True)


def level(machine, bounds: LadderBounds, y, k: int, words: int):
    """y near B^words/sqrt(d), from y near B^k/sqrt(d)."""
    guard, o, discarded = bounds.guard, 3 * k - words, 4 * k - words
    with machine.stage("e"):
        e = machine.products("e", [(y, y)], k + guard, times=bounds.d, plus=[(-1, None, 2 * k)])
    with machine.stage("u"):
        spectrum = machine.spectrum("spectrum", e, 2 * (k + guard))
        u = machine.products("u", [(y, spectrum)], 2 * (k + guard), cut=k)
    with machine.stage("v"):
        v = machine.products("v", [(u.high(k), spectrum)], 2 * k + 3 * guard, discard=discarded)
    with machine.stage("sum"):
        return machine.update("y", y, u, v, (o, discarded), words)
