"""Results of kernels changed in memory, one in each run on disk.

Kernels are replaced by hooks under the names by which the modules of a run on disk call them.
"""

import itertools
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import damage
import numpy as np

from bigconst.arithmetic import packed, residues, words
from bigconst.arithmetic.disk import number, operand, passes, rowpasses
from bigconst.arithmetic.residues import Modulus
from bigconst.base.events import Fault
from bigconst.cli import main
from bigconst.constants import digits
from bigconst.kernels import linear, nodes, text
from bigconst.storage.volume import Volume

KERNELS = (
    # owner, name, index of the argument that the kernel writes (None: what it returns)
    (passes, "columns_forward", 3), (passes, "columns_inverse", 9), (passes, "columns_inverse", 11),
    (passes, "resolve_carries", 0), (passes, "resolve_carries", 6), (rowpasses, "rows", 0),
    (passes, "middle_forward", 0), (rowpasses, "middle_forward", 0), (rowpasses, "middle_inverse", 0),
    (passes, "middle_inverse", 0), (passes, "regroup", 0), (passes, "multiply_small", 0),
    (passes, "multiply_small", None), (number, "store_chunk", 1), (number, "store_chunk", 5),
    (number, "load_chunk", 0), (operand, "multiply_small", 0),
    (words, "newton_update", 0), (words, "newton_update", None), (words, "propagate", 0), (words, "propagate", None),
    (linear, "multiply_small", 0), (linear, "multiply_small", None), (linear, "shift_down", 0),
    (linear, "divide_small", 0), (digits, "write_text", 0), (text, "write_text", 0), (packed, "pack", 0),
    (Modulus, "residue_words", None), (residues, "absorb_text", 0), (nodes, "long_range", 4),
)
"""The kernels of a run on disk, with their callers."""


class Hooks:
    """Hooks that count the calls of all kernels, and change the output of one call."""

    def __init__(self):
        self.calls = [itertools.count() for _ in KERNELS]
        self._index, self._call, self._change = -1, -1, None
        self.detail = ""
        for index, (owner, name, at) in enumerate(KERNELS):
            self._hook(index, owner, name, at)

    def begin(self, index: int = -1, call: int = -1, change: Callable | None = None) -> None:
        """Count from 0 again; call number `call` of KERNELS[index] has its output changed."""
        self.calls = [itertools.count() for _ in KERNELS]
        self._index, self._call, self._change, self.detail = index, call, change, ""

    def counts(self) -> list[int]:
        """Calls of each kernel since `begin`; ends the counting."""
        return [next(count) for count in self.calls]

    def _hook(self, index: int, owner, name: str, at: int | None) -> None:
        original = getattr(owner, name)

        def hooked(*arguments):
            result = original(*arguments)
            if next(self.calls[index]) == self._call and index == self._index:
                if at is None:
                    return self._number(result)
                self.detail = self._change(arguments[at])
            return result

        setattr(owner, name, hooked)

    def _number(self, value: int) -> int:
        """A result with one of its lower bits flipped."""
        bit = self._change(None)
        self.detail = f"bit {bit} of the result {value}"
        return int(value) ^ 1 << bit


def random_change(chance: random.Random) -> Callable[[np.ndarray | None], str | int]:
    """A function that changes an array and describes the change; given None, it chooses a bit of a result."""
    how = chance.choices(["bit", "zeros", "large"], [8, 1, 1])[0]

    def change(array: np.ndarray | None):
        if array is None:
            return chance.randrange(61 if chance.random() < 0.5 else 20)
        flat = array.reshape(-1)
        at = chance.randrange(len(flat))
        if how == "zeros":
            flat[at - at % 16:at - at % 16 + 16] = 0
            return f"16 zeros at {at - at % 16} of {len(flat)}"
        if how == "large":
            flat[at] = np.nan if flat.dtype.kind == "f" else np.iinfo(flat.dtype).max
            return f"{flat[at]} at {at} of {len(flat)}"
        data = flat.view(np.uint8)
        byte, bit = chance.randrange(len(data)), chance.randrange(8)
        data[byte] ^= 1 << bit
        return f"bit {bit} of byte {byte} of {len(data)}"

    return change


class Corruptions:
    """Trials with changed results."""

    def __init__(self, digits: int | None, folder: Path):
        self._digits, self._folder = digits, folder
        self._rights = damage.Rights(folder)
        self._counts: dict[str, list[int]] = {}
        self._hooks = Hooks()

    def carry_out(self, chance: random.Random, number_: int) -> dict:
        """Run with one changed result, and return the row of the trial."""
        kind, plan = damage.plan_of(chance, self._digits, chance.random() < 0.3)
        self._hooks.begin()
        right, counts = self._rights.of(plan), self._count(kind, plan)
        index = chance.choice([i for i, count in enumerate(counts) if count])
        owner, name, at = KERNELS[index]
        call = chance.randrange(counts[index])
        self._hooks.begin(index, call, random_change(chance))
        place = "result" if at is None else f"argument {at}"
        row = {"plan": kind, "kernel": f"{owner.__name__.rpartition('.')[2]}.{name}, {place}", "message": ""}
        faults: list[Fault] = []
        folder = self._folder / f"trial{number_}"
        try:
            files = damage.carry_out(plan, folder, Volume, lambda event: _hear(faults, event))
        except Exception as error:      # of any kind: which one is what the trial tells
            row |= {"outcome": damage.STOPPED, "message": f"{type(error).__name__}: {error}",
                    "check": faults[0].kind if faults else damage.check_of(error)}
        else:
            row |= {"outcome": damage.REPAIRED if faults else damage.HARMLESS,
                    "check": faults[0].kind if faults else None}
            if files.contents() != right:
                code = main(["verify", str(files.write())])
                row |= {"outcome": damage.WRONG, "message": f"bigconst verify ends with {code}"}
        row["detail"] = f"call {call} of {counts[index]}, {self._hooks.detail}"
        shutil.rmtree(folder, ignore_errors=True)
        return row

    def _count(self, kind: str, plan) -> list[int]:
        """Calls of each kernel in an undisturbed run."""
        if kind not in self._counts:
            self._hooks.begin()
            damage.carry_out(plan, self._folder / "counted", Volume, lambda event: None)
            shutil.rmtree(self._folder / "counted")
            self._counts[kind] = self._hooks.counts()
        return self._counts[kind]


def _hear(faults: list[Fault], event) -> None:
    if isinstance(event, Fault):
        faults.append(event)
