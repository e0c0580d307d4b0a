"""Squarings modulo 2^p - 1 on disk against gmpy2's integers, and going on after an end at any unit."""

import itertools

import pytest
from gmpy2 import mpz, mpz_random, random_state

from bigconst.arithmetic.disk import squarer as disk_squarer
from bigconst.arithmetic.disk.squarer import DiskSquarer
from bigconst.arithmetic.memory.squarer import Squarer
from bigconst.base import failpoints
from bigconst.base.errors import ChecksumError, DoesNotFit, Interrupted
from bigconst.plans.dwtdisk import PARTS, DwtDisk, dwt_disk
from bigconst.plans.dwtshape import DwtShape, dwt_shape, lengths
from bigconst.runtime.checkpoint import Checkpoint
from bigconst.runtime.recorder import Recorder
from bigconst.storage.volume import Volume

CUTS = [DwtDisk(DwtShape(height, width), tile, rows, threads, True)
        for (height, width, tile), rows, threads in (
            ((8, 32, 32), 1, 1), ((24, 64, 32), 2, 2), ((40, 64, 64), 3, 2), ((56, 128, 32), 8, 1),
            ((64, 32, 32), 5, 3), ((192, 64, 32), 16, 2), ((16, 512, 128), 1, 2))]


def lanes(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir(exist_ok=True)
    return [tmp_path / "a", tmp_path / "b"]


def volume(tmp_path, disk):
    return Volume(lanes(tmp_path), disk.scratch_bytes, disk.tile_bytes)


def squared(value, p, count, subtract):
    for _ in range(count):
        value = (value * value - subtract) % ((mpz(1) << p) - 1)
    return value


@pytest.mark.parametrize("disk", CUTS, ids=lambda disk: f"{disk.shape.height}x{disk.shape.width}/{disk.tile_width}")
def test_squares_and_products(tmp_path, disk):
    p = disk.shape.max_exponent * 99 // 100
    state = random_state(p)
    a, b = (mpz_random(state, (mpz(1) << p) - 1) for _ in range(2))
    with volume(tmp_path, disk) as scratch, DiskSquarer(p, disk, scratch, Recorder()) as squarer:
        squarer.load(a, p // 3)
        assert squarer.value() == a
        assert squarer.iterate(3, 2) < 0.45
        assert squarer.value() == squared(a, p, 3, 2) and squarer.shift == p // 3 * 8 % p
        assert squarer.iterate(2, 2) < 0.45
        assert squarer.value() == squared(a, p, 5, 2)
        squarer.hold(b)
        squarer.load(a, p // 5)
        assert squarer.times() < 0.45 and squarer.times(1) < 0.45
        assert squarer.value() == (a * b) ** 2 * b % ((mpz(1) << p) - 1)


@pytest.mark.parametrize("value", [0, 1, 2, -1, -2])
def test_residues_whose_carries_go_far(tmp_path, value):
    disk = CUTS[1]
    p = disk.shape.max_exponent * 9 // 10
    with volume(tmp_path, disk) as scratch, DiskSquarer(p, disk, scratch, Recorder()) as squarer:
        squarer.load(value % (2**p - 1), 77)
        squarer.iterate(3, 2)
        assert squarer.value() == squared(mpz(value), p, 3, 2)


def chain(tmp_path, p, disk, checkpoint, scratch, stop, log):
    """Goes on to iteration 6 from 3 at iteration 0; the result and the largest error."""
    recorder = checkpoint.recorder(scratch.sync)
    with DiskSquarer(p, disk, scratch, recorder, stop=stop) as squarer:
        at = squarer.restore(mpz(3), 5, 0)
        log.append(at)
        assert squarer.value() == squared(mpz(3), p, at, 2)     # no matter in which pass the process before has ended
        error = squarer.iterate(6 - at, 2)
        return squarer.value(), squarer.shift, error


@pytest.mark.parametrize("keep_every_s", [0.0, 3600.0])
def test_ends_at_every_unit_and_goes_on(tmp_path, monkeypatch, keep_every_s):
    monkeypatch.setattr(disk_squarer, "FLUSH_S", keep_every_s)
    disk, p = CUTS[1], 40_009
    expected = squared(mpz(3), p, 6, 2), 5 * 2**6 % p
    with Squarer(p, dwt_shape(p)) as squarer:
        squarer.load(3, 5)
        squarer.iterate(6, 2)
        assert (squarer.value(), squarer.shift) == expected
    kept, log = None, []
    for _ in range(400):
        asked = itertools.count()
        scratch = Volume(lanes(tmp_path), disk.scratch_bytes, disk.tile_bytes, kept=kept)
        checkpoint = (Checkpoint.create(str(tmp_path / "a"), {}) if kept is None
                      else Checkpoint.load(str(tmp_path / "a")))
        kept = scratch.layout
        try:
            found = chain(tmp_path, p, disk, checkpoint, scratch, lambda asked=asked: next(asked) >= 3, log)
            break
        except Interrupted as interrupted:
            assert interrupted.exit_code == 75
        finally:
            checkpoint.close()
            scratch.close(delete=False)
    assert found[:2] == expected and found[2] < 0.4
    assert len(log) > 20
    assert log == sorted(log) and set(log) <= set(range(7)) and len(set(log)) > 3


def test_another_residue_or_cut_begins_anew(tmp_path):
    disk, p = CUTS[1], 40_009
    with volume(tmp_path, disk) as scratch:
        checkpoint = Checkpoint.create(str(tmp_path / "a"), {})
        with DiskSquarer(p, disk, scratch, checkpoint.recorder(scratch.sync)) as squarer:
            assert squarer.restore(mpz(3), 5, 10) == 10
            squarer.iterate(2, 0)
            squarer._keep()
        checkpoint.close()
        records = Checkpoint.load(str(tmp_path / "a")).records
        for iteration in (10, 11, 12):
            with DiskSquarer(p, disk, scratch, Recorder(None, records)) as squarer:
                assert squarer.restore(mpz(7), 5, iteration) == 12
                assert squarer.value() == squared(mpz(3), p, 2, 0) and squarer.shift == 20
        for cut, iteration in ((disk, 9), (disk, 13), (CUTS[2], 10)):
            with DiskSquarer(p, cut, scratch, Recorder(None, records)) as squarer:
                assert squarer.restore(mpz(7), 5, iteration) == iteration and squarer.value() == 7


def test_a_load_forgets_what_was_recorded(tmp_path):
    """Going back and over the same iterations again must not take up records of the first time."""
    disk, p = CUTS[1], 40_009
    with volume(tmp_path, disk) as scratch:
        checkpoint = Checkpoint.create(str(tmp_path / "a"), {})
        with DiskSquarer(p, disk, scratch, checkpoint.recorder(scratch.sync)) as squarer:
            squarer.restore(mpz(3), 5, 0)
            squarer.iterate(3, 2)
        checkpoint.close()
        checkpoint = Checkpoint.load(str(tmp_path / "a"))
        with DiskSquarer(p, disk, scratch, checkpoint.recorder(scratch.sync)) as squarer:
            squarer.load(mpz(11), 5, 0)
            squarer.iterate(3, 2)
            assert squarer.value() == squared(mpz(11), p, 3, 2)
            squarer.load(mpz(13), 5, 0)
            squarer.iterate(3, 2)
            assert squarer.value() == squared(mpz(13), p, 3, 2)
        checkpoint.close()


def test_bad_blocks_are_read_again_or_refused(tmp_path):
    disk, p = CUTS[1], 40_009
    notes = []
    with volume(tmp_path, disk) as scratch, \
            DiskSquarer(p, disk, scratch, Recorder(), lambda *note: notes.append(note)) as squarer:
        squarer.load(mpz(3))
        with failpoints.active("lane.read=flip@3"):
            squarer.iterate(2, 2)
        assert len(notes) == 1 and notes[0][0] == "checksum"
        assert squarer.value() == squared(mpz(3), p, 2, 2)
        with failpoints.active("lane.write=flip@2"), pytest.raises(ChecksumError):
            squarer.iterate(2, 2)


def test_cuts_fit_what_is_allowed():
    for shape in lengths():
        if shape.words < 1 << 14:
            continue
        for workspace in (1 << 20, 4 << 20, 64 << 20, 1 << 30):
            for products in (False, True):
                try:
                    disk = dwt_disk(shape, 2, products, workspace)
                except DoesNotFit as error:
                    assert "--workspace" in str(error) and shape.words > workspace // 32
                    continue
                assert disk.shape.words == shape.words and disk.workspace_bytes <= workspace
                assert disk.tile_bytes % 4096 == 0 and disk.slabs * disk.tile_width == disk.shape.width
                assert 1 <= disk.parts <= PARTS and disk.shape.height % 8 == 0
