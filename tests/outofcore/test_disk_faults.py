"""Values corrupted on purpose in runs on disk, one in each run: whatever happens, no wrong file comes out."""

import functools
from collections import Counter

import numpy as np
import pytest
from disk_runs import BETWEEN, ONE_LEVEL, TWO_LEVELS, are_right, in_memory, plan_on_disk, run_watched, same
from plan_places import ladder_levels

from bigconst.arithmetic.disk.machine import DiskMachine
from bigconst.arithmetic.machine import several
from bigconst.arithmetic.packed import page_buffer
from bigconst.base import failpoints
from bigconst.base.errors import FaultError
from bigconst.constants.golden import PHI
from bigconst.kernels.pack import pack, packed_limbs

RUNS = [(ONE_LEVEL, True), (TWO_LEVELS, False), (BETWEEN, True), (ONE_LEVEL, False)]
"""(digits, certified): the last without the certificate that would notice in the end."""

IN_MEMORY = {"slab.words": 6, "slab.carries": 4, "slab.data": 5, "row.data": 5, "middle.data": 4, "chunk.packed": 6,
             "chunk.words": 5, "chunk.residue": 4, "chunk.edges": 3, "chunk.kind": 3}
"""Runs for each failpoint that values in memory pass."""
FINISHED = {"e": 3, "u or v": 4, "y": 3, "x": 3, "low v": 2}
"""Runs for each number on the disk that is changed after its check."""



def seeds_of(name: str, count: int) -> list:
    """Parameters (name, seeds): the short runs, and the slow ones with a pass between, without which there is no
    middle.data."""
    seeds = [4 * i + 2 for i in range(count)] if name == "middle.data" else list(range(count))
    slow = [seed for seed in seeds if seed % 4 == 2][name == "middle.data":]
    return [pytest.param(name, [seed for seed in seeds if seed not in slow], id=name),
            *([pytest.param(name, slow, id=f"{name}, a pass between", marks=pytest.mark.slow)] if slow else [])]


IN_MEMORY_CASES, FINISHED_CASES = ([case for name, count in counts.items() for case in seeds_of(name, count)]
                                   for counts in (IN_MEMORY, FINISHED))


def test_sixty_are_injected():
    assert sum(len(case.values[1]) for case in IN_MEMORY_CASES + FINISHED_CASES) == 60


def outcome(seed: int, certified: bool) -> str:
    """What became of a run in which something is corrupted: it is stopped, or its files are right."""
    digits, _ = RUNS[seed % 4]
    plan = plan_on_disk(PHI, digits, certified=certified)
    try:
        found = run_watched(plan, seed)
    except FaultError as error:
        assert error.exit_code == 5
        return "stopped: " + str(error).split(";")[0].split(", ")[-1][:60]
    assert same(found.text, in_memory(PHI, digits)[0])
    assert not certified or are_right(found.files(), PHI, digits)
    return "repaired after " + " and ".join(sorted(set(found.faults))) if found.faults else "harmless"


@functools.cache
def calls_of(digits: int, certified: bool) -> dict[str, int]:
    """How often values pass each failpoint in a run."""
    with failpoints.active(", ".join(f"{name}=sleep:0" for name in IN_MEMORY)) as rules:
        run_watched(plan_on_disk(PHI, digits, certified=certified))
    return {rule.name: rule.calls for rule in rules}


@pytest.mark.parametrize("name,seeds", IN_MEMORY_CASES)
def test_a_wrong_value_in_memory_never_reaches_the_files(name, seeds, record_property):
    caught = Counter()
    for seed in seeds:
        digits, certified = RUNS[seed % 4]
        rng = np.random.default_rng([seed, len(name)])
        at = 1 + int(rng.integers(calls_of(digits, certified)[name]))
        with failpoints.active(f"{name}=spoil:{rng.integers(2**32)}@{at}") as (rule,):
            caught[outcome(seed, certified)] += 1
        assert rule.calls >= at, "nothing was corrupted, the test is void"
    record_property("caught", dict(caught))
    print(f"\n{name}: {dict(caught)}")
    assert sum(caught.values()) == len(seeds)


class Spoiler:
    """Changes a word of one of the finished numbers that it is shown, whose checksum follows."""

    def __init__(self, rng, at: int):
        self._rng, self._left, self.done = rng, at, False

    def __call__(self, number) -> None:
        stored = [c for c in range(number.first, number.chunks) if number.is_stored(c)]
        self._left -= bool(stored)
        if self._left or self.done or not stored:
            return
        self.done = True
        c, size = int(self._rng.choice(stored)), number.chunk_words
        words = number.read(c * size, (c + 1) * size).copy()
        at = self._rng.integers(size)
        words[at] = (words[at] + self._rng.integers(1, number.radix)) % number.radix
        packed = page_buffer(number.chunk_bytes)
        pack(packed.view(np.uint64)[:packed_limbs(size, number.radix)], words, number.radix)
        number.volume.write([number.request(c, packed)], number.sums).wait()


def watch(patch, which: str, spoil: Spoiler) -> None:
    """Show the finished numbers of a kind to `spoil` as soon as they were checked."""
    products, finish = DiskMachine.products, DiskMachine._finished

    def multiplied(self, name, *arguments, **named):
        result = products(self, name, *arguments, **named)
        if name in which.split():
            spoil(result.number)
        return result

    def finished(self, call, made):
        if (call.title != "root") == (which == "y"):
            spoil(several(made)[0].number)
        return finish(self, call, made)

    match which:
        case "e" | "u or v":
            patch.setattr(DiskMachine, "products", multiplied)
        case "low v":
            certificate = DiskMachine.certificate
            patch.setattr(DiskMachine, "certificate", lambda self, claim, statement, x, *numbers: (
                spoil(numbers[-1].number), certificate(self, claim, statement, x, *numbers)))
        case _:
            patch.setattr(DiskMachine, "_finished", finished)


@pytest.mark.parametrize("which,seeds", FINISHED_CASES)
def test_a_finished_number_that_changes_never_reaches_the_files(which, seeds, record_property):
    caught = Counter()
    for seed in seeds:
        rng = np.random.default_rng([seed, len(which)])
        levels = len(ladder_levels(plan_on_disk(PHI, RUNS[seed % 4][0]).disk.trace))
        numbers = {"e": levels, "u or v": 2 * levels, "y": levels + 1, "x": 1, "low v": 1}[which]
        spoil = Spoiler(rng, 1 + int(rng.integers(numbers)))
        with pytest.MonkeyPatch.context() as patch:
            watch(patch, which, spoil)
            caught[outcome(seed, RUNS[seed % 4][1] or which == "low v")] += 1
        assert spoil.done, "nothing was corrupted, the test is void"
    record_property("caught", dict(caught))
    print(f"\n{which}: {dict(caught)}")
    assert sum(caught.values()) == len(seeds)
