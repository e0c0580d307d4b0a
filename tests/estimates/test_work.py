"""The work that a plan is said to make, against what the engine is seen to do."""

from collections import Counter

import pytest
from plan_places import ladder_levels

from bigconst.arithmetic.disk.linear import linear_pass
from bigconst.arithmetic.disk.passes import DiskTransform
from bigconst.arithmetic.memory.transform import Transform
from bigconst.constants import engine
from bigconst.constants.golden import PHI
from bigconst.constants.planning import make_plan
from bigconst.constants.sqrt import root_of
from bigconst.estimates.work import OPERATIONS, constant_work, mersenne_work, verification_work
from bigconst.plans.mersenneplan import make_mersenne_plan
from bigconst.storage.volume import Volume


class Sink:
    """A file of which nobody keeps anything."""

    def write_at(self, offset: int, data) -> None:
        pass


def counted(monkeypatch, owner, methods: dict[str, str]) -> Counter:
    """Words of the transforms on which these methods (by the name of the operation) are called."""
    seen: Counter = Counter()
    for method, operation in methods.items():
        original = getattr(owner, method)

        def call(self, *arguments, original=original, operation=operation, **options):
            seen[operation] += self.shape.words
            return original(self, *arguments, **options)

        monkeypatch.setattr(owner, method, call)
    return seen


def planned(stages, names) -> Counter:
    """Words of operations in stages."""
    found: Counter = Counter()
    for stage in stages:
        for step in stage.steps:
            for name, words in step.operations:
                if name in names:
                    found[name] += stage.times * words
    return found


@pytest.mark.parametrize("constant,base,certified", [
    (PHI, 10, True), (PHI, 16, True), (root_of(2), 10, False)])
def test_transforms_in_memory_are_those_of_the_engine(monkeypatch, constant, base, certified):
    plan = make_plan(constant, 100_000, base, 1, 1 << 60, certified=certified)
    names = ("forward", "spectrum", "square", "multiply", "inverse")
    seen = counted(monkeypatch, Transform, {name: name for name in names})
    engine.run(plan, Sink(), lambda event: None, Sink() if certified else None)
    assert seen and planned(constant_work(plan), seen) == seen


def test_passes_on_disk_are_those_of_the_engine(monkeypatch, tmp_path):
    plan = make_plan(PHI, 200_000, 10, 1, 1 << 60, workspace_bytes=280 << 10, disk="ssd")
    assert len(ladder_levels(plan.disk.trace)) >= 2
    seen = counted(monkeypatch, DiskTransform, {"forward": "slab forward", "square": "slab row",
                                                "multiply": "slab product", "inverse": "slab back"})
    sums = []

    def watched(products, inputs, out, *rest):
        if ", sum" in out.name:
            sums.append(out.length)
        return linear_pass(products, inputs, out, *rest)

    monkeypatch.setattr("bigconst.arithmetic.disk.machine.linear_pass", watched)
    with Volume([tmp_path], plan.disk.scratch_bytes, plan.disk.stripe_bytes) as volume:
        engine.run(plan, Sink(), lambda event: None, Sink(), volume)
    stages = constant_work(plan)
    assert planned(stages, seen) == seen
    assert planned(stages, ("sum",))["sum"] == sum(sums)


@pytest.mark.parametrize("digits,memory_bytes,kind", [(10**9, 512 << 20, "ssd"), (2 * 10**12, 57 << 30, "hdd")])
def test_traffic_is_that_of_the_plan(digits, memory_bytes, kind):
    plan = make_plan(PHI, digits, 10, 4, memory_bytes, disk=kind)
    stages = constant_work(plan)
    assert [stage.name for stage in stages] == [name for name, _ in plan.disk.stages]
    moves = [move for stage in stages for step in stage.steps for move in step.moves]
    late = [step for stage in stages for step in stage.steps if any(name == "late" for name, _ in step.operations)]
    assert len(late) == 3 * len(ladder_levels(plan.disk.trace))
    assert all(step.journal_bytes == step.moves[0].traffic.written_bytes and step.syncs >= 2 for step in late)
    moved = [move.traffic for move in moves]
    assert abs(sum(each.read_bytes for each in moved) - plan.disk.traffic.read_bytes) <= 1
    assert sum(each.written_bytes for each in moved) == plan.disk.traffic.written_bytes
    assert sum(step.text_bytes for stage in stages for step in stage.steps) == plan.text_bytes
    assert sum(step.certificate_bytes for stage in stages for step in stage.steps) == plan.certificate_bytes
    assert all(4096 <= move.block_bytes <= move.run_bytes for move in moves)


@pytest.mark.parametrize("constant", [PHI, root_of(3), root_of(49)])
@pytest.mark.parametrize("disk", [None, "ssd"])
@pytest.mark.parametrize("certified", [True, False])
def test_all_operations_are_measured(constant, disk, certified):
    plan = make_plan(constant, 10**8, 10, 2, 1 << 60, workspace_bytes=64 << 20 if disk else None, disk=disk,
                     certified=certified)
    assert (plan.disk is None) == (disk is None)
    stages = [*constant_work(plan), *verification_work(plan)]
    assert {name for stage in stages for step in stage.steps for name, _ in step.operations} <= OPERATIONS.keys()
    named = [stage.name for stage in stages if "proof" in stage.name or stage.name in ("certificate", "remainder")]
    assert bool(named) == certified


def test_a_mersenne_test_squares_once_an_iteration():
    plan = make_mersenne_plan(216_091, 1000, 2, 1 << 40)
    assert planned(mersenne_work(plan), OPERATIONS) == {"squaring": 1000 * plan.shape.words, "jacobi": 216_091}


def test_a_prp_test_has_no_jacobi_symbol():
    plan = make_mersenne_plan(216_091, 1000, 2, 1 << 40, products=True)
    assert planned(mersenne_work(plan), OPERATIONS) == {"squaring": 1000 * plan.shape.words}


def test_jacobi_symbols_of_long_numbers_grow_faster_than_they():
    (found,) = (step.operations for stage in mersenne_work(make_mersenne_plan(57_885_161, 10, 2, 1 << 40))
                for step in stage.steps if stage.name == "Jacobi symbol")
    # n log^2 n, from 2^23 bits on
    assert found[0][1] == pytest.approx(57_885_161 * (25.7867 / 23) ** 2, rel=1e-4)


def test_a_mersenne_test_on_disk_moves_what_its_plan_says():
    plan = make_mersenne_plan(3_021_377, 200, 2, 1 << 40, workspace_bytes=1 << 20, scratch=True)
    stage = mersenne_work(plan)[0]
    assert stage.times == 200
    moved = [move.traffic for step in stage.steps for move in step.moves]
    assert abs(sum(each.read_bytes for each in moved) - plan.disk.traffic.read_bytes) <= 1
    assert sum(each.written_bytes for each in moved) == plan.disk.traffic.written_bytes
