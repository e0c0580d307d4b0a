"""The report: every key of the schema, the figures in the right places, the lines people know."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import fake_engine
import numpy as np
import pytest

from bigconst.constants.golden import PHI
from bigconst.runs import report

KEYS = """constant base digits decimal_digits hex_digits version host command threads mode start end seconds
    cpu_percent efficiency memory scratch stages levels max_roundoff faults last_digits digit_hash certificate files
    cost""".split()


SCRATCH_KEYS = "planned_bytes peak_bytes planned_read_bytes read_bytes planned_written_bytes written_bytes".split()
SCRATCH_KEYS += ["wait_seconds", "longest_unit_seconds"]


class Discard:
    def write_at(self, offset, data):
        pass


def make(digits=1000, base=10, files=(("/tmp/phi.txt", 1003),), **more):
    plan = fake_engine.make_plan(PHI, digits, base, 2, 10**9)
    outcome = fake_engine.run(plan, Discard(), lambda event: None)
    measured = report.Measured(
        command="bigconst phi --digits 1e3",
        start=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        end=datetime(2026, 1, 2, 3, 4, 9, tzinfo=UTC),
        kernels_ready_s=0.5,
        commit_s=0.02,
        total_s=4.0,
        cpu_s=6.0,
        peak_memory_bytes=123 << 20,
        files=files,
        **more,
    )
    return plan, outcome, report.make_report(plan, outcome, measured)


def test_json_has_every_key_of_the_schema():
    _, _, made = make()
    read = json.loads(report.report_json(made))
    assert read["schema"] == "bigconst-report/1"
    assert set(KEYS) <= set(read)
    assert set(read["seconds"]) == {"kernels_ready", "compute", "certificate", "output", "total"}
    assert set(read["memory"]) == {"planned_bytes", "peak_bytes"}
    assert read["scratch"] == dict.fromkeys(SCRATCH_KEYS, 0) | {"disk": None, "disk_reason": None, "lanes": []}
    assert read["stages"] == [] and read["mode"] == "in memory"


def test_values():
    plan, _, made = make()
    assert made["seconds"] == {
        "kernels_ready": 0.5, "compute": 0.5, "certificate": 0.0, "output": pytest.approx(0.03), "total": 4.0,
    }  # fmt: skip
    assert made["cpu_percent"] == 150 and made["efficiency"] == 75
    assert made["memory"] == {"planned_bytes": 10_000, "peak_bytes": 123 << 20}
    assert made["digit_hash"] == fake_engine.scaled_floor(plan) % (2**61 - 1)
    assert (made["digits"], made["decimal_digits"], made["hex_digits"]) == (1000, 1000, 831)
    assert made["files"] == [{"path": "/tmp/phi.txt", "bytes": 1003}]
    assert made["start"] == "2026-01-02T03:04:05.000+00:00"


def test_hexadecimal_run_counts_hexadecimal_digits():
    _, _, made = make(base=16)
    assert (made["base"], made["digits"], made["decimal_digits"], made["hex_digits"]) == (16, 831, 1000, 831)


def test_numpy_scalars_become_numbers():
    _, outcome, made = make()
    made["levels"] = [{"words": np.int64(7), "seconds": np.float64(0.5), "max_roundoff": np.float32(0.25)}]
    assert json.loads(report.report_json(made))["levels"] == [{"words": 7, "seconds": 0.5, "max_roundoff": 0.25}]


def test_terminal_lines():
    plan, _, made = make()
    text = report.format_report(made)
    names = [line.split(":")[0] for line in text.splitlines()]
    for name in (
        "Program version", "Constant", "Algorithm", "Decimal digits", "Hexadecimal digits", "Threads", "Mode",
        "Working memory", "Start date", "End date", "Computation time", "Total time", "CPU utilisation",
        "Multi-core efficiency", "Digit hash",
    ):  # fmt: skip
        assert names.count(name) == 1, name
    assert "123 MiB peak" in text and "150.0 %" in text and "75.0 %" in text and "4.00 s" in text


def cost_rows(made):
    return [line[24:] for line in report.format_report(made).splitlines() if line.startswith("Cost:")]


def test_no_price_no_cost():
    _, _, made = make(earlier_s=5.0)
    assert made["cost"] == {} and cost_rows(made) == []


@pytest.mark.parametrize("base", [10, 16])
def test_cost(base):
    """An hour at $1.38, of which four seconds are of this process: 1000 decimal digits / $1.38 = 724.6."""
    _, _, made = make(base=base, usd_per_hour=1.38, earlier_s=3596.0)
    assert json.loads(report.report_json(made))["cost"] == {
        "usd_per_hour": 1.38, "seconds": 3600, "counted": "the whole run", "usd": pytest.approx(1.38),
        "digits_per_usd": pytest.approx(724.6377), "usd_per_1e12_digits": pytest.approx(1.38e9)}
    assert cost_rows(made) == ["$1.38 at $1.38 an hour, 7.2e2 digits a dollar"]


def test_cost_where_earlier_processes_are_not_known():
    _, _, made = make(usd_per_hour=9, earlier_s=None)     # a cent for the four seconds of this process
    assert (made["cost"]["seconds"], made["cost"]["counted"]) == (4, "this process")
    assert made["cost"]["usd"] == pytest.approx(0.01)
    row, = cost_rows(made)
    assert row.startswith("$0.0100 at $9.00 an hour, 1.0e5 digits a dollar, this process alone")


@pytest.mark.parametrize("usd, price, text", [
    (12345.678, 1000000, "$12,345.68 at $1,000,000.00 an hour"), (0.12, 1.38, "$0.12 at $1.38 an hour"),
    (0.012345, 2.5, "$0.0123 at $2.50 an hour"), (0.0000045678, 0.045, "$0.00000457 at $0.045 an hour"),
    (0.1, 0.000001, "$0.10 at $0.000001 an hour"), (0.001, 13.3705, "$0.00100 at $13.3705 an hour")])
def test_dollars(usd, price, text):
    assert report.format_spent(usd, price) == text


def digit_lines(made):
    lines = report.format_report(made).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Last digits")) + 1
    return [line.split("  :  ") for line in lines[start : lines.index("", start)]]


def test_last_digits_are_two_lines_of_fifty_with_positions():
    plan, _, made = make()
    digits = fake_engine.expected_text(plan).decode().strip()[-100:]
    first, second = digit_lines(made)
    assert first[0].split() == [digits[i : i + 10] for i in range(0, 50, 10)] and first[1] == "950"
    assert second[0].split() == [digits[i : i + 10] for i in range(50, 100, 10)] and second[1] == "1,000"


@pytest.mark.parametrize("digits, positions", [(1, ["1"]), (50, ["50"]), (70, ["50", "70"]), (100, ["50", "100"])])
def test_few_digits(digits, positions):
    plan, _, made = make(digits)
    lines = digit_lines(made)
    assert [position for _, position in lines] == positions
    shown = "".join("".join(text.split()) for text, _ in lines)
    assert shown == fake_engine.expected_text(plan).decode().strip().split(".")[1]


def stage(name, seconds, read_bytes, written_bytes, wait_seconds):
    return {"name": name, "seconds": seconds, "wait_seconds": wait_seconds, "planned_read_bytes": read_bytes,
            "read_bytes": read_bytes, "planned_written_bytes": written_bytes, "written_bytes": written_bytes}


def make_on_disk():
    """Two lanes, ten seconds of stages, 16 GB read and 4 GB written."""
    traffic = SimpleNamespace(read_bytes=15 * 10**9, written_bytes=4 * 10**9)
    plan, outcome, _ = make(digits=1000)
    plan = SimpleNamespace(**{name: getattr(plan, name) for name in (
        "constant", "base", "digits", "decimal_digits", "threads", "peak_memory_bytes")},
        mode="on disk", disk=SimpleNamespace(scratch_bytes=5 << 30, traffic=traffic))
    outcome.stages = [stage("ladder in memory", 1.0, 0, 10**9, 0.0), stage("level 1, e", 2.0, 4 * 10**9, 10**9, 1.0),
                      stage("level 1, u", 4.0, 8 * 10**9, 10**9, 2.0), stage("root", 1.0, 10**9, 10**9, 0.5),
                      stage("files", 2.0, 3 * 10**9, 0, 0.0)]
    outcome.longest_unit_s = 1.25
    lanes = (("/mnt/a", 2e9, 1e9), ("/mnt/b", 2e9, 5e8))
    scratch = report.ScratchMeasured("hdd", "it turns", 5 << 30, 16 * 10**9, 4 * 10**9, lanes)
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    measured = report.Measured("bigconst", moment, moment, 0.5, 0.0, 20.0, 6.0, 1 << 20, (), None, scratch)
    return report.make_report(plan, outcome, measured)


def test_scratch_of_a_run_on_disk():
    made = json.loads(report.report_json(make_on_disk()))
    assert made["mode"] == "on disk"
    assert [made["scratch"][key] for key in SCRATCH_KEYS] == [
        5 << 30, 5 << 30, 15 * 10**9, 16 * 10**9, 4 * 10**9, 4 * 10**9, 3.5, 1.25]
    assert made["scratch"]["disk"] == "hdd" and made["scratch"]["disk_reason"] == "it turns"
    assert made["scratch"]["lanes"][1] == {
        "directory": "/mnt/b", "read_bytes_per_s": 2e9, "write_bytes_per_s": 5e8}
    assert [each["name"] for each in made["stages"]][1:3] == ["level 1, e", "level 1, u"]


def test_terminal_lines_of_a_run_on_disk():
    lines = report.format_report(make_on_disk()).splitlines()
    rows = {name: value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}
    assert rows["Scratch"].startswith("5.00 GiB planned, 5.00 GiB peak")
    assert rows["Scratch traffic"] == "17.7 GiB planned, 18.6 GiB measured, 20000000.00 bytes per digit"
    assert rows["Disks"] == "hard disks: it turns"
    assert rows["  lane 2"] == "2.00 GB/s read, 500 MB/s written before the run, /mnt/b"
    # 16 GB at 4 GB/s and 4 GB at 1.5 GB/s are 6.67 of the 10 seconds.
    assert rows["Throughput"] == "2.00 GB/s on average, 67 % of the lanes' speed"
    assert rows["Waiting for disks"] == "3.50 s, 35 %" and rows["Longest unit"] == "1.25 s"
    table = [" ".join(line.split()) for line in lines[lines.index("") + 1:][:6]]
    assert table == [
        "Stage time read written GB/s waiting",
        "ladder in memory 1.00 s 0 B 954 MiB 1.00 0 %",
        "level 1 6.00 s 11.2 GiB 1.86 GiB 2.33 50 %",
        "root 1.00 s 954 MiB 954 MiB 2.00 50 %",
        "files 2.00 s 2.79 GiB 0 B 1.50 0 %",
        "together 10.00 s 14.9 GiB 3.73 GiB 2.00 35 %",
    ]


@pytest.mark.parametrize("faults,line", [({}, "0"), ({"residue": 1}, "1: 1 residue"),
                                         ({"round-off": 2, "checksum": 1}, "3: 2 round-off, 1 checksum")])
def test_faults_are_told_by_kind(faults, line):
    _, _, made = make()
    made["faults"] = faults
    assert f"{'Faults repaired:':<24}{line}" in report.format_report(made).splitlines()
