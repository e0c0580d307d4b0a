"""A sum of the ladder on disk whose carry goes beyond its last word."""

import pytest
from disk_runs import ONE_LEVEL, PHI, plan_on_disk, run_watched

from bigconst.arithmetic.disk.newton import DiskLadder
from bigconst.arithmetic.words import Words
from bigconst.base.errors import FaultError


def test_a_carry_that_stays_wrong(monkeypatch):
    """The same carry in both attempts: the sum is not repeated a third time."""
    add_up, newton_update, sums = DiskLadder.add_up, Words.newton_update, []

    def spoiled(*arguments):
        sums.append(arguments)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Words, "newton_update", lambda *rest: newton_update(*rest) + 1)
            add_up(*arguments)

    monkeypatch.setattr(DiskLadder, "add_up", spoiled)
    with pytest.raises(FaultError, match=r"^level \d+ -> \d+ words.*, sum: the same wrong value twice "
                                         r"\(a sum of the Newton iteration does not fit its words\), so an operand"):
        run_watched(plan_on_disk(PHI, ONE_LEVEL))
    assert len(sums) == 4, "the level begins anew once"
