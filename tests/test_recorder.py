"""What a run keeps and gives back, and in which order it becomes safe; no disk but for the last tests."""

import os
import signal
import threading

import numpy as np
import pytest

from bigconst.base.errors import DoesNotFit
from bigconst.runtime import recorder
from bigconst.runtime.checkpoint import JOURNAL_NAME, Checkpoint
from bigconst.runtime.recorder import Recorder
from bigconst.storage.lane import Transfer


class Disk:
    """A journal, the data it speaks of, and what happened to them in order."""

    def __init__(self):
        self.calls, self.records = [], []

    def append(self, fields, arrays):
        self.calls.append("append")
        self.records.append((fields, arrays))

    def sync(self):
        self.calls.append("sync journal")

    def sync_data(self):
        self.calls.append("sync data")

    def rotate(self, records):
        self.calls.append("rotate")
        self.records = list(records)
        return self

    def recorder(self):
        """Of a process that starts now."""
        return Recorder(self, list(self.records), self.sync_data, self.rotate)


@pytest.fixture
def disk():
    return Disk()


def test_units_come_back(disk):
    step = disk.recorder().step("fold")
    assert step.done == 0 and step.records == []
    for unit in range(3):
        step.finished(unit, {"carry": unit * unit}, {"x": np.full(2, unit)})
    assert step.done == 3 and disk.records == []
    step.flush()
    step.finished(3, {}, {})                # lost
    step = disk.recorder().step("fold")
    assert step.done == 3
    assert [fields["carry"] for fields, _ in step.records] == [0, 1, 4]
    assert step.records[2][1]["x"].tolist() == [2, 2]


def test_data_is_safe_before_the_records_that_speak_of_it(disk):
    step = disk.recorder().step("fold")
    for unit in range(2):
        step.finished(unit, {}, {})
    assert disk.calls == []
    step.flush()
    assert disk.calls == ["sync data", "append", "append", "sync journal"]
    step.flush()
    assert len(disk.calls) == 4             # nothing was waiting


def test_a_failed_sync_keeps_the_records_back(disk):
    def fail():
        raise OSError

    step = Recorder(disk, [], fail, disk.rotate).step("fold")
    step.finished(0, {}, {})
    with pytest.raises(OSError):
        step.flush()
    assert disk.calls == []


def test_durable_flushes_only_what_is_not_safe(disk):
    step = disk.recorder().step("fold")
    step.durable(-1)
    assert disk.calls == []
    for unit in range(3):
        step.finished(unit, {}, {})
    step.durable(1)
    assert len(disk.records) == 3 and len(disk.calls) == 5
    step.finished(3, {}, {})
    step.durable(2)
    assert len(disk.calls) == 5
    step.durable(3)
    assert len(disk.records) == 4
    before = len(disk.calls)
    step = disk.recorder().step("fold")
    step.durable(3)
    assert len(disk.calls) == before        # safe since the process before


def test_another_thread_begins_with_what_is_needed_soon(disk):
    may_end, sync = threading.Event(), disk.sync_data
    disk.sync_data = lambda: may_end.wait(30) and sync()
    step = disk.recorder().step("fold")
    for unit in range(2):
        step.finished(unit, {}, {})
    step.durable(-1, 0)                     # returns, although nothing is safe
    step.finished(2, {}, {})
    assert disk.calls == []
    may_end.set()
    step.durable(1, 1)
    assert disk.calls == ["sync data", "append", "append", "sync journal"]      # not the third, which came later
    step.durable(2)
    assert [fields["unit"] for fields, _ in disk.records] == [0, 1, 2]


def test_what_another_thread_meets_is_raised_when_it_is_waited_for(disk):
    def fail():
        raise OSError

    for wait in (lambda step: step.durable(0), lambda step: step.flush(), lambda step: step.durable(-1, 2)):
        step = Recorder(disk, [], fail, disk.rotate).step("fold")
        for unit in range(2):
            step.finished(unit, {}, {})
        step.durable(-1, 0)
        step.finished(2, {}, {})
        with pytest.raises(OSError):
            wait(step)
        step.settle()
    assert disk.calls == []


def test_ctrl_c_does_not_forget_the_other_thread(disk, monkeypatch):
    may_end, sync = threading.Event(), disk.sync_data
    disk.sync_data = lambda: may_end.wait(30) and sync()
    step = disk.recorder().step("fold")
    step.finished(0, {}, {})
    step.durable(-1, 0)
    with monkeypatch.context() as patch:
        patch.setattr(Transfer, "wait", lambda self: signal.raise_signal(signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            step.durable(0)
    may_end.set()
    step.settle()
    assert disk.calls[-1] == "sync journal"


def test_without_another_thread_the_caller_flushes(disk, monkeypatch):
    def refuse(*arguments, name):
        raise DoesNotFit("no thread", "none")

    monkeypatch.setattr(recorder, "start_thread", refuse)
    step = disk.recorder().step("fold")
    step.finished(0, {}, {})
    step.durable(-1, 0)
    assert len(disk.records) == 1 and disk.calls[-1] == "sync journal"


def test_a_name_that_comes_again_is_another_pass(disk):
    first = disk.recorder()
    for count in (2, 1):
        step = first.step("fold")
        for unit in range(count):
            step.finished(unit, {}, {})
    first.flush()
    again = disk.recorder()
    assert [again.step("fold").done for _ in range(3)] == [2, 1, 0]


def test_facts(disk):
    first = disk.recorder()
    assert first.fact("root") is None
    first.step("root").finished(0, {}, {})
    first.note("root", {"residue": 7})
    assert disk.calls == ["sync data", "append", "append", "sync journal"]
    first.note("root", {"residue": 8}, {"x": np.arange(3)})
    fields, arrays = disk.recorder().fact("root")
    assert fields["residue"] == 8 and arrays["x"].tolist() == [0, 1, 2]
    assert disk.recorder().step("root").done == 1


def test_restart_forgets_all_before(disk):
    first = disk.recorder()
    first.note("level 0", {})
    first.step("fold").finished(0, {}, {})
    disk.calls.clear()
    first.restart([("level 1", {"residue": 3}, {})])
    assert disk.calls[-2:] == ["sync data", "rotate"] and len(disk.records) == 1
    again = disk.recorder()
    assert again.fact("level 0") is None and again.step("fold").done == 0
    assert again.fact("level 1")[0]["residue"] == 3


def test_records_do_not_wait_longer_than_flush_s(disk, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(recorder.time, "perf_counter", lambda: now[0])
    step = disk.recorder().step("fold")
    step.finished(0, {}, {})
    now[0] = recorder.FLUSH_S
    step.finished(1, {}, {})
    assert disk.records == []
    now[0] += 0.1
    step.finished(2, {}, {})
    assert len(disk.records) == 3
    step.finished(3, {}, {})
    assert len(disk.records) == 3


def test_without_a_journal_nothing_is_kept():
    nothing = Recorder(sync=lambda: pytest.fail("there is nothing to make safe"))
    step = nothing.step("fold")
    step.finished(0, {}, {})
    step.durable(0)
    nothing.note("root", {})
    nothing.restart([("level 1", {}, {})])
    assert nothing.fact("root") is None and nothing.fact("level 1") is None and step.done == 1


# --- on a disk -----------------------------------------------------------------------

def test_checkpoint(tmp_path):
    directory = str(tmp_path)
    assert Checkpoint.load(directory) is None
    checkpoint = Checkpoint.create(directory, {"digits": 5})
    first = checkpoint.recorder(lambda: None)
    first.step("fold").finished(0, {}, {"x": np.arange(4)})
    first.flush()
    checkpoint.update(parts=["p"])
    checkpoint.close()

    checkpoint = Checkpoint.load(directory)
    assert checkpoint.fields["digits"] == 5 and checkpoint.fields["parts"] == ["p"]
    second = checkpoint.recorder(lambda: None)
    step = second.step("fold")
    assert step.done == 1 and step.records[0][1]["x"].tolist() == [0, 1, 2, 3]
    second.restart([("level 0", {}, {})])
    second.step("fold").finished(0, {}, {})
    second.flush()
    assert [name for name in os.listdir(directory) if name.startswith(JOURNAL_NAME)] == [f"{JOURNAL_NAME}.1"]
    checkpoint.close()

    checkpoint = Checkpoint.load(directory)
    assert len(checkpoint.records) == 2
    (tmp_path / f"{JOURNAL_NAME}.0").touch()        # of a process that was killed while it changed journals
    checkpoint.remove()
    assert os.listdir(directory) == []
