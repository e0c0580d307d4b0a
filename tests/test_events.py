"""--events: what happens becomes JSON lines, one each, that tell the whole run and never end it; --nice."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from datetime import datetime

import fake_engine
import pytest
from interrupted_runs import IN_MEMORY, LARGE, LARGE_ON_DISK, ON_DISK, at_moment, bigconst, check_finished, end
from test_cli import ENVIRONMENT, one_line

from bigconst.base import events
from bigconst.base.events import CheckpointMade, Fault, Finished, PlanMade, StageDone, StageStarted, UnitDone, together
from bigconst.cli import main
from bigconst.constants.golden import PHI
from bigconst.mersenne import events as test_events
from bigconst.runs import priority
from bigconst.runs.eventsfile import EventsFile, event_name
from bigconst.runs.workdone import remaining_s


def read(path):
    """The events of a file, every line of which has to be one."""
    text = path.read_text()
    assert text.endswith("\n")
    found = [json.loads(line) for line in text.splitlines()]
    times = [datetime.fromisoformat(each["t"]) for each in found]
    assert times == sorted(times) and all(time.tzinfo is not None for time in times)
    return found


def of(found, *names):
    return [each for each in found if each["event"] in names]


# --- the file ------------------------------------------------------------------------

def test_names():
    kinds = (PlanMade, StageStarted, StageDone, UnitDone, CheckpointMade, Fault, Finished, test_events.Resumed,
             test_events.Advanced, test_events.Repeated, test_events.PartBegun, test_events.PartDone,
             test_events.PartFailed, test_events.Concluded)
    assert [event_name(kind) for kind in kinds] == [
        "plan", "stage_started", "stage_done", "unit_done", "checkpoint", "fault", "finished", "resumed", "advanced",
        "repeated", "part_begun", "part_done", "part_failed", "concluded"]
    assert set(events.Event.__args__) < set(kinds)


def test_lines(tmp_path):
    path = tmp_path / "events"
    unit = UnitDone("level 1, u", 3, 8, 1 << 20)
    with EventsFile(str(path)) as file:
        for event in (unit, Fault("residue", "caf\udce9", 'wrong "product"\n'), Finished()):
            file(event)
            assert read(path)[-1]["event"] == event_name(type(event))       # nothing waits in a buffer
    found = [{name: value for name, value in each.items() if name != "t"} for each in read(path)]
    assert found == [
        {"event": "unit_done", "stage": "level 1, u", "index": 3, "count": 8, "moved_bytes": 1048576},
        {"event": "fault", "kind": "residue", "where": "caf\udce9", "message": 'wrong "product"\n'},
        {"event": "finished"}]


def test_tests_have_residues_that_every_reader_of_json_can_hold(tmp_path):
    path = tmp_path / "events"
    with EventsFile(str(path)) as file:
        file(test_events.Advanced(11213, 5, 11211, 0.5, 0.25, 2**64 - 255))
        file(test_events.Resumed(11213, 5, ("ll11213.a",)))
    advanced, resumed = read(path)
    assert advanced["res64"] == "FFFFFFFFFFFFFF01" and advanced["roundoff"] == 0.25
    assert resumed["bad"] == ["ll11213.a"]


def test_what_is_there_is_kept_and_a_line_that_was_cut_off_is_ended(tmp_path):
    path = tmp_path / "events"
    for kept, then in (("", ""), ("one\n", "one\n"), ("one\ntw", "one\ntw\n")):
        path.write_text(kept)
        with EventsFile(str(path)) as file:
            file(Finished())
        assert path.read_text().startswith(then + '{"t": ') and path.read_text().count('{"t"') == 1


def test_a_write_that_fails_is_said_once(tmp_path, capsys):
    with EventsFile("/dev/full") as file:
        for _ in range(3):
            file(Finished())
    out, err = capsys.readouterr()
    assert out == "" and err == "no more events go to /dev/full: No space left on device; the run goes on\n"


def test_a_write_that_is_cut_short_is_the_last(tmp_path, monkeypatch):
    path, said, write = tmp_path / "events", [], os.write
    with EventsFile(str(path)) as file:
        file.say = said.append
        file(Finished())
        monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:5]))
        file(Finished())
        monkeypatch.undo()
        file(Finished())
    assert said == [f"no more events go to {path}: no room; the run goes on"]
    assert path.read_text().count("\n") == 1


def test_together():
    heard = []
    tell = together(heard.append, lambda event: heard.append((event,)))
    tell(1)
    tell(2)
    assert heard == [1, (1,), 2, (2,)]


# --- the option ----------------------------------------------------------------------

@pytest.fixture
def engine(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return fake_engine.install(monkeypatch)


@pytest.mark.parametrize("option, code, word", [
    ("-", 2, "run.events"),
    ("missing/events", 3, "--events"),
    (".", 3, "--events"),
    ("phi.txt", 2, "another name"),
    ("./phi.txt.cert", 2, "another name"),
    ("run.json --json ./run.json", 2, "another name"),
    ("events --plan", 2, "leave out --events"),
])
def test_refused_before_any_work(engine, tmp_path, capsys, option, code, word):
    assert main(["phi", "--digits", "30", "--events", *option.split()]) == code
    assert word in one_line(capsys)
    assert os.listdir(tmp_path) == []


def test_a_test_refuses_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["ll", "127", "--events", "missing/events"]) == 3
    assert "--events" in one_line(capsys)


def test_a_full_disk_does_not_end_the_run(engine, tmp_path, capsys):
    assert main("phi --digits 30 --events /dev/full".split()) == 0
    assert capsys.readouterr().err.count("the run goes on") == 1
    assert (tmp_path / "phi.txt").read_bytes() == fake_engine.expected_text(engine_plan())


def engine_plan():
    return fake_engine.Plan(PHI, 30, 10, 1, 0)


def test_digits_on_standard_output(engine, tmp_path, capsys):
    assert main("phi --digits 30 --output - --events run.events".split()) == 0
    assert [each["event"] for each in read(tmp_path / "run.events")] == [
        "plan", "stage_started", "stage_done", "finished"]


# --- runs ----------------------------------------------------------------------------

def test_a_run_in_memory(place):
    assert bigconst(f"{IN_MEMORY} --events ../c/events") == 0
    found = read(place / "c" / "events")
    plan = found[0]["plan"]
    assert (plan["constant"], plan["digits"], plan["base"], plan["mode"]) == ("phi", 70_000, 10, "in memory")
    stages = of(found, "stage_started", "stage_done")
    assert len(found) == len(stages) + 2 and found[-1]["event"] == "finished"
    assert [each["index"] for each in stages] == [i // 2 + 1 for i in range(len(stages))]


def units(found):
    return [(each["stage"], each["index"], each["count"]) for each in of(found, "unit_done")]


def test_a_run_on_disk(place, in_memory):
    assert bigconst(f"{LARGE_ON_DISK} --events ../events --json ../run.json") == 0
    found, report = read(place / "events"), json.loads((place / "run.json").read_text())
    for name in ("events", "run.json"):
        (place / name).unlink()
    check_finished(place, in_memory, LARGE)
    assert [found[0]["event"], found[-1]["event"]] == ["plan", "finished"]
    assert [each["name"] for each in found[0]["plan"]["stages"]] == [each["name"] for each in report["stages"]]
    assert of(found, "checkpoint") and all(each["records"] > 0 for each in of(found, "checkpoint"))
    stage, moved_bytes = None, {}
    for each in found:
        match each["event"]:
            case "stage_started":
                assert stage is None
                stage, last = each["name"], (0, 0)
            case "stage_done":
                assert stage == each["name"]
                stage = None
            case "unit_done":
                assert each["stage"] == stage
                # Passes are told one after the other, and whole.
                index, count = last
                assert (each["index"], each["count"]) == (index + 1, count) if index < count else each["index"] == 1
                last = each["index"], each["count"]
                moved_bytes[stage] = moved_bytes.get(stage, 0) + each["moved_bytes"]
    assert set(moved_bytes) > {"level 1, u", "level 2, v", "level 1, sum", "level 2, proof"}
    for each in report["stages"]:
        measured = each["read_bytes"] + each["written_bytes"]
        # Behind the last unit come carries that arrive late.
        assert 0.8 * measured <= moved_bytes.get(each["name"], measured) <= measured


@pytest.fixture
def whole(place):
    """The units of a run that nothing interrupts."""
    assert bigconst(f"{ON_DISK} --events ../events") == 0
    found = read(place / "events")
    (place / "events").unlink()
    for path in (place / "files").iterdir():
        path.unlink()
    return units(found)


def test_a_run_that_is_resumed_goes_on_in_its_file(place, in_memory, whole, capsys):
    code, err = end(f"{ON_DISK} --events ../events", at_moment(200, signal.SIGTERM))
    assert code == 75 and "finishing the unit at hand" in err
    before = read(place / "events")
    assert 0 < len(units(before)) < len(whole)
    assert units(before) == whole[:len(units(before))]
    capsys.readouterr()
    assert bigconst("status ../a --json") == 0
    status = json.loads(capsys.readouterr().out)
    assert status["remaining_s"] == pytest.approx(remaining_s(status["share"], status["elapsed_s"]))
    assert bigconst("resume ../a --events ../events") == 0
    found = read(place / "events")
    assert found[:len(before)] == before
    assert units(found) == whole        # no unit twice, none left out
    assert len(of(found, "plan")) == 2 and len(of(found, "finished")) == 1
    (place / "events").unlink()
    check_finished(place, in_memory)


def test_tests_of_mersenne_numbers(place, capsys):
    assert main("ll 100 1279 1283 --no-factor --verify --threads 1 --events events".split()) == 0
    lines = capsys.readouterr().out.splitlines()
    found = read(place / "files/events")
    assert [each["sentence"] for each in of(found, "concluded")] == lines
    assert [each["exponent"] for each in of(found, "concluded")] == [100, 1279, 1283]
    assert len(of(found, "repeated")) == 2
    ends = [each for each in of(found, "advanced") if each["iteration"] == each["total"]]
    assert [(each["exponent"], each["total"]) for each in ends] == [(1279, 1277)] * 2 + [(1283, 1281)] * 2
    assert all(re.fullmatch("[0-9A-F]{16}", each["res64"]) for each in ends)


def test_a_test_on_disk_tells_its_checkpoints(place):
    assert main("ll 110503 --iterations 20 --swap ../a --workspace 350KiB --events events".split()) == 0
    assert {each["event"] for each in read(place / "files/events")} == {"checkpoint", "advanced", "concluded"}


def test_the_file_of_events_can_be_read_by_all_that_the_mask_allows(tmp_path):
    mask = os.umask(0o027)
    try:
        EventsFile(str(tmp_path / "events")).close()
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "events").stat().st_mode) == 0o640


# --- nice ----------------------------------------------------------------------------

_NICE = "import os; from bigconst.runs import priority; {}priority.lower_priority(); " \
        "os.execvp('sh', ['sh', '-c', 'nice; ionice'])"


def lowered(before=""):
    """What `nice` and `ionice` say behind lower_priority, and its stderr."""
    process = subprocess.run([sys.executable, "-c", _NICE.format(before)], env=ENVIRONMENT, capture_output=True,
                             text=True, timeout=60)
    return process.stdout.split(), process.stderr


@pytest.mark.skipif(shutil.which("ionice") is None, reason="asks ionice of util-linux")
def test_nice_lowers_both_priorities():
    (nice, *disks), err = lowered()
    assert nice == "19" and (disks == ["idle"] or "disks are not told" in err)


@pytest.mark.parametrize("before, why", [
    ("from types import SimpleNamespace; os.uname = lambda: SimpleNamespace(machine='pdp11'); ", "unknown on pdp11"),
    ("priority._IOPRIO_SET = dict.fromkeys(priority._IOPRIO_SET, 9999); ", "Function not implemented"),
])
def test_where_disks_cannot_be_told(before, why):
    said, err = lowered(before=before)
    assert said[0] == "19" and err == f"disks are not told that this run can wait: {why}\n"


@pytest.mark.parametrize("command, code", [
    ("phi --digits 30 --plan", 0), ("sqrt 2 --digits 30 --plan", 0), ("resume .", 2), ("ll 127", 0), ("prp 127", 0),
    ("work .", 3)])
def test_commands_that_are_nice(monkeypatch, tmp_path, command, code):
    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr(priority, "lower_priority", lambda: asked.append(command))
    assert main([*command.split(), "--nice"]) == main(command.split()) == code
    assert asked == [command]
