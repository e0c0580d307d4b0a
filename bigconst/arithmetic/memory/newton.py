"""The inverse square root by a third-order Newton ladder with an exact residual.

With B the radix and y near B^k/sqrt(d):

    e  = d*y^2 - B^(2k)              exact; |e| is about B^k, so it is computed modulo B^N + 1 with N little above k
    u  = y*|e|                       exact
    v  = floor(u/B^k)*|e|            exact
    y' = y*B^(K-k) - sign(e)*u*B^(K-3k)/2 + 3*v*B^(K-4k)/8,   K <= 3k - overlap

from 1/sqrt(d) = (y/B^k) (1 + t)^(-1/2), t = e/B^(2k), to the third term; the
error stays below 5 units of the last word (docs/newton.md).  At each level
d*y^2 = e + B^(2k), y*|e| = u, floor(u/B^k)*|e| = v and the new y are checked
modulo 2^61 - 1.  The residue of y is carried along from level to level and
never computed anew from memory, which may have changed.
"""

import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from gmpy2 import isqrt, mpz

from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.packed import pieces
from bigconst.base import failpoints
from bigconst.base.errors import FaultError, Interrupted
from bigconst.base.events import StageDone, StageStarted
from bigconst.kernels.pack import pack, packed_limbs, unpack
from bigconst.plans.plan import Level, Plan
from bigconst.plans.shape import Shape
from bigconst.runtime.arena import Arena
from bigconst.runtime.levelstore import LevelStore

SAVE_S = 10.0
"""A finished level is saved when the last save was at least so many seconds ago."""

STORED_NAME = "memory"
"""Name of these levels in a level store."""


class Ladder:
    """Climbs the levels of a plan; y stands at the upper end of its array so that no level moves it."""

    def __init__(self, plan: Plan, products: Products, arena: Arena, emit: Callable, store: LevelStore | None = None,
                 stop: Callable[[], bool] = lambda: False, save_last: bool = True):
        """`store` receives levels that took long, the last one only with `save_last`, and returns those of earlier
        processes.

        When stop() is true after a level, Interrupted is raised, after saving that level if there is a store.
        """
        self.plan = plan
        self.products = products
        self.words = products.words
        self.arena = arena
        self.records: list[dict] = []
        self._emit, self._store, self._stop, self._save_last = emit, store, stop, save_last
        self._modulus = products.words.modulus

    def inverse_root(self) -> tuple[np.ndarray, int]:
        """y near B^K/sqrt(d) as K + 1 words, and its residue."""
        plan = self.plan
        y = self.arena.take(plan.words + 1, np.int32)
        k, residue = self._stored(y) or self._first(y)
        saved_s = time.perf_counter()
        for index, level in enumerate(plan.levels, 1):
            if level.words_out <= k:
                continue
            residue = self._level(y, level, residue, index)
            last, stopped = index == len(plan.levels), self._stop()
            due = stopped or time.perf_counter() - saved_s >= SAVE_S
            if self._store is not None and due and (self._save_last or not last):
                self._save(y, level.words_out, residue)
                saved_s = time.perf_counter()
            if stopped:
                raise Interrupted(resumable=True)
        return y, residue

    def _first(self, y: np.ndarray) -> tuple[int, int]:
        """Put the start of the ladder into y; returns its number of words after the point and its residue."""
        plan = self.plan
        k = plan.levels[0].words_in if plan.levels else plan.words      # a short number is its own start
        start = int(isqrt(mpz(plan.format.radix) ** (2 * k) // plan.constant.d))
        y[plan.words - k:] = self.words.from_int(start, k + 1)
        return k, start % self._modulus.p

    def _level(self, y: np.ndarray, level: Level, residue: int, index: int) -> int:
        """One level with its record; returns the residue of the new y."""
        name = f"{level.words_out * self.plan.format.digits} digits"
        self._emit(StageStarted(name, index, len(self.plan.levels)))
        began, largest = time.perf_counter(), self.products.max_roundoff
        self.products.max_roundoff = 0.0
        mark = self.arena.mark()
        residue = self._step(y, level, residue)
        if failpoints.ACTIVE:
            failpoints.touch("level.words", name, y[self.plan.words - level.words_out:self.plan.words],
                             self.plan.format.radix)
        self.arena.release(mark)
        seconds = time.perf_counter() - began
        self.records.append({"name": name, "words": level.words_out, "seconds": seconds,
                             "max_roundoff": self.products.max_roundoff})
        self.products.max_roundoff = max(self.products.max_roundoff, largest)
        self._emit(StageDone(name, index, len(self.plan.levels), seconds))
        return residue

    # -- stored levels ----------------------------------------------------------------

    def _save(self, y: np.ndarray, k: int, residue: int) -> None:
        """Store the k words of a finished level, packed."""
        words, radix = y[self.plan.words - k:self.plan.words], self.plan.format.radix

        def packed() -> Iterator[dict]:
            for start, stop in pieces(k):
                limbs = np.empty(packed_limbs(stop - start, radix), np.uint64)
                pack(limbs, words[start:stop], radix)
                yield {"packed": limbs}

        self._store.save(STORED_NAME, {"words": k, "residue": int(residue)}, {}, packed())

    def _stored(self, y: np.ndarray) -> tuple[int, int] | None:
        """Put the newest intact level of the store into y; returns its number of words and its residue, or None."""
        sizes = {level.words_out for level in self.plan.levels}
        while self._store is not None and (found := self._store.newest()) is not None:
            fields, _, packed = found
            if fields["name"] != STORED_NAME or fields["words"] not in sizes:
                break
            k, residue = fields["words"], fields["residue"]
            if self._load(y[self.plan.words - k:self.plan.words], packed) == residue:
                y[self.plan.words] = 0
                return k, residue
            self.products.faults.note("residue", f"level of {k} words", "what was saved is not what was computed")
            self._store.reject()
        return None

    def _load(self, words: np.ndarray, packed: Iterable[dict]) -> int:
        """Fill `words` from packed pieces; returns their residue, or -1 if a value is outside 0 .. radix-1."""
        largest = 0
        for (start, stop), arrays in zip(pieces(len(words)), packed, strict=True):
            # Arrays from a file are read-only; the kernel is compiled for writable ones alone.
            largest = max(largest, unpack(words[start:stop], arrays["packed"].copy(), self.plan.format.radix))
        return self.words.residue(words) if largest < self.plan.format.radix else -1

    def _step(self, y: np.ndarray, level: Level, y_residue: int) -> int:
        """One level; returns the residue of the new y."""
        plan, words, p = self.plan, self.words, self._modulus.p
        k, k_out = level.words_in, level.words_out
        old = y[plan.words - k:plan.words]
        where = f"level {k} -> {k_out} words"
        take = self.arena.take
        length = k + plan.residual_guard_words
        work = take(max(level.residual.data_bytes, level.product.data_bytes) // 8)

        e_full = take(level.residual.words, np.int32)
        sign, e_residue = residual(self.products, e_full, old, plan.constant.d, 1, 2 * k, length, level.residual, work,
                                   y_residue, where + ", e")
        e = e_full[:length]

        spectrum = take(level.product.data_bytes // 8)
        self.products.spectrum(e, level.product, spectrum)
        u = take(level.product.words, np.int32)
        u_residue = y_residue * e_residue % p
        _, high = self.products.multiply(u, old, e, spectrum, level.product, work, where + ", u",
                                         lambda: self._parts(u, k, u_residue))

        v = spectrum.view(np.int32)[:level.product.words]
        discarded = 4 * k - k_out
        v_residue = high * e_residue % p
        low, _ = self.products.multiply(v, u[k:2 * k + 2 * plan.residual_guard_words], e, spectrum, level.product, work,
                                        where + ", v", lambda: self._parts(v, discarded, v_residue))

        # y' = y*B^(K-k) - sign*floor(u/(2 B^o)) + 3*floor(v/(8 B^discarded)); what the floors discard is known.
        o = 3 * k - k_out
        high_u = (u_residue - words.to_int(u[:o])) * pow(words.power(o), -1, p)
        half = (high_u - int(u[o] % 2)) * pow(2, -1, p)
        high_v = (v_residue - low) * pow(words.power(discarded), -1, p)
        eighth = (high_v - int(v[discarded] % 8)) * pow(8, -1, p)
        expected = (y_residue * words.power(k_out - k) - sign * half + 3 * eighth) % p

        new = y[plan.words - k_out:plan.words]
        words.newton_update(new, k_out - k, u[o:], v[discarded:], sign)
        if failpoints.ACTIVE:
            failpoints.touch("sum.words", where, new, plan.format.radix)
        if words.residue(new) != expected:
            raise FaultError(f"{where}: the new approximation does not have the residue of its parts")
        return expected

    def _parts(self, words: np.ndarray, cut: int, residue: int) -> tuple[int, int] | None:
        """Residues of the words below and from `cut` on; None where they do not add up to the residue of all."""
        low, high = self.words.residue(words[:cut]), self.words.residue(words[cut:])
        return (low, high) if (low + high * self.words.power(cut) - residue) % self._modulus.p == 0 else None


def residual(products: Products, out: np.ndarray, z: np.ndarray, a: int, b: int, at: int, length: int, shape: Shape,
             work: np.ndarray, z_residue: int, where: str) -> tuple[int, int]:
    """out[:length] = |a*z^2 - b*B^at|, known to need at most `length` words; returns its sign and residue.

    Computed modulo B^N + 1, N = shape.words > length, and accepted when
    a*z^2 = sign*out + b*B^at holds modulo 2^61 - 1.
    """
    words = products.words
    p = words.modulus.p

    def verify(top: int) -> tuple[int, int] | None:
        if a != 1:
            top = a * top + words.multiply_small(out, out, a)
        # B^at is -B^(at-N) where it wraps.
        top += words.add_at(out, at, -b) if at < len(out) else words.add_at(out, at - len(out), b)
        sign = words.sign_magnitude(out, top)
        if out[length:].any():
            return None
        residue = words.residue(out[:length])
        holds = (a * z_residue * z_residue - sign * residue - b * words.power(at)) % p == 0
        return (sign, residue) if holds else None

    return products.square_wrapped(out, z, shape, work, where, verify)
