"""The Newton ladder on disk: the same steps and the same checks as in memory (arithmetic.memory.newton).

On disk the sizes of all levels are whole chunks: a number is shifted by reading it from another chunk on, and the sums
of a level are one pass over chunks.
"""

from collections.abc import Callable

import numpy as np

from bigconst.arithmetic.disk.linear import linear_pass
from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.products import DiskProducts
from bigconst.arithmetic.disk.stages import Stages
from bigconst.arithmetic.faults import wrong_of
from bigconst.base.errors import FaultError, ReadError
from bigconst.plans.diskplan import DiskLevel
from bigconst.plans.plan import Plan


class DiskLadder:
    """Climbs the levels of a plan that lie on disk."""

    def __init__(self, plan: Plan, products: DiskProducts, stages: Stages):
        self.plan, self.products, self.stages = plan, products, stages

    def inverse_root(self, start: Callable[[], tuple[Number, int]]) -> tuple[Number, int]:
        """y near B^K/sqrt(d) as K words, and its residue.

        Climbs from the last level recorded, or from the number and the residue that start() returns.
        """
        done, y, residue = self._last_level()
        if y is None:
            y, residue = start()
            self.products.finish("level 0", y, residue)
        for index, level in enumerate(self.plan.disk.levels[done:], done + 1):
            y, residue = self._level(y, level, residue, f"level {index}")
            self.products.finish(f"level {index}", y, residue)
        return y, residue

    def _last_level(self) -> tuple[int, Number | None, int]:
        """Index of the last level recorded, its y and the residue of y; 0, None, 0 if there is none."""
        for done in range(len(self.plan.disk.levels), -1, -1):
            if (known := self.products.finished(f"level {done}")) is not None:
                return done, *known
        return 0, None, 0

    def _level(self, y: Number, level: DiskLevel, y_residue: int, name: str) -> tuple[Number, int]:
        """One level.  If something within it is beyond repair, it is computed once more, for which y is enough."""
        recorder, arena, key = self.products.scratch.recorder, self.products.scratch.arena, f"{name}, again"
        mark = arena.mark()
        if recorder.fact(key) is None:
            try:
                return self._step(y, level, y_residue, name, "")
            except (FaultError, ReadError) as error:
                self.products.faults.note("level", name, f"{wrong_of(error).message}, so the level begins anew")
                arena.release(mark)
                recorder.note(key, {})
        return self._step(y, level, y_residue, name, ", again")

    def _step(self, y: Number, level: DiskLevel, y_residue: int, name: str, turn: str) -> tuple[Number, int]:
        """The new y and its residue; `turn` distinguishes the records of a second computation of the level."""
        plan, products, place, work = self.plan, self.products, self.plan.disk.place, self.plan.disk.work_place
        words, p = products.words, products.words.modulus.p
        k, k_out, chunk = level.words_in, level.words_out, plan.disk.chunk_words
        where = f"level {k} -> {k_out} words{turn}"
        power = words.power
        with self.stages.stage(f"{name}, e"):
            e, sign, e_residue = products.residual(
                Operand(y), y_residue, plan.constant.d, 1, 2 * k, k + plan.residual_guard_words, level.residual,
                work(f"{name}, e", "e"), place(f"{name}, e", "e"), where + ", e")
        at_k, dropped, o = k // chunk, (4 * k - k_out) // chunk, (3 * k - k_out) // chunk

        def check_u(u: Number) -> bool:
            return (u.residue(0, at_k) + u.residue(at_k) * power(k) - y_residue * e_residue) % p == 0

        with self.stages.stage(f"{name}, u"):
            spectrum = products.spectrum(e, level.product, place(f"{name}, u", "spectrum"), where + ", spectrum")
            u = products.multiply(Operand(y), e, spectrum, work(f"{name}, u", "u"),
                                  place(f"{name}, u", "u"), 0, where + ", u", check_u)

        high = u.residue(at_k)

        def check_v(v: Number) -> bool:
            return (v.residue(0, dropped) + v.residue(dropped) * power(dropped * chunk) - high * e_residue) % p == 0

        with self.stages.stage(f"{name}, v"):
            v = products.multiply(Operand(u, first=at_k), e, spectrum, work(f"{name}, v", "v"),
                                  place(f"{name}, v", "v"), dropped, where + ", v", check_v)

        # y' = y*B^(K-k) - sign*floor(u/(2 B^o)) + 3*floor(v/(8 B^dropped)); what the floors discard is known.
        half = (u.residue(o) - u.first_word(o) % 2) * pow(2, -1, p)
        eighth = (v.residue(dropped) - v.first_word(dropped) % 8) * pow(8, -1, p)
        expected = (y_residue * power(k_out - k) - sign * half + 3 * eighth) % p
        with self.stages.stage(f"{name}, sum"):
            for attempt in products.attempts(f"{where}, sum"):
                with attempt:
                    new = products.number(place(f"{name}, sum", "y"), k_out,
                                          name=f"{where}, sum, attempt {attempt.tries + 1}")
                    self.add_up(new, y, u, v, sign, o, dropped)
                    if (found := new.residue()) != expected:
                        raise FaultError("the new approximation does not have the residue of its parts", value=found)
                    break
        return new, expected

    def add_up(self, new: Number, y: Number, u: Number, v: Number, sign: int, o: int, dropped: int) -> None:
        """new = y*B^(K-k) - sign*floor(u/(2 B^o)) + 3*floor(v/(8 B^dropped)), o and dropped in chunks."""
        words, state = self.products.words, {"carry": 0}
        missing = new.chunks - y.chunks

        def compute(first: int, pieces: list[np.ndarray]) -> np.ndarray:
            out, above_u, above_v = pieces
            fresh = min(len(out), max(0, missing - first) * y.chunk_words)
            last = len(out) - max(0, first * y.chunk_words + len(out) - new.length)
            out = out[:last]
            carry = words.newton_update(out, fresh, above_u[:last + 1], above_v[:last + 1], sign)
            state["carry"] = int(carry + words.add_at(out, 0, state["carry"]))
            return out

        linear_pass(self.products, [(y, -missing, 0), (u, o, 1), (v, dropped, 1)], new, compute, state, new.name)
        if state["carry"] != 0:
            raise FaultError("a sum of the Newton iteration does not fit its words", value=state["carry"])
