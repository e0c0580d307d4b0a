"""Runs whose machine loses power again and again, and the files are right."""

import numpy as np
import power_loss
import pytest
from disk_runs import (
    BETWEEN,
    ONE_LEVEL,
    REGROUPED,
    ROOMY,
    TWO_LEVELS,
    Sink,
    are_right,
    engine,
    plan_on_disk,
)

from bigconst.arithmetic.disk.passes import DiskTransform
from bigconst.base import failpoints
from bigconst.constants.golden import PHI
from bigconst.constants.sqrt import root_of
from bigconst.runtime import recorder as recorder_module


def lives(plan, *arguments, **options) -> tuple[int, tuple[bytes, bytes]]:
    """Power losses until a run came to its end, and its files."""
    def run(disk):
        text, certificate = Sink(plan.text_bytes), Sink(plan.certificate_bytes)
        engine.run(plan, text, lambda event: None, certificate, disk, disk.recorder())
        return bytes(text.data), bytes(certificate.data)

    return power_loss.lives(run, plan.disk.scratch_bytes, *arguments, **options)


@pytest.mark.parametrize("flush_s", [0.0, 1e9])
@pytest.mark.parametrize("constant,digits,base,seeds,most_writes", [
    (PHI, ONE_LEVEL, 10, 4, 50), (root_of(12345), TWO_LEVELS, 16, 3, 100),
    pytest.param(PHI, BETWEEN, 10, 2, 200, marks=pytest.mark.slow),
])
def test_the_files_are_right_in_the_end(constant, digits, base, seeds, most_writes, flush_s, monkeypatch):
    """Records are made safe as soon as they can be, or only when they must be."""
    monkeypatch.setattr(recorder_module, "FLUSH_S", flush_s)
    plan = plan_on_disk(constant, digits, base)
    losses = 0
    for seed in range(seeds):
        count, files = lives(plan, np.random.default_rng([seed, digits]), most_writes)
        assert are_right(files, constant, digits, base), seed
        losses += count
    assert losses > 3, "power was hardly ever lost, the test is void"


@pytest.mark.slow
@pytest.mark.parametrize("constant,base", [(PHI, 10), (root_of(2), 16)])
def test_what_was_repeated_beyond_the_plan_is_found_again(constant, base, monkeypatch):
    """Every product fails on the planned words, and the scratch has grown when power is lost."""
    original = DiskTransform.inverse

    def inverse(self, *arguments):
        top, error, peak = original(self, *arguments)
        return top, error + (self.shape.digits == {10: 5, 16: 4}[base]), peak

    monkeypatch.setattr(DiskTransform, "inverse", inverse)
    plan, losses = plan_on_disk(constant, REGROUPED, base, ROOMY), 0
    for seed in range(2):
        count, files = lives(plan, np.random.default_rng(seed), 300)
        assert are_right(files, constant, REGROUPED, base), seed
        losses += count
    assert losses > 3, "power was hardly ever lost, the test is void"


def test_faults_and_power_losses_together():
    """Bits that flip on the disk, words that flip in memory: what was repeated, and how often, is found again."""
    rng, losses = np.random.default_rng(14), 0
    plan = plan_on_disk(PHI, TWO_LEVELS)
    slabs = np.cumsum(rng.integers(5, 35, 40))      # every twentieth
    with failpoints.active(", ".join(f"slab.words=spoil:{at}@{at}" for at in slabs)) as rules:
        for seed in range(6):
            count, files = lives(plan, np.random.default_rng([seed, 5]), 150, flips=True)
            assert are_right(files, PHI, TWO_LEVELS), seed
            losses += count
    spoilt = sum(at <= rules[0].calls for at in slabs)
    assert losses > 3 and spoilt > 3, "the test is void"
