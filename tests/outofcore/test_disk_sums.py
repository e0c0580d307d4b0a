"""A sum of the ladder on disk whose carry goes beyond its last word."""

import pytest
from disk_runs import ONE_LEVEL, plan_on_disk, run_watched

from bigconst.arithmetic.disk import machine
from bigconst.base.errors import FaultError
from bigconst.constants.golden import PHI


def test_a_carry_that_stays_wrong(monkeypatch):
    """The same carry in both attempts: the sum is not repeated a third time."""
    sums = []

    def spoiled(*arguments):
        compute = machine_newton_sum(*arguments)

        def wrong(out, state, first, pieces):
            made = compute(out, state, first, pieces)
            state["carry"] += 1
            sums.append(first)
            return made

        return wrong

    machine_newton_sum = machine.newton_sum
    monkeypatch.setattr(machine, "newton_sum", spoiled)
    with pytest.raises(FaultError, match=r"^level \d+, sum, y, again: the same wrong value twice "
                                         r"\(a sum does not fit its words\), so an operand"):
        run_watched(plan_on_disk(PHI, ONE_LEVEL))
    assert sums.count(0) == 4, "the level begins anew once"
