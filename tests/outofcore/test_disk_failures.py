"""Disks that fail under a run: an error with its exit code, no file left, nothing that hangs; never a wrong digit."""

import errno
import os
import re
import signal

import numpy as np
import pytest
from disk_runs import MIB, PHI, engine, in_memory, plan_on_disk, run_on_lanes, same

from bigconst.errors import BigconstError, ChecksumError, InputOutputError
from bigconst.storage.atomicfile import AtomicFile
from bigconst.storage.faulty import Fault, FaultyLane
from bigconst.storage.volume import Volume

DIGITS = 600_000
LONGEST_S = 60


@pytest.fixture(autouse=True)
def nothing_hangs():
    def late(signum, frame):
        raise TimeoutError("the run hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def plan():
    return plan_on_disk(PHI, DIGITS, 10, MIB, "ssd", 2)


def lanes_with(faults: dict[int, list[Fault]], made: list | None = None):
    """Makes lanes, the n-th of which follows faults[n]."""
    made = made if made is not None else []

    def lane(directory, note):
        made.append(FaultyLane(directory, note, faults.get(len(made), ())))
        return made[-1]

    return lane


def failed(plan, directory, faults: dict[int, list[Fault]], lanes: int = 2) -> BigconstError | None:
    """The error of a run into files that are committed at its end, as the command does it; no trace of it is left."""
    out = directory / "out"
    out.mkdir()
    places = [directory / f"lane{i}" for i in range(lanes)]
    for place in places:
        place.mkdir()
    error = None
    try:
        with AtomicFile(out / "phi.txt", plan.text_bytes) as text, \
                AtomicFile(out / "phi.txt.cert", plan.certificate_bytes) as certificate, \
                Volume(places, plan.disk.scratch_bytes, plan.disk.stripe_bytes, lane=lanes_with(faults)) as volume:
            engine.run(plan, text, lambda event: None, certificate, volume)
            text.commit()
            certificate.commit()
    except BigconstError as caught:
        error = caught
    assert [list(place.iterdir()) for place in places] == [[]] * lanes
    if error is not None:
        assert list(out.iterdir()) == []
    else:
        found = (out / "phi.txt").read_bytes(), (out / "phi.txt.cert").read_bytes()
        assert same(found, in_memory(PHI, DIGITS))
    return error


@pytest.fixture(scope="module")
def calls(plan, tmp_path_factory):
    """System calls of each operation on the first of two lanes, about."""
    made = []
    run_on_lanes(plan, tmp_path_factory.mktemp("count"), 2, lanes_with({}, made))
    return made[0]._calls


@pytest.mark.parametrize("operation", ["read", "write"])
@pytest.mark.parametrize("share", [0, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_bad_sector_stops_the_run(plan, calls, operation, share, tmp_path):
    at = int(share * calls[operation])
    error = failed(plan, tmp_path, {0: [Fault(operation, at, at, error=errno.EIO)]})
    assert isinstance(error, InputOutputError) and error.exit_code == 3
    assert re.search(rf"cannot {operation} .*lane0/bigconst.scratch at offset \d+: Input/output error", str(error))


@pytest.mark.parametrize("lanes", [1, 2, 3])
@pytest.mark.parametrize("operation,share", [("read", 0), ("read", 0.4), ("write", 0.2), ("write", 0.8)])
def test_a_disk_that_vanishes_stops_the_run(plan, calls, lanes, operation, share, tmp_path):
    faults = [Fault(each, int(share * calls[each] * 2 / lanes), error=errno.ENODEV) for each in (operation,)]
    error = failed(plan, tmp_path, {lanes - 1: faults}, lanes)
    assert isinstance(error, InputOutputError) and error.exit_code == 3
    assert f"lane{lanes - 1}" in str(error) and "No such device" in str(error)


def test_short_transfers_do_no_harm(plan, tmp_path):
    faults = [Fault("read", short=True), Fault("write", short=True)]
    assert failed(plan, tmp_path, {0: faults}) is None


def test_a_slow_disk_does_no_harm(plan, tmp_path):
    faults = [Fault("read", latency_s=0.001), Fault("write", latency_s=0.002)]
    assert failed(plan, tmp_path, {1: faults}) is None


@pytest.mark.parametrize("share", [0, 0.2, 0.4, 0.6, 0.8, 0.95])
def test_a_bit_that_is_read_wrong_stops_the_run(plan, calls, share, tmp_path):
    at = int(share * calls["read"])
    error = failed(plan, tmp_path, {0: [Fault("read", at, at, flip=True)]})
    assert isinstance(error, ChecksumError) and error.exit_code == 5
    assert re.search(r"starts at offset \d+ of .*lane[01]/bigconst.scratch is not what was written", str(error))


@pytest.mark.parametrize("share", [0, 0.2, 0.4, 0.6, 0.8, 0.95])
def test_a_bit_that_is_written_wrong_stops_the_run_or_is_never_read(plan, calls, share, tmp_path):
    at = int(share * calls["write"])
    error = failed(plan, tmp_path, {0: [Fault("write", at, at, flip=True)]})
    assert error is None or isinstance(error, ChecksumError)


# --- bits that change between writing and reading -----------------------------------------


def live(plan) -> dict[str, list[tuple[int, int, int]]]:
    """(address, bytes, bytes of a block) of what is read after each stage has begun, single lane."""
    disk, out = plan.disk, {}
    size, chunk = disk.chunk_bytes, disk.chunk_words
    for i, level in enumerate(disk.levels, 1):
        k, words, p = level.words_in, level.words_out, level.places
        product = level.product

        def chunks(address, first, last):
            return address + first * size, (last - first) * size, size

        y = chunks(p["y"], 0, k // chunk)
        e = chunks(p["e"], 0, k // chunk)
        skipped = 4 * product.width * 128       # rows lie behind their final place
        spectrum = p["spectrum"] + skipped, product.data_bytes, product.tile_bytes
        out[f"level {i}, e"] = [y]
        out[f"level {i}, u"] = [y, e]
        out[f"level {i}, v"] = [chunks(p["u"], k // chunk, 2 * k // chunk), y]
        if product.passes == 2:
            out[f"level {i}, v"].append(spectrum)
        out[f"level {i}, sum"] = [y, chunks(p["u"], (3 * k - words) // chunk, 2 * k // chunk),
                                  chunks(p["v"], 0, (words - 2 * k) // chunk)]
    places, last = disk.places, disk.words // chunk
    out["root"] = [(places["y"], last * size, size)]
    out["remainder"] = [(places["x"], last * size, size)]
    # r is below twice the digits; G^2 = B^(2*below) times it is what is stored
    out["files"] = [(places["x"], last * size, size), (places["r"] + size, (last - 2) * size, size)]
    return out


def test_every_stage_is_looked_at(plan):
    assert set(live(plan)) == {name for name, _ in plan.disk.stages} - {"ladder in memory"}


@pytest.mark.parametrize("turn", range(30))
def test_a_bit_that_changes_on_the_disk_is_always_found(plan, turn, tmp_path):
    rng = np.random.default_rng(turn)
    stages = live(plan)
    stage = sorted(stages)[turn % len(stages)]
    address, size, block_bytes = stages[stage][rng.integers(len(stages[stage]))]
    at = address + int(rng.integers(size))
    path = tmp_path / "lane0" / "bigconst.scratch"

    def flip(event):
        if type(event).__name__ == "StageStarted" and event.name == stage:
            with open(path, "r+b") as file:
                byte = os.pread(file.fileno(), 1, at)
                os.pwrite(file.fileno(), bytes([byte[0] ^ 1 << int(rng.integers(8))]), at)
                os.fsync(file.fileno())

    with pytest.raises(ChecksumError) as caught:
        run_on_lanes(plan, tmp_path, 1, emit=flip)
    assert caught.value.exit_code == 5
    block, offset, named = re.search(r"the block of (\d+) bytes that starts at offset (\d+) of (\S+) is not",
                                     str(caught.value)).groups()
    assert named == str(path) and int(block) == block_bytes
    assert int(offset) <= at < int(offset) + block_bytes
