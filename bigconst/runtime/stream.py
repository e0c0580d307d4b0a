"""Work on the pieces of a file: made on all threads, taken in order."""

from collections.abc import Callable
from typing import Any

from bigconst.runtime.threads import Pool


def slots(pool: Pool) -> int:
    """Slots that `in_order` hands out, for the caller's buffers."""
    return 4 * pool.threads


def in_order(pool: Pool, count: int, make: Callable[[int, int], Any], take: Callable[[Any], None]) -> None:
    """take(make(i, slot)) for i = 0 .. count-1: make on all threads, take in order while the next ones are made.

    A slot (0 .. slots(pool)-1) is used again only after the result made in it was taken.
    """
    width = 2 * pool.threads
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
