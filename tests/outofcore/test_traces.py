"""Machines carry out what was planned: the same operations, in the same order, at places where nothing else lives."""

import dataclasses
from itertools import combinations

import pytest
from disk_runs import ONE_LEVEL, plan_on_disk, run_watched
from hypothesis import given
from hypothesis import strategies as st
from plan_places import trace_in_memory

from bigconst.arithmetic.disk.machine import DiskMachine
from bigconst.arithmetic.memory.machine import MemoryMachine
from bigconst.constants import engine
from bigconst.constants.golden import PHI
from bigconst.constants.planning import make_plan
from bigconst.constants.sqrt import root_of
from bigconst.plans.shape import shape_for
from bigconst.plans.trace import Step, Trace

SQRT2, SQUARE = root_of(2), root_of(49)


class Sink:
    """A file of which nobody keeps anything."""

    def write_at(self, offset: int, data) -> None:
        pass


@pytest.fixture
def carried_out(monkeypatch):
    """Names of the operations that machines carry out."""
    names = []
    for machine in (MemoryMachine, DiskMachine):
        original = machine._step

        def step(self, operation, original=original):
            found = original(self, operation)
            names.append((found if isinstance(found, Step) else found[0]).name)
            return found

        monkeypatch.setattr(machine, "_step", step)
    return names


def planned(trace: Trace, where: str) -> list[str]:
    """Names of the steps that a run has: without files, and without what is hardly ever done."""
    return [step.name for step in trace.steps if step.out is not None and not step.in_doubt
            and not (where == "disk" and step.name.endswith("in memory"))]


@pytest.mark.parametrize("constant", [PHI, SQRT2, SQUARE])
@pytest.mark.parametrize("certified", [True, False])
@pytest.mark.parametrize("base", [10, 16])
def test_in_memory(carried_out, constant, certified, base):
    plan = make_plan(constant, 30_000, base, 1, 1 << 40, certified=certified)
    engine.run(plan, Sink(), lambda event: None, Sink() if certified else None)
    done = [name for name in carried_out if name in planned(plan.trace, "memory")]
    assert done == planned(plan.trace, "memory") and len(done) >= len(carried_out) - 2


@pytest.mark.parametrize("constant", [PHI, SQRT2])
@pytest.mark.parametrize("certified", [True, False])
def test_on_disk(carried_out, constant, certified):
    plan = plan_on_disk(constant, ONE_LEVEL, certified=certified)
    run_watched(plan)
    on_disk, in_memory = planned(plan.disk.trace, "disk"), [step.name for step in trace_in_memory(plan.disk).steps]
    done = [name for name in carried_out if name not in in_memory]
    assert [name for name in done if name in on_disk] == on_disk
    assert carried_out[:len(in_memory)] == in_memory


@st.composite
def traces(draw):
    """Traces of steps that read any of the results before them."""
    steps = []
    for i in range(draw(st.integers(1, 12))):
        reads = draw(st.lists(st.sampled_from([step.name for step in steps]), max_size=3)) if steps else []
        replaces = draw(st.sampled_from([None, *reads]))
        shape = draw(st.sampled_from([None, shape_for(1000)]))
        steps.append(Step(f"step {i}", "", tuple(reads), f"step {i}", draw(st.integers(0, 50)) * 4096,
                          draw(st.integers(0, 20)) * 4096, replaces=replaces, shape=shape,
                          shared_bytes=draw(st.integers(0, 80)) * 4096 if shape and not replaces else 0))
    return Trace(tuple(steps), results=(steps[-1].name,))


@given(traces())
def test_nothing_alive_shares_its_place(trace):
    """Only what is replaced may lie where what replaces it does; in memory they share an array."""
    addresses, end = trace.placed(4096)
    lives = [(step.out, step.out_bytes, i, trace.deaths[step.out]) for i, step in enumerate(trace.steps)]
    lives += [(step.temporary, step.temporary_bytes, i, i) for i, step in enumerate(trace.steps)
              if step.temporary_bytes]
    for (a, size, born, dead), (b, other, other_born, other_dead) in combinations(lives, 2):
        if born <= other_dead and other_born <= dead:
            is_replaced = b in trace.by_name and trace.by_name[b].replaces == a and dead == other_born
            assert (is_replaced or addresses[a] + size <= addresses[b] or addresses[b] + other <= addresses[a])
    lives += [(step.shared, 0, i, i) for i, step in enumerate(trace.steps) if step.shared_bytes]
    for (a, _, born, dead), (b, _, other_born, other_dead) in combinations(lives, 2):
        if born <= other_dead and other_born <= dead:
            (start, room), (other_start, other_room) = trace.arrays[a], trace.arrays[b]
            shared = start == other_start and max(born, other_born) == min(dead, other_dead)
            assert shared or start + room <= other_start or other_start + other_room <= start or 0 in (room, other_room)
    assert end == max((addresses[name] + size for name, size, *_ in lives if size), default=0)
    assert all(room >= size for (name, size, *_) in lives for _, room in [trace.arrays[name]])


def test_the_fingerprint_knows_what_is_computed_and_where():
    request = {"threads": 2, "memory_bytes": 1 << 40, "workspace_bytes": 8 << 20, "disk": "ssd"}
    plan = make_plan(PHI, 10**7, 10, **request)
    assert plan.fingerprint == make_plan(PHI, 10**7, 10, **request).fingerprint
    others = [make_plan(SQRT2, 10**7, 10, **request), make_plan(PHI, 10**7 + 10**5, 10, **request),
              make_plan(PHI, 10**7, 10, **(request | {"workspace_bytes": 16 << 20})),
              make_plan(PHI, 10**7, 10, **request, certified=False)]
    assert len({each.fingerprint for each in (plan, *others)}) == 5
    assert dataclasses.replace(plan, threads=3).fingerprint == plan.fingerprint
