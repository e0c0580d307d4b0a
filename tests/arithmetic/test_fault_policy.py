"""What is repeated, what goes to smaller words, what stops, and what it is said to look like."""

import pytest

from bigconst.arithmetic.faults import Faults, Wrong, next_level
from bigconst.base.errors import ChecksumError, FaultError, ReadError


def wrong(kind, value, level=0):
    return Wrong(kind, str(value), f"{kind} {value}", level)


@pytest.mark.parametrize("wrongs,level", [
    ([], 0),
    ([wrong("residue", 1)], 0),
    ([wrong("residue", 1), wrong("residue", 2)], 0),
    ([wrong("round-off", 0.5)], 0),
    ([wrong("round-off", 0.5), wrong("round-off", 0.5)], 1),
    ([wrong("round-off", 0.5), wrong("residue", 1), wrong("round-off", 0.5)], 1),
    ([wrong("round-off", 0.5), wrong("round-off", 0.5), wrong("residue", 1), wrong("checksum", "a")], 1),
    ([wrong("round-off", 0.5)] * 2 + [wrong("round-off", 0.4)] * 2, 2),
])
def test_the_next_way_to_go(wrongs, level):
    assert next_level("a square", wrongs, 3) == level


@pytest.mark.parametrize("wrongs,sentence", [
    ([wrong("residue", 1), wrong("residue", 1)], "same wrong value twice .residue 1., so an operand or the program"),
    ([wrong("residue", 1), wrong("checksum", "a"), wrong("residue", 1)], "same wrong value twice"),
    ([wrong("residue", 1), wrong("round-off", 2), wrong("residue", 3)], "three faults in a row.*the processor"),
    ([wrong("checksum", "block 7")] * 2, "a square: checksum block 7, and that again.*looks like the disk; test"),
    ([wrong("checksum", "a"), wrong("read", "b"), wrong("read", "c")], "looks like the disk"),
    ([wrong("checksum", "a"), wrong("residue", 1), wrong("checksum", "b")], "memory or the processor"),
    ([wrong("round-off", "nan")] * 6, "wrong with words of every size"),
])
def test_when_it_is_of_no_use(wrongs, sentence):
    with pytest.raises((FaultError, ReadError), match=sentence) as caught:
        next_level("a square", wrongs, 3)
    assert caught.value.exit_code == (3 if wrongs[-1].kind == "read" else 5)


def repeat(faults, attempt, levels=1, **options):
    """attempt(tries, level) until it returns None, not what is wrong."""
    for each in faults.attempts("a square", levels, **options):
        with each:
            found = attempt(each.tries, each.level)
            if found is None:
                return
            each.fail(found)


def test_attempts_are_counted_told_and_kept():
    events, kept, outcomes = [], [], iter([wrong("residue", 1), ReadError("cannot read x"), None])
    faults = Faults(events.append)

    def attempt(tries, level):
        assert (tries, level) == (len(kept), 0)
        found = next(outcomes)
        if isinstance(found, Exception):
            raise found
        return found

    repeat(faults, attempt, record=lambda wrongs: kept.append(list(wrongs)))
    assert faults.counts == {"residue": 1, "read": 1}
    assert [(event.kind, event.where) for event in events] == [("residue", "a square"), ("read", "a square")]
    assert [len(wrongs) for wrongs in kept] == [1, 2]


def test_a_resumed_run_remembers_what_went_wrong():
    faults = Faults(lambda event: None)
    tries = []

    def attempt(number, level):
        tries.append((number, level))
        return wrong("round-off", 0.5) if level == 0 else None

    repeat(faults, attempt, 2, wrongs=[wrong("round-off", 0.5)])
    assert tries == [(1, 0), (2, 1)] and faults.counts == {"round-off": 1}


def test_what_was_given_up_is_tried_again_when_it_is_resumed():
    faults, kept = Faults(lambda event: None), []
    tries = []

    def attempt(number, level):
        tries.append(number)
        return wrong("residue", 1) if len(tries) < 2 else None

    repeat(faults, attempt, 2, wrongs=[wrong("residue", 1)] * 2, record=lambda wrongs: kept.append(wrongs))
    assert tries == [3, 4] and len(kept[-1]) == 4


@pytest.mark.parametrize("error", [ChecksumError("block 7 is not what was written"), ReadError("cannot read block 7")])
def test_a_block_that_is_bad_again_and_again(error):
    def attempt(tries, level):
        raise error

    with pytest.raises((FaultError, ReadError), match="block 7.*this looks like the disk"):
        repeat(Faults(lambda event: None), attempt)


def test_other_errors_go_through():
    def attempt(tries, level):
        raise KeyError

    with pytest.raises(KeyError):
        repeat(Faults(lambda event: None), attempt)
