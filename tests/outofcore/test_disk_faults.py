"""Values corrupted on purpose in runs on disk, one in each run: whatever happens, no wrong file comes out."""

import functools
from collections import Counter

import numpy as np
import pytest
from disk_runs import MIB, PHI, in_memory, plan_on_disk, run_watched, same

from bigconst.arithmetic.disk import number as number_module
from bigconst.arithmetic.disk import passes
from bigconst.arithmetic.disk.newton import DiskLadder
from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.passes import DiskTransform
from bigconst.arithmetic.disk.products import DiskProducts
from bigconst.arithmetic.packed import page_buffer
from bigconst.base.errors import FaultError
from bigconst.constants.diskrun import DiskRun
from bigconst.kernels.pack import pack

RADIX = 10**5


class Once:
    """Calls corrupt(...) at the call of this number, and counts calls."""

    def __init__(self, corrupt, at: int):
        self._corrupt, self._at, self.calls, self.done = corrupt, at, 0, False

    def __call__(self, *arguments) -> None:
        if self.calls == self._at:
            self.done = self._corrupt(*arguments) is not False
            self._at += not self.done       # there was nothing to corrupt here: the next one
        self.calls += 1


def after(monkeypatch, owner, name: str, hook, choose) -> None:
    """Call hook(*choose(result, *arguments)) after owner.name(*arguments)."""
    original = getattr(owner, name)

    def patched(*arguments):
        result = original(*arguments)
        hook(*choose(result, *arguments))
        return result

    monkeypatch.setattr(owner, name, patched)


# --- what is corrupted --------------------------------------------------------------------


def word(rng, words) -> None:
    """Another canonical word."""
    flat = words.reshape(-1)
    at = rng.integers(len(flat))
    flat[at] = (flat[at] + rng.integers(1, RADIX)) % RADIX


def coefficient(rng, data) -> None:
    flat = data.reshape(-1)
    flat[rng.integers(len(flat))] += 10.0 ** rng.integers(3, 12)


def carry(rng, out) -> None:
    out[rng.integers(len(out))] += rng.choice([-1, 1, 7])


def bit(rng, limbs) -> None:
    limbs[rng.integers(len(limbs))] ^= np.uint64(1 << int(rng.integers(64)))


def residue(rng, number, chunk) -> None:
    number.residues[chunk] = (int(number.residues[chunk]) + int(rng.integers(1, 2**61 - 1))) % (2**61 - 1)


def edge(rng, number, chunk) -> None:
    number.edges[chunk, rng.integers(2)] = rng.integers(RADIX)


def kind(rng, number, chunk) -> None:
    number.kinds[chunk] = rng.choice([k for k in range(3) if k != number.kinds[chunk]])


def chunk_on_disk(rng, number) -> bool:
    """A word of a finished number, its checksum following; False where nothing is stored."""
    chunks = [c for c in range(number.first, number.chunks) if number.is_stored(c)]
    if not chunks:
        return False
    c, size = int(rng.choice(chunks)), number.chunk_words
    words = number.read(c * size, (c + 1) * size).copy()
    word(rng, words)
    packed = page_buffer(number.chunk_bytes)
    pack(packed.view(np.uint64)[:number.limbs], words, number.radix)
    number.volume.write([number.request(c, packed)], number.sums).wait()
    return True


def noted(result, number, chunk, *rest):
    return number, chunk


# name: (runs, corrupt, owner, name of what is patched, what of its result and arguments is corrupted)
PLACES = {
    "words after the columns": (6, word, DiskTransform, "_columns_back", lambda r, s, data, words, stats: (words,)),
    "carries of runs": (4, carry, DiskTransform, "_columns_back", lambda result, *rest: (result,)),
    "data after the columns": (5, coefficient, passes, "columns_forward", lambda r, w, n, radix, x, *rest: (x,)),
    "data after the rows": (5, coefficient, DiskTransform, "_row_pass", lambda r, self, x, *rest: (x,)),
    "data after a middle": (4, coefficient, DiskTransform, "_columns", lambda r, self, kernel, x, *rest: (x,)),
    "packed bytes": (6, bit, number_module, "pack", lambda r, limbs, *rest: (limbs,)),
    "unpacked words": (5, word, Number, "unpack", lambda r, number, c, packed, out: (out,)),
    "residues of chunks": (4, residue, Number, "set_chunk", noted),
    "words at their ends": (3, edge, Number, "set_chunk", noted),
    "kinds of chunks": (3, kind, Number, "set_chunk", noted),
    "e after its check": (3, chunk_on_disk, DiskProducts, "residual", lambda result, *rest: (result[0].number,)),
    "u or v after its check": (4, chunk_on_disk, DiskProducts, "multiply", lambda result, *rest: (result,)),
    "y after its check": (3, chunk_on_disk, DiskLadder, "_step", lambda result, *rest: (result[0],)),
    "x after its check": (3, chunk_on_disk, DiskRun, "root", lambda result, *rest: (result[0],)),
    "r after its check": (2, chunk_on_disk, DiskRun, "remainder", lambda result, *rest: (result.scaled.number,)),
}


# One level, two, and one with a pass between; the last without the certificate that would notice in the end.
RUNS = [(300_001, MIB, True), (2_000_000, 2 * MIB, False), (3_950_000, MIB, True), (300_001, MIB, False)]
SHORT = [pytest.param(place, [seed for seed in range(runs) if seed % 4 != 2], id=place)
         for place, (runs, *_) in PLACES.items()]
LONG = [pytest.param(place, range(2, runs, 4), id=f"{place}, long", marks=pytest.mark.slow)
        for place, (runs, *_) in PLACES.items() if runs > 2]
"""Those with a pass between."""


def test_sixty_are_injected():
    assert sum(len(case.values[1]) for case in SHORT + LONG) == 60


@functools.cache
def calls_of(digits: int, workspace_bytes: int, certified: bool) -> dict[str, int]:
    """How often a run passes each place."""
    hooks = {place: Once(lambda *arguments: False, -1) for place in PLACES}
    with pytest.MonkeyPatch.context() as patch:
        for place, (_, _, owner, name, choose) in PLACES.items():
            after(patch, owner, name, hooks[place], choose)
        run_watched(plan_on_disk(PHI, digits, 10, workspace_bytes, certified=certified))
    return {place: hook.calls for place, hook in hooks.items()}


@pytest.mark.parametrize("place,seeds", SHORT + LONG)
def test_a_corrupted_value_never_reaches_the_files(place, seeds, record_property):
    _, corrupt, owner, name, choose = PLACES[place]
    caught = Counter()
    for seed in seeds:
        rng = np.random.default_rng([seed, len(place)])
        digits, workspace, certified = RUNS[seed % 4]
        certified = certified or place == "r after its check"
        plan = plan_on_disk(PHI, digits, 10, workspace, certified=certified)
        calls = calls_of(digits, workspace, certified)[place]
        hook = Once(lambda *arguments, rng=rng: corrupt(rng, *arguments), int(rng.integers(calls)))
        with pytest.MonkeyPatch.context() as patch:
            after(patch, owner, name, hook, choose)
            try:
                found = run_watched(plan, seed)
            except FaultError as error:
                assert error.exit_code == 5
                caught["stopped: " + str(error).split(";")[0].split(", ")[-1][:60]] += 1
                continue
            finally:
                assert hook.done, "nothing was corrupted, the test is void"
        text, certificate = in_memory(PHI, digits)
        assert same(found.text, text)
        assert not plan.certified or same(found.certificate, certificate)
        caught["repaired after " + " and ".join(sorted(set(found.faults))) if found.faults else "harmless"] += 1
    record_property("caught", dict(caught))
    print(f"\n{place}: {dict(caught)}")
    assert sum(caught.values()) == len(seeds)
