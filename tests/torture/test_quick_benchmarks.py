"""All benchmark programs write sound JSON with --quick, with and without their peers."""

import pytest
from benchmark_runs import PROGRAMS, check_quick_run, check_without_peers, quick


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_quick_run_writes_figures(program, tmp_path):
    results = check_quick_run(program, tmp_path)
    if program == "phi":
        rows = {row["who"]: row for row in results["phi"]}
        assert rows["gmp"]["same"] == "yes"
        assert all(row["ratio"] == row["seconds"] / rows["bigconst"]["seconds"] for row in rows.values())


@pytest.mark.parametrize("program", [name for name, (_, peers) in PROGRAMS.items() if peers])
def test_missing_peers_are_left_out_with_a_note(program, tmp_path):
    check_without_peers(program, tmp_path)


FAKE_MLUCAS = """#!/bin/sh
# Knows two sets of radices for a length of 2K, the second of them faster, and none for other lengths.
echo "$*" >> "{log}"
[ "$2" = 2 ] || exit 1
case "$*" in
*-radset*) ;;
*) echo "Using complex FFT radices        32        32"; echo "Clocks = 00:01:00.000" ;;
esac
echo "Using complex FFT radices        16         8         8" >&2
echo "Clocks = 00:00:03.500" >&2
"""
"""A program that prints what Mlucas 21 prints."""


def test_squarings_of_mlucas_are_timed_by_its_own_clock(tmp_path):
    log, peer = tmp_path / "log", tmp_path / "Mlucas"
    peer.write_text(FAKE_MLUCAS.format(log=log))
    peer.chmod(0o755)
    data, output = quick("mersenne", tmp_path, "--peer", str(peer), "--threads", "1")
    assert "Mlucas ms" in output and "FFTW" not in output
    calls = [line.split() for line in log.read_text().splitlines()]
    rows = data["results"]["lengths"] + data["results"]["exponents"]
    assert [row["length"] for row in rows] == ["1K", "1536", "2K", "6K"]
    for row in rows:
        mine = [call for call in calls if call[3] == str(row["exponent"])]
        assert all(f"{call[1]}K" == row["length"] and len(call[7].split(",")) == 1 for call in mine)
        if row["length"] == "2K":
            timed = [int(call[5]) for call in mine if call[-2:] == ["-radset", "16,8,8"]]
            assert row["peer_ms"] == pytest.approx(3500 / timed[-1]) and len(timed) >= 2
        else:
            assert row["peer_ms"] is None and len(mine) == (row["length"] != "1536")


def test_round_off_is_calibrated(tmp_path):
    data, _ = quick("mersenne", tmp_path, "--calibrate", "3000")
    (section, rows), = data["results"].items()
    assert section == "calibration" and [row["length"] for row in rows] == ["1K"]
    for row in rows:
        assert len(row["errors"]) == 3 and 0 < row["least"] <= row["median"] <= row["largest"] == max(row["errors"])
        assert row["largest"] < 0.5 and row["test"] >= sum(row["errors"]) / 3
