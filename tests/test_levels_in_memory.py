"""Runs in memory keep finished levels, too, and go on from them: the same files, and nothing is left."""

import json
import os
import signal

import numpy as np
import pytest
from interrupted_runs import (
    COPIED,
    DIGITS,
    IN_MEMORY,
    at_level,
    bigconst,
    check_finished,
    contents,
    end,
    kill,
    levels,
)
from plan_places import ladder_levels
from test_cli import one_line

from bigconst.arithmetic.ladder import inverse_root
from bigconst.arithmetic.memory import machine
from bigconst.arithmetic.memory.machine import MemoryMachine
from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.planner import memory_trace
from bigconst.arithmetic.words import Words
from bigconst.base.errors import Interrupted
from bigconst.constants.golden import PHI
from bigconst.constants.planning import bounds_of, make_plan
from bigconst.constants.roots import ladder_bounds
from bigconst.runs.levels import LevelDirectory
from bigconst.runtime.arena import Arena
from bigconst.runtime.levelstore import LevelStore
from bigconst.runtime.threads import Pool
from bigconst.storage.lock import LOCK_NAME
from bigconst.storage.manifest import NAME, OLD_NAME, read_manifest, write_manifest

pytestmark = pytest.mark.usefixtures("place")


def test_a_short_run_leaves_the_scratch_alone(place, in_memory):
    (place / "files/swap").mkdir()
    before = os.stat("swap").st_mtime_ns
    assert bigconst(IN_MEMORY) == 0
    assert os.stat("swap").st_mtime_ns == before
    check_finished(place, in_memory)


def counted_steps(monkeypatch):
    """Words of the levels that a run in this process computes."""
    titles, level = [], MemoryMachine._level
    monkeypatch.setattr(MemoryMachine, "_level",
                        lambda self, call, *rest: titles.append(call.title) or level(self, call, *rest))
    return titles


@pytest.mark.parametrize("where, directory", [("--checkpoint ../c", "c"), ("--swap ../a", "a"), ("", "files/swap")])
def test_a_run_in_memory_goes_on(place, in_memory, monkeypatch, where, directory):
    if not where:
        (place / "files/swap").mkdir()
    kill(f"{IN_MEMORY} {where}", at_level("memory", 3))
    assert len(levels(place / directory)) == 2
    sizes = counted_steps(monkeypatch)
    assert bigconst(f"resume {place / directory}") == 0
    assert len(sizes) == 1
    check_finished(place, in_memory)
    assert not where or os.listdir(place / directory) == []


def test_the_same_command_goes_on_in_memory(place, in_memory, monkeypatch):
    command = f"{IN_MEMORY} --swap ../a"
    kill(command, at_level("memory", 2))
    newest = place / "a" / levels(place / "a")[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    sizes = counted_steps(monkeypatch)
    assert bigconst(command) == 0
    assert len(sizes) == 3
    check_finished(place, in_memory)


def test_a_saved_level_that_is_wrong(place, in_memory, monkeypatch, capsys):
    """Its checksums are right, its residue is not: what memory did before it was written."""
    kill(f"{IN_MEMORY} --swap ../a", at_level("memory", 2, spoil=True))
    sizes = counted_steps(monkeypatch)
    capsys.readouterr()
    assert bigconst("resume ../a") == 0
    assert len(sizes) == 3 and "what was saved is not what was computed" in capsys.readouterr().err
    check_finished(place, in_memory)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_in_memory_is_stopped(place, in_memory, capsys, number):
    code, err = end(f"{IN_MEMORY} --checkpoint ../c", at_level("memory", 2, number))
    assert code == 75 and f"bigconst resume {place / 'c'}" in err.splitlines()[-1] and "Traceback" not in err
    assert os.listdir(place / "files") == [] and LOCK_NAME not in os.listdir(place / "c")
    capsys.readouterr()
    assert bigconst("status ../c") == 0
    out = capsys.readouterr().out
    assert "stopped" in out and "in memory" in out and "Last level saved" in out
    assert bigconst("resume ../c --threads 1") == 0
    check_finished(place, in_memory)


def test_a_ladder_that_is_asked_to_stop(place):
    plan = make_plan(PHI, 100_000, 10, 2, 1 << 40)
    store = LevelStore(str(place / "c"), outside=False)

    ladder = ladder_bounds(5, bounds_of(plan, certified=False))
    trace = memory_trace(10, inverse_root, ladder, plan.words)

    def climb(stop, store):
        products = Products(Words(plan.format, pool), lambda event: None)
        machine = MemoryMachine(trace, products, Arena(trace.memory_bytes), lambda event: None, store=store, stop=stop)
        return machine, machine.run(inverse_root, ladder, plan.words)

    with Pool(2) as pool:
        _, expected = climb(lambda: False, None)
        for k in [level.words_out for level in ladder_levels(plan.trace)]:
            with pytest.raises(Interrupted):
                climb(lambda: True, store)
            assert store.newest()[0]["numbers"][0][0] == k
        again, found = climb(lambda: True, store)
    assert found.residue == expected.residue and again.records == []
    np.testing.assert_array_equal(found.words, expected.words)


def test_a_run_in_memory_that_saved_nothing_leaves_nothing(place, monkeypatch, capsys):
    def step(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(MemoryMachine, "_level", step)
    for where in ("--checkpoint ../c", "--swap ../a"):
        assert bigconst(f"{IN_MEMORY} {where}") == 130
        one_line(capsys)
    for name in ("a", "c", "files"):
        assert os.listdir(place / name) == []


def test_a_run_in_memory_leaves_the_scratch_of_another_alone(place, in_memory, monkeypatch):
    kill(COPIED.replace("phi", "sqrt 2"), at_level("level 1"))
    for path in (place / "files").iterdir():
        path.unlink()
    before = contents(place / "a", place / "c")
    monkeypatch.setattr(machine, "SAVE_S", 0)
    assert bigconst(f"{IN_MEMORY} --swap ../a") == 0
    assert contents(place / "a", place / "c") == before
    assert bigconst("sqrt 2 --digits 1000 --discard --swap ../a") == 0
    for name in ("sqrt2.txt", "sqrt2.txt.cert"):
        os.unlink(name)
    check_finished(place, in_memory)


def test_a_run_on_disk_does_not_destroy_levels_in_memory(place, capsys):
    kill(f"{IN_MEMORY} --swap ../a", at_level("memory", 3))
    before = contents(place / "a")
    capsys.readouterr()
    assert bigconst(f"{COPIED} --output other") == 2
    assert f"bigconst resume {place / 'a'}" in one_line(capsys)
    assert contents(place / "a") == before


def test_a_scratch_that_was_taken_meanwhile_is_left_alone(place, capsys):
    fields = {"lanes": [], "run_id": "1"}
    with LevelDirectory(str(place / "a"), False, fields) as levels:
        write_manifest(str(place / "a"), {"run_id": "2"})
        levels.save("memory", {}, {}, [])
    assert "another run" in capsys.readouterr().err
    assert os.listdir(place / "a") == [NAME] and read_manifest(str(place / "a")) == {"run_id": "2"}


def test_levels_of_a_run_that_is_over_are_not_taken(place, in_memory, monkeypatch):
    """It removes its manifest last; killed before, it leaves levels of nobody knows what."""
    kill(f"sqrt 2 --digits {DIGITS} --swap ../a", at_level("memory", 3))
    for name in (NAME, OLD_NAME):
        (place / "a" / name).unlink()
    for path in (place / "files").iterdir():
        path.unlink()
    monkeypatch.setattr(machine, "SAVE_S", 0)
    assert bigconst(f"{IN_MEMORY} --swap ../a --checkpoint ../c") == 0
    assert bigconst(f"{IN_MEMORY} --swap ../a --force") == 0
    check_finished(place, in_memory)


def test_each_level_that_is_saved_is_a_checkpoint(place, monkeypatch):
    monkeypatch.setattr(machine, "SAVE_S", 0)
    saved, save = [], LevelStore.save
    monkeypatch.setattr(LevelStore, "save", lambda self, name, *rest: saved.append(name) or save(self, name, *rest))
    assert bigconst(f"{IN_MEMORY} --checkpoint ../c --events run.events") == 0
    events = [json.loads(line) for line in (place / "files/run.events").read_text().splitlines()]
    checkpoints = [event for event in events if event["event"] == "checkpoint"]
    assert len(checkpoints) == len(saved) > 2 and all(event["records"] == 1 for event in checkpoints)
