"""Disks that fail under a run: repaired, or an error with its exit code and no file left; never a wrong digit."""

import os
import re
import signal

import numpy as np
import pytest
from disk_runs import ONE_LEVEL, are_right, engine, plan_on_disk, run_on_lanes
from plan_places import ladder_levels, place

from bigconst.base import failpoints
from bigconst.base.errors import BigconstError, InputOutputError
from bigconst.constants.golden import PHI
from bigconst.storage.atomicfile import AtomicFile
from bigconst.storage.lane import Lane
from bigconst.storage.volume import Volume

DIGITS = ONE_LEVEL
PLAN = plan_on_disk(PHI, DIGITS, threads=2)
LONGEST_S = 60


class Steady(Lane):
    """A lane that is as fast as any other."""

    def measure(self, size_bytes: int) -> tuple[float, float]:
        return 1e9, 1e9


@pytest.fixture(autouse=True)
def nothing_hangs():
    def late(signum, frame):
        raise TimeoutError("the run hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def failed(directory, failures: str, lanes: int = 2, emit=lambda event: None) -> BigconstError | None:
    """The error of a run into files that are committed at its end, as the command does it; no trace of it is left.

    In `failures`, failpoints, {0} is the first lane.
    """
    out = directory / "out"
    out.mkdir()
    places = [directory / f"lane{i}" for i in range(lanes)]
    for lane in places:
        lane.mkdir()
    error = None
    try:
        with AtomicFile(out / "phi.txt", PLAN.text_bytes) as text, \
                AtomicFile(out / "phi.txt.cert", PLAN.certificate_bytes) as certificate, \
                failpoints.active(failures.format(*places)), \
                Volume(places, PLAN.disk.scratch_bytes, PLAN.disk.stripe_bytes, lane=Steady) as volume:
            engine.run(PLAN, text, emit, certificate, volume)
            text.commit()
            certificate.commit()
    except BigconstError as caught:
        error = caught
    assert [list(place.iterdir()) for place in places] == [[]] * lanes
    if error is not None:
        assert list(out.iterdir()) == []
    else:
        found = (out / "phi.txt").read_bytes(), (out / "phi.txt.cert").read_bytes()
        assert are_right(found, PHI, DIGITS)
    return error


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """System calls of each operation on the first of two lanes, about."""
    directory = tmp_path_factory.mktemp("count")
    with failpoints.active(f"lane.read[{directory}/lane0]=sleep:0, lane.write[{directory}/lane0]=sleep:0") as rules:
        run_on_lanes(PLAN, directory, 2, Steady)
    return {rule.name.removeprefix("lane."): rule.calls for rule in rules}


@pytest.mark.parametrize("share", [0, 0.3, 0.6, 0.9])
def test_a_failed_write_stops_the_run(calls, share, tmp_path):
    at = 1 + int(share * calls["write"])
    error = failed(tmp_path, f"lane.write[{{0}}]=EIO@{at}")
    assert isinstance(error, InputOutputError) and error.exit_code == 3
    assert re.search(r"cannot write .*lane0/bigconst.scratch at offset \d+: Input/output error", str(error))


@pytest.mark.parametrize("fault", ["EIO", "flip:777"])
@pytest.mark.parametrize("share", [0, 0.3, 0.6, 0.9])
def test_what_is_not_read_right_is_read_again(calls, share, fault, tmp_path):
    events = []
    at = 1 + int(share * calls["read"])
    assert failed(tmp_path, f"lane.read[{{0}}]={fault}@{at}", emit=events.append) is None
    [found] = [event for event in events if type(event).__name__ == "Fault"]
    assert found.kind == ("read" if fault == "EIO" else "checksum") and found.message.endswith("when it was read again")


@pytest.mark.parametrize("share", [0, 0.2, 0.5, 0.8, 0.95])
def test_what_is_twice_not_read_right_is_computed_again(calls, share, tmp_path):
    """The second call is that of the second attempt, or another one that then is repaired, too."""
    at = 1 + int(share * calls["read"])
    assert failed(tmp_path, f"lane.read[{{0}}]=EIO@{at}-{at + 3}") is None


@pytest.mark.parametrize("lanes,operation,share", [
    (1, "read", 0), (1, "write", 0.5), (2, "read", 0.4), (2, "write", 0.8), (3, "read", 0.2), (3, "write", 0.2)])
def test_a_disk_that_vanishes_stops_the_run(calls, lanes, operation, share, tmp_path):
    first = 1 + int(share * calls[operation] * 2 / lanes)
    error = failed(tmp_path, f"lane.{operation}[{{{lanes - 1}}}]=ENODEV@{first}-", lanes)
    assert isinstance(error, InputOutputError) and error.exit_code == 3
    assert f"lane{lanes - 1}" in str(error) and "No such device" in str(error)


def test_short_transfers_do_no_harm(tmp_path):
    assert failed(tmp_path, "lane.read[{0}]=short, lane.write[{0}]=short") is None


def test_a_slow_disk_does_no_harm(tmp_path):
    assert failed(tmp_path, "lane.read[{1}]=sleep:0.001, lane.write[{1}]=sleep:0.002") is None


@pytest.mark.parametrize("share", [0, 0.2, 0.5, 0.8, 0.95])
def test_a_bit_that_is_written_wrong_is_repaired(calls, share, tmp_path):
    at = 1 + int(share * calls["write"])
    assert failed(tmp_path, f"lane.write[{{0}}]=flip:{12345 * at}@{at}") is None


# --- bits that change between writing and reading -----------------------------------------


def live(plan) -> list[tuple[str, tuple[int, int, int]]]:
    """Every stage with every (address, bytes, bytes of a block) that is read after it has begun, single lane."""
    disk, out = plan.disk, {}
    size, chunk = disk.chunk_bytes, disk.chunk_words
    y_place = place(disk, "ladder in memory", "ladder in memory")
    levels = ladder_levels(disk.trace)
    for i, level in enumerate(levels, 1):
        k, words, name, product = level.words_in, level.words_out, f"level {i}", level.product

        def chunks(address, first, last):
            return address + first * size, (last - first) * size, size

        y = chunks(y_place, 0, k // chunk)
        e = chunks(place(disk, f"{name}, e", "e"), 0, k // chunk)
        u, v = place(disk, f"{name}, u", "u"), place(disk, f"{name}, v", "v")
        skipped = 4 * product.width * 128       # rows lie behind their final place
        spectrum = place(disk, f"{name}, u", "spectrum") + skipped, product.data_bytes, product.tile_bytes
        out[f"{name}, e"] = [y]
        out[f"{name}, u"] = [y, e]
        out[f"{name}, v"] = [chunks(u, k // chunk, 2 * k // chunk), y]
        if product.passes == 2:
            out[f"{name}, v"].append(spectrum)
        low = (4 * k - words) // chunk
        if i == len(levels):        # keeps the low part of v
            out[f"{name}, proof"] = [chunks(v, 0, low), chunks(u, 0, 1), chunks(y_place, 0, 1)]
            v += low * size
        out[f"{name}, sum"] = [y, chunks(u, (3 * k - words) // chunk, 2 * k // chunk),
                                  chunks(v, 0, (words - 2 * k) // chunk)]
        y_place = place(disk, f"{name}, sum", "y")
    x, v, last = place(disk, "root", "x"), place(disk, f"{name}, proof", "low v"), disk.words // chunk
    out["root"] = [(y_place, last * size, size)]
    out["files"] = [(x, last * size, size), (v, low * size, size)]
    return [(stage, region) for stage, regions in out.items() for region in regions]


LIVE = live(PLAN)


def test_every_stage_is_looked_at():
    assert {stage for stage, _ in LIVE} == {name for name, _ in PLAN.disk.stages} - {"ladder in memory"}


@pytest.mark.parametrize("stage,region", LIVE)
def test_a_bit_that_changes_on_the_disk_is_found_and_repaired(stage, region, tmp_path):
    rng = np.random.default_rng(region)
    address, size, block_bytes = region
    at = address + int(rng.integers(size))
    path = tmp_path / "lane0" / "bigconst.scratch"
    faults = []

    def flip(event):
        if type(event).__name__ == "Fault":
            faults.append(event)
        if type(event).__name__ == "StageStarted" and event.name == stage:
            with open(path, "r+b") as file:
                byte = os.pread(file.fileno(), 1, at)
                os.pwrite(file.fileno(), bytes([byte[0] ^ 1 << int(rng.integers(8))]), at)
                os.fsync(file.fileno())

    found = run_on_lanes(PLAN, tmp_path, 1, emit=flip)
    assert are_right(found.files(), PHI, DIGITS)
    assert [fault.kind for fault in faults] == ["checksum"]
    block, offset, named = re.search(r"the block of (\d+) bytes that starts at offset (\d+) of (\S+) is not",
                                     faults[0].message).groups()
    assert named == str(path) and int(block) == block_bytes
    assert int(offset) <= at < int(offset) + block_bytes
