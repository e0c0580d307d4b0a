"""Work on the pieces of a file: results are made on all threads, and taken in order."""

from collections.abc import Callable
from typing import Any

from bigconst.runtime.threads import Pool

WAITING = 2
"""Threads in addition to those that compute, since a piece spends half its time waiting for the disk."""


def _width(threads: int) -> int:
    return 2 * (threads + WAITING)


def slots(threads: int) -> int:
    """Number of slots that `in_order` hands out: as many buffers as a caller needs."""
    return 2 * _width(threads)


def in_order(threads: int, count: int, make: Callable[[int, int], Any], take: Callable[[Any], None]) -> None:
    """Call take(make(i, slot)) for i = 0 .. count-1.

    Results are made on several threads, and taken in order while the next ones are made.
    A slot (0 .. slots(threads)-1) is used again only after the result made in it was taken.
    """
    width = _width(threads)
    with Pool(min(threads + WAITING, count + 1), fewer=True) as pool:     # a run may be at its end here
        _in_order(pool, width, count, make, take)


def _in_order(pool: Pool, width: int, count: int, make: Callable, take: Callable) -> None:
    ready: list = []
    for first in range(0, count + width, width):
        made: dict = {}
        before = ready

        def task(i: int, made: dict = made, before: list = before) -> None:
            if i < 0:
                for result in before:
                    take(result)
            else:
                made[i] = make(i, i % (2 * width))

        pool.run(task, [(-1,), *((i,) for i in range(first, min(first + width, count)))])
        ready = [made[i] for i in sorted(made)]
