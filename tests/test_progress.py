"""What is shown of a run: bars that fit the terminal, plain lines elsewhere, and shares and times that are true."""

import fcntl
import os
import re
import struct
import termios
import threading
import time
from types import SimpleNamespace

import pytest
from plan_places import ladder_levels

from bigconst.base.events import Fault, PlanMade, StageDone, StageStarted, UnitDone
from bigconst.constants.golden import PHI
from bigconst.constants.planning import make_plan
from bigconst.constants.registry import parse
from bigconst.constants.sqrt import root_of
from bigconst.plans.accounts import Traffic
from bigconst.runs import progress as progress_module
from bigconst.runs import workdone
from bigconst.runs.progress import Progress, layout
from bigconst.runs.workdone import MemoryWork, StageTraffic, remaining_s

STAGES = [StageStarted("level 1", 1, 2), StageDone("level 1", 1, 2, 3.0), StageStarted("level 2", 2, 2)]
FAULT = Fault("residue", "level 2", "wrong product")
PLAN = make_plan(PHI, 10**6, 10, 2, 1 << 40)
DISK_PLAN = SimpleNamespace(constant=PHI, certified=True, disk=SimpleNamespace(
    stages=[("level 1", Traffic(300, 100)), ("level 2", Traffic(500, 100))]))


class Stream:
    def __init__(self, terminal):
        self.terminal, self.text = terminal, ""

    def isatty(self):
        return self.terminal

    def write(self, text):
        self.text += text

    def flush(self):
        pass


class Space:
    """A scratch that has moved `moved_bytes` of 1000."""

    elapsed_s = 100.0

    def __init__(self, moved_bytes):
        self.moved_bytes = moved_bytes

    def share_done(self):
        return self.moved_bytes / 1000

    @property
    def remaining_s(self):
        return remaining_s(self.share_done(), self.elapsed_s)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(progress_module, "TICK_S", 0.01)
    monkeypatch.setattr(progress_module, "LINE_EVERY_S", 0.02)


def wait_for(text, said):
    deadline_s = time.monotonic() + 30
    while text not in said() and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert text in said()


# --- lines and bars ------------------------------------------------------------------

def test_silent_in_short_runs_but_not_about_faults():
    for terminal in (False, True):
        stream = Stream(terminal)
        with Progress(stream, quiet_s=1e9) as progress:
            for event in [*STAGES, FAULT]:
                progress(event)
        assert stream.text == "fault (residue) in level 2: wrong product\n"


def test_plain_lines_of_stages_without_a_terminal():
    stream = Stream(False)
    with Progress(stream, quiet_s=0) as progress:
        for event in STAGES:
            progress(event)
    assert stream.text == "1/2 level 1: 3.00 s\n"


def test_plain_lines_say_now_and_then_how_far_it_is(quick):
    stream, space = Stream(False), Space(250)
    with Progress(stream, quiet_s=0, space=space) as progress:
        progress(PlanMade(DISK_PLAN))
        progress(STAGES[0])
        wait_for("MB/s", lambda: stream.text)
    line = stream.text.splitlines()[0]
    assert line.startswith("25.0 %, 5 min 00 s left, 1 min 40 s elapsed, 1/2 level 1, 0 MB/s, CPU ")


def test_no_such_line_before_its_time(monkeypatch):
    monkeypatch.setattr(progress_module, "TICK_S", 0.01)
    stream = Stream(False)
    with Progress(stream, quiet_s=0, space=Space(250)) as progress:
        progress(PlanMade(DISK_PLAN))
        progress(STAGES[0])
        time.sleep(3 * progress_module.TICK_S)
    assert stream.text == ""


def test_two_bars_on_a_terminal(quick):
    stream, space = Stream(True), Space(250)
    with Progress(stream, quiet_s=0, space=space) as progress:
        progress(PlanMade(DISK_PLAN))
        for event in STAGES[:1] + [UnitDone("level 1", 1, 8, 100)] * 5 + [FAULT]:
            progress(event)
        wait_for("| 25.0 %, 5 min 00 s left, 1 min 40 s elapsed", lambda: stream.text)
        wait_for("1/2 level 1 |", lambda: stream.text)
        wait_for("| 62 %, ", lambda: stream.text)       # 250 of 400
        space.moved_bytes = 700
        progress(STAGES[1])
        progress(STAGES[2])
        space.moved_bytes = 850
        wait_for("| 85.0 %, ", lambda: stream.text)
        wait_for("2/2 level 2 |", lambda: stream.text)
        wait_for("| 25 %, ", lambda: stream.text)       # 150 of 600
    assert "wrong product\n" in stream.text


def test_the_bar_of_a_run_in_memory_names_what_comes_after_the_levels(quick):
    stream, count = Stream(True), len(ladder_levels(PLAN.trace))
    with Progress(stream, quiet_s=0) as progress:
        progress(PlanMade(PLAN))
        for index in range(1, count + 1):
            progress(StageStarted(f"{index} digits", index, count))
            progress(StageDone(f"{index} digits", index, count, 1.0))
        wait_for("certificate and files |", lambda: stream.text)


@pytest.mark.parametrize("columns", [200, 80, 40, 20, 5])
def test_bars_do_not_wrap(quick, columns):
    """Every piece of text between two movements of the cursor is shorter than the terminal is wide."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    said = []

    def listen():
        while data := os.read(ours, 1 << 16):
            said.append(data)
            if b"THE END" in b"".join(said):
                return

    listener = threading.Thread(target=listen)
    listener.start()
    with open(theirs, "w") as stream:
        with Progress(stream, quiet_s=0, space=Space(123)) as progress:
            progress(PlanMade(DISK_PLAN))
            for event in [STAGES[0], *[UnitDone("level 1", 1, 8, 100)] * 5]:
                progress(event)
            wait_for("phi |" if columns > 5 else "ph", lambda: b"".join(said).decode(errors="replace"))
            time.sleep(3 * progress_module.TICK_S)
        print("THE END", file=stream, flush=True)
        listener.join(30)
    os.close(ours)
    pieces = re.split(r"\x1b\[.|[\r\n]", b"".join(said).decode())
    widest = max(map(len, pieces))
    assert widest <= max(columns - 1, len("THE END"))
    assert columns < 40 or any("12.3 %" in piece and "left" in piece and "phi |" in piece for piece in pieces)


def test_layout_drops_what_has_no_room():
    parts = ["50 %", "1 min 00 s left", "10.0 s elapsed"]
    assert layout("phi", parts, 80) == "phi |{bar}| 50 %, 1 min 00 s left, 10.0 s elapsed"
    shortest = len("phi |####| 50 %, 1 min 00 s left, 10.0 s elapsed")
    assert layout("phi", parts, shortest) == "phi |{bar}| 50 %, 1 min 00 s left, 10.0 s elapsed"
    assert layout("phi", parts, shortest - 1) == "phi |{bar}| 50 %, 1 min 00 s left"
    shortest = len("phi |####| 50 %, 1 min 00 s left")
    assert layout("phi", parts, shortest) == "phi |{bar}| 50 %, 1 min 00 s left"
    assert layout("phi", parts, shortest - 1) == "phi |{bar}| 50 %"
    assert layout("phi", parts, 1) == "phi |{bar}| 50 %"
    assert layout("{x}", parts, 1).format(bar="#") == "{x} |#| 50 %"


def test_a_terminal_that_is_gone_ends_neither_the_run_nor_the_display(quick):
    class Gone(Stream):
        def write(self, text):
            raise OSError(5, "Input/output error")

    with Progress(Gone(True), quiet_s=0, space=Space(1)) as progress:
        progress(PlanMade(DISK_PLAN))
        progress(STAGES[0])
        progress(FAULT)
        progress.say("and this is lost, too")


def test_what_is_said_after_the_end_is_printed():
    stream = Stream(True)
    with Progress(stream) as progress:
        pass
    progress.say("stopping")
    assert stream.text == "stopping\n"


# --- shares and times ----------------------------------------------------------------

@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now_s=1000.0)
    monkeypatch.setattr(workdone, "time", SimpleNamespace(perf_counter=lambda: clock.now_s))
    return clock


@pytest.mark.parametrize("first", [1, 4])
def test_in_memory_the_share_is_that_of_work(clock, first):
    """A machine that takes as long as the plan has work: the share grows evenly, the time left is the time left."""
    levels, rest = workdone.memory_work(PLAN)
    assert len(levels) == len(ladder_levels(PLAN.trace)) and rest == 0
    assert levels[-1] > 0.6 * sum(levels)
    total, count = sum(levels) + rest, len(levels)
    work = MemoryWork()
    clock.now_s += 5            # kernels are loaded
    work.receive(PlanMade(PLAN))
    assert work.share_done() == 0.0 and work.remaining_s is None

    def check(done):
        assert work.share_done() == pytest.approx(done / total)
        assert work.remaining_s == pytest.approx((total - done) / total * 60)

    done = sum(levels[:first - 1])
    for index in range(first, count + 1):
        work.receive(StageStarted("", index, count))
        for _ in range(2):
            clock.now_s += levels[index - 1] / total * 30
            done += levels[index - 1] / 2
            if index > first:   # there is no pace yet in the first
                check(done)
                assert 0.4 < work.stage_share() < 1.01
        work.receive(StageDone("", index, count, 0.0))
        check(done)
    clock.now_s += rest / total * 30
    check(done + rest / 2)
    clock.now_s += 1000
    assert work.share_done() == 1.0 and work.remaining_s == 0.0


def test_a_level_that_takes_longer_stands_at_its_end(clock):
    work, count = MemoryWork(), len(ladder_levels(PLAN.trace))
    work.receive(PlanMade(PLAN))
    for index in range(1, count):
        work.receive(StageStarted("", index, count))
        clock.now_s += 1
        work.receive(StageDone("", index, count, 1.0))
    work.receive(StageStarted("", count, count))
    clock.now_s += 1e6
    levels, rest = workdone.memory_work(PLAN)
    assert work.stage_share() == 1.0
    assert work.share_done() == pytest.approx(sum(levels) / (sum(levels) + rest))


def test_perfect_squares_have_no_levels():
    work = MemoryWork()
    work.receive(PlanMade(make_plan(root_of(4), 10**5, 10, 1, 1 << 40)))
    assert work.share_done() == work.stage_share() == 0.0


def test_without_a_certificate_the_levels_are_all():
    levels, rest = workdone.memory_work(make_plan(root_of(2), 10**5, 16, 1, 1 << 40, certified=False))
    assert levels and rest == 0.0


def test_on_disk_what_memory_computes_counts():
    plan = make_plan(parse("pi"), 10**6, 10, 2, 1 << 40, workspace_bytes=4 << 20, disk="ssd").disk
    before, total = workdone.computed_before(plan)
    order = [(name, before[name]) for name, _ in plan.stages if name in before]
    assert order[0][1] == 0 and total == order[-1][1] > 0
    in_memory = {call.title for call in plan.trace.calls if call.is_in_memory}
    for (name, one), (_, other) in zip(order, order[1:], strict=False):
        assert one < other if name in in_memory else one <= other


def test_the_first_stage_of_a_resumed_run_is_not_at_its_beginning():
    for moved, share in ((0, 0), (400, 0), (550, 0.25), (1000, 1), (1200, 1)):
        traffic = StageTraffic()
        traffic.receive(PlanMade(DISK_PLAN), moved)
        traffic.receive(StageStarted("level 2", 2, 2), moved)
        assert traffic.share(moved) == pytest.approx(share)
    traffic.receive(StageStarted("level 1", 1, 2), 1200)
    assert traffic.share(1300) == 0.25


def test_time_that_is_left():
    assert remaining_s(0.0, 10.0) is None
    assert remaining_s(0.25, 10.0) == 30.0
    assert remaining_s(0.75, 10.0, share_before=0.5) == 10.0
    assert remaining_s(1.0, 10.0) == 0.0
