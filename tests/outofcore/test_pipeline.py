"""The pipeline: order, what has ended when, and failures that leave nothing under way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigconst.base.errors import Interrupted
from bigconst.runtime.pipeline import RING, Pipeline, Together


class Device:
    """Transfers that end when they are waited for, or before; one of them, or a computation, may fail."""

    def __init__(self, early=lambda kind, i: False, fails=None):
        self.log, self.under_way, self.ended = [], set(), set()
        self._early, self._fails = early, fails

    def start(self, kind, i):
        self.log.append((kind, i))
        if self._fails == (f"start of {kind}", i):
            raise KeyError(kind, i)
        self.under_way.add((kind, i))
        if self._early(kind, i):
            self.ended.add((kind, i))
        return Waited(self, kind, i)

    def compute(self, i):
        self.log.append(("compute", i))
        assert ("read", i) in self.ended
        # Outputs have two buffers, what is changed in place RING.
        assert all(("write", j) in self.ended for j in range(i - 1))
        if self._fails == ("compute", i):
            raise KeyError("compute", i)

    def read(self, i):
        assert all(("write", j) in self.ended for j in range(i - RING + 1)), "the buffer is still being written"
        return self.start("read", i)

    def write(self, i):
        return self.start("write", i)


class Waited:
    def __init__(self, device, kind, i):
        self._device, self._what = device, (kind, i)

    def wait(self):
        device = self._device
        device.under_way.discard(self._what)
        device.ended.add(self._what)
        if device._fails == self._what:
            raise KeyError(*self._what)


@given(count=st.integers(0, 12), early=st.sets(st.tuples(st.sampled_from(["read", "write"]), st.integers(0, 12))))
def test_units_go_through_in_order_and_everything_ends(count, early):
    device = Device(lambda kind, i: (kind, i) in early)
    pipeline = Pipeline()
    pipeline.run(count, device.read, device.compute, device.write)
    for kind in ("read", "compute", "write"):
        assert [i for name, i in device.log if name == kind] == list(range(count))
    for i in range(count):
        assert device.log.index(("read", i)) < device.log.index(("compute", i)) < device.log.index(("write", i))
    # One is read ahead: before a unit is computed, the next one is on its way.
    for i in range(count - 1):
        assert device.log.index(("read", i + 1)) < device.log.index(("compute", i))
    for i in range(count - 2):
        assert device.log.index(("read", i + 2)) > device.log.index(("compute", i)), "a third input has no buffer"
    assert not device.under_way
    assert pipeline.wait_s >= 0


@pytest.mark.parametrize("kind", ["read", "compute", "write", "start of read", "start of write"])
@pytest.mark.parametrize("i", [0, 1, 2, 5, 8, 9])
def test_a_failure_is_raised_when_nothing_is_under_way_any_more(kind, i):
    device = Device(fails=(kind, i))
    with pytest.raises(KeyError) as caught:
        Pipeline().run(10, device.read, device.compute, device.write)
    assert caught.value.args == (kind.removeprefix("start of "), i)
    assert not device.under_way, "buffers would be handed on while they are moved"


def test_an_interrupt_leaves_nothing_under_way_either():
    device = Device()

    def compute(i):
        if i == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Pipeline().run(10, device.read, compute, device.write)
    assert not device.under_way


class Recorded:
    """A step of which `done` units are finished; what the pipeline says of others."""

    def __init__(self, device, done=0):
        self.done, self.kept, self.flushed = done, [], 0
        self._device = device

    def finished(self, unit, fields, arrays):
        assert ("write", unit) in self._device.ended and unit == self.done and fields == {"of": unit}
        self.kept.append(unit)
        self.done = unit + 1

    def flush(self):
        self.flushed = self.done


@pytest.mark.parametrize("done", [0, 1, 4, 9, 10])
def test_a_pass_goes_on_behind_the_units_that_are_done(done):
    device = Device()
    device.ended = {("write", i) for i in range(done)}
    step = Recorded(device, done)
    Pipeline().run(10, device.read, device.compute, device.write, step, lambda i: ({"of": i}, {}))
    assert [i for name, i in device.log if name == "compute"] == step.kept == list(range(done, 10))
    assert not device.under_way


@pytest.mark.parametrize("asked", range(12))
def test_a_stop_ends_what_was_begun_and_records_it(asked):
    device, questions = Device(), []
    step = Recorded(device)

    def stop():
        questions.append(0)
        return len(questions) > asked

    try:
        Pipeline(stop).run(10, device.read, device.compute, device.write, step, lambda i: ({"of": i}, {}))
    except Interrupted as error:
        assert error.exit_code == 75 and asked < 10 and step.flushed == asked
    else:
        assert asked >= 10
    # Nothing that was computed is lost, nothing is computed that was not recorded.
    assert [i for name, i in device.log if name == "compute"] == step.kept == list(range(min(asked, 10)))
    assert not device.under_way


def test_transfers_that_fail_together_are_all_waited_for():
    device = Device(fails=("read", 1))
    transfers = [device.start("read", i) for i in range(4)]
    with pytest.raises(KeyError):
        Together(transfers).wait()
    assert not device.under_way
    Together([]).wait()


def test_a_second_failure_while_settling_does_not_hide_the_first():
    class Broken:
        def wait(self):
            raise OSError("the disk is gone")

    def compute(i):
        raise ValueError("computing")

    first = Device()

    def read(i):
        return first.read(i) if i == 0 else Broken()

    with pytest.raises(ValueError, match="computing"):
        Pipeline().run(3, read, compute, lambda i: None)
