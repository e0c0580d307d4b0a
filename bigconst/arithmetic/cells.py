"""Products of primes in memory (arithmetic.primes)."""

from functools import lru_cache

import numpy as np

from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.sieve import Interval, PrimesOf
from bigconst.arithmetic.subtree import Found, Subtree
from bigconst.arithmetic.terms import ListedTerms
from bigconst.runtime.threads import Pool


def cell(primes: PrimesOf, cells: int, index: int, products: Products, memory: np.ndarray) -> Found:
    """One of so many cells of a product, in `memory` and about as much beside it."""
    pool = products.words.pool
    made = primes.listed(_cut(primes, cells, pool)[index], pool, lambda found, _: found.copy())
    values = np.concatenate([np.ones(1, np.int64), *made])
    terms = ListedTerms(int(values.max()), values)
    words, sign, residue = Subtree(terms, 0, len(values), len(values), ("P",)).number("P", products, memory)
    return words[:int(np.flatnonzero(words)[-1]) + 1], sign, residue


@lru_cache(maxsize=4)
def _cut(primes: PrimesOf, cells: int, pool: Pool) -> list[list[Interval]]:
    """The segments of each cell: what the primes of a cell make is about as long as that of others."""
    segments = primes.segments
    if cells == 1:
        return [segments]
    logs = np.cumsum([0.0, *primes.listed(segments, pool, lambda _, logarithm: logarithm)])
    cuts = [*np.searchsorted(logs, logs[-1] * np.arange(cells) / cells).tolist(), len(segments)]
    return [segments[start:stop] for start, stop in zip(cuts, cuts[1:], strict=False)]
