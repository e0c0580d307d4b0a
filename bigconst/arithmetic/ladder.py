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

LOW_WORDS = 5
"""Lowest words of y, and of floor(u/B^k), that a certificate needs: its c and c2 are below half of B^5."""


@dataclass(frozen=True)
class LadderBounds:
    """A small integer, and lengths that follow from it and the radix."""

    d: int
    overlap: int
    """words by which three times the old length exceeds the new one, at least"""
    guard: int
    """words by which |e| may be longer than y"""


def words_below(machine, bounds: LadderBounds, words: int) -> int:
    """k for K = `words`."""
    return machine.round_up(-(-(words + bounds.overlap) // 3))


def inverse_root(machine, bounds: LadderBounds, words: int, proved: tuple[int, int] | None = None):
    """y near B^words/sqrt(d), as `level` makes it."""
    if words <= START_WORDS:
        return machine.integer("start", lambda: isqrt(machine.radix ** (2 * words) // bounds.d), words)
    below = words_below(machine, bounds, words)
    y = machine.call("ladder", inverse_root, bounds, below)
    return machine.call("level", level, bounds, y, below, words, proved, numbered=True)


def level(machine, bounds: LadderBounds, y, k: int, words: int, proved: tuple[int, int] | None):
    """y' near B^words/sqrt(d), from y near B^k/sqrt(d).

    With `proved`, which is (K', g), also the lowest words of y, of floor(u/B^k), of u and of v: the last two up to
    3k - K' and 4k - K' words, and g more.  The certificate is made of them (constants.ladderproof).
    """
    guard, o, discarded = bounds.guard, 3 * k - words, 4 * k - words
    with machine.stage("e"):
        e = machine.products("e", [(y, y)], k + guard, times=bounds.d, plus=[(-1, None, 2 * k)])
    with machine.stage("u"):
        spectrum = machine.spectrum("spectrum", e, 2 * (k + guard))
        u = machine.products("u", [(y, spectrum)], 2 * (k + guard), cut=k)
    with machine.stage("v"):
        v = machine.products("v", [(u.high(k), spectrum)], 2 * k + 3 * guard, cut=discarded,
                             discard=0 if proved else discarded)
    kept = ()
    if proved:
        with machine.stage("proof"):
            end, more = proved
            kept = (machine.low("low y", y, LOW_WORDS), machine.low("middle u", u.high(k), LOW_WORDS),
                    machine.low("low u", u, 3 * k - end + more), machine.low("low v", v, 4 * k - end + more))
    with machine.stage("sum"):
        y = machine.update("y", y, u, v, (o, discarded), words)
    return (y, *kept) if kept else y
