"""Pictures: what they show is compared with slow obvious code, and that they are pictures."""

import cmath
import json
import random
import struct

import pytest

from bigconst.base.errors import UsageError
from bigconst.cli import main
from bigconst.commands.plottimeline import timeline

pytest.importorskip("matplotlib")


def report(**changes):
    return {
        "schema": "bigconst-report/1", "title": "Golden Ratio", "decimal_digits": 1000,
        "seconds": {"kernels_ready": 1.0, "compute": 6.0, "certificate": 2.0, "output": 0.5, "total": 10.0},
        "stages": [], "levels": [{"name": "500 digits", "words": 100, "seconds": 1.0},
                                 {"name": "1000 digits", "words": 200, "seconds": 4.0}], **changes,
    }


def stage(name, seconds, wait, read=0, written=0):
    return {"name": name, "seconds": seconds, "wait_seconds": wait, "read_bytes": read, "written_bytes": written}


def size_of(png):
    """(width, height) as the header of a PNG says."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and png[12:16] == b"IHDR"
    return struct.unpack(">II", png[16:24])


def test_parts_of_a_run_in_memory_fill_its_time():
    parts = timeline(report()).parts
    assert [(part.name, part.start_s, part.seconds) for part in parts] == [
        ("start", 0.0, 1.0), ("level, 100 words", 1.0, 1.0), ("level, 200 words", 2.0, 4.0),
        ("after the levels", 6.0, 1.0), ("certificate", 7.0, 2.0), ("output", 9.0, 0.5), ("other", 9.5, 0.5)]


def test_parts_of_a_run_on_disk_are_its_stages():
    parts = timeline(report(stages=[stage("level 1, e", 2.0, 0.5, 100, 200), stage("files", 3.0, 0.0)])).parts
    assert [(part.name, part.start_s, part.wait_s, part.read_bytes, part.written_bytes) for part in parts] == [
        ("start", 0.0, 0.0, 0, 0), ("level 1, e", 1.0, 0.5, 100, 200), ("files", 3.0, 0.0, 0, 0),
        ("other", 6.0, 0.0, 0, 0)]


@pytest.mark.parametrize("wrong, what", [
    ([], "not a report"), ({"schema": "bigconst-benchmark/1"}, "not a report"),
    (report(seconds=None), "damaged"), (report(levels=[{}]), "damaged"), (report(stages=[{"name": "x"}]), "damaged"),
    (report(decimal_digits="many"), "damaged"), ({**report(), "title": 1} | {"decimal_digits": None}, "damaged"),
    (report(seconds={**report()["seconds"], "total": float("inf")}), "damaged at other"),
    (report(stages=[stage("u", float("nan"), 0.0)]), "damaged at u"),
    ({key: value for key, value in report().items() if key != "title"}, "damaged at 'title'"),
])
def test_other_json_is_refused(wrong, what):
    with pytest.raises(UsageError, match=what):
        timeline(wrong)


@pytest.mark.parametrize("stages", [[], [stage("level 1, e", 2.0, 0.5, 10**9, 10**8), stage("level 1, u", 1.0, 1.0)]])
def test_a_timeline_is_a_picture(tmp_path, monkeypatch, capsys, stages):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(report(stages=stages)))
    assert main(["plot", "run.json", "--output", "run.png"]) == 0
    assert size_of((tmp_path / "run.png").read_bytes()) == (1000, 700)
    assert str(tmp_path / "run.png") in capsys.readouterr().out


@pytest.mark.parametrize("base, digits", [(10, 1), (10, 7), (16, 1000), (10, 60_000)])
def test_the_walk_takes_a_step_for_each_digit(tmp_path, base, digits):
    from bigconst.reading.source import DigitText
    from bigconst.reading.walk import POINTS, walk

    values = random.Random(digits).choices(range(base), k=digits)
    path = tmp_path / ("x.hex.txt" if base == 16 else "x.txt")
    path.write_text("1." + "".join(format(value, "x") for value in values) + "\n")
    with DigitText(str(path)) as text:
        points = walk(text, 2)
    wanted, at = [0j], 0j
    for value in values:
        at += cmath.exp(2j * cmath.pi * value / base)
        wanted.append(at)
    assert points[0] == 0 and abs(points[-1] - wanted[-1]) < 1e-3
    stride = max(1, digits // POINTS)
    assert all(abs(a - b) < 1e-3 for a, b in zip(points, wanted[::stride], strict=False))


def test_a_picture_of_digits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["phi", "--digits", "5000", "--no-certificate"]) == 0
    assert main(["plot", "phi.txt", "--output", "phi.png"]) == 0
    assert size_of((tmp_path / "phi.png").read_bytes()) == (1000, 700)


@pytest.mark.parametrize("content, options, code, what", [
    (b"1.61803\n", "--output -", 2, "needs a file"),
    (b"1.61803\n", "--output a.txt", 2, "the file itself"),
    (b"1.61803\n", "--output there.png", 2, "there.png exists"),
    (b"1.61803\n", "--output nowhere/a.png", 3, "nowhere"),
    (b"1.6x803\n", "--output a.png", 3, "'x'"),
    (b"", "--output a.png", 3, "empty"),
    (b'{"schema": ', "--output a.png", 2, "cut off"),
    (b'{"schema": 1}', "--output a.png", 2, "not a report"),
    (json.dumps(report(seconds=dict.fromkeys(report()["seconds"], 0), levels=[])).encode(), "--output a.png", 2,
     "no time"),
])
def test_bad_requests_leave_no_picture(tmp_path, monkeypatch, capsys, content, options, code, what):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_bytes(content)
    (tmp_path / "there.png").write_bytes(b"mine")
    assert main(["plot", "a.txt", *options.split()]) == code
    out, err = capsys.readouterr()
    assert out == "" and what in err and err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "there.png"]
    assert (tmp_path / "a.txt").read_bytes() == content and (tmp_path / "there.png").read_bytes() == b"mine"


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert main(["plot", str(tmp_path / "none.txt"), "--output", str(tmp_path / "a.png")]) == 3
    assert "none.txt: No such file or directory; name a file that is there" in capsys.readouterr().err


def test_without_matplotlib(tmp_path, monkeypatch, capsys):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else find(name))
    assert main(["plot", "a.txt", "--output", str(tmp_path / "a.png")]) == 2
    assert "pip install" in capsys.readouterr().err
