"""The burn-in: sound hardware passes, and every fault that is made on purpose is found, with its place."""

import os
import random
import re
import signal

import numpy as np
import pytest
from interrupted_runs import Process

from bigconst import cli
from bigconst.arithmetic.memory.squarer import Squarer
from bigconst.base import failpoints
from bigconst.base.errors import DiskFull, DoesNotFit, InputOutputError, UsageError, VerificationError
from bigconst.mersenne.selftest import case_of, rows
from bigconst.runs.statusline import StatusLine
from bigconst.storage.lane import DATA_NAME
from bigconst.stress import burnin, memory, squarings
from bigconst.stress import scratch as disks
from bigconst.stress.pattern import BLOCK_BYTES, BLOCK_WORDS, FillPattern

SMALL = 280 << 20
"""Memory for a burn-in with transforms of the fixture `small`."""
BLOCKS, BATCH = 12, 4
"""Blocks of a small scratch, and of what is moved together."""


def never():
    return False


class Damaged(Squarer):
    """One bit of one word is wrong after `after` calls of iterate."""

    after, bit = 1, 0

    def iterate(self, count, subtract):
        roundoff = super().iterate(count, subtract)
        Damaged.after -= 1
        if Damaged.after == 0:
            self._words[len(self._words) // 3] ^= 1 << Damaged.bit
        return roundoff


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Little scratch in each directory, little memory, and squarings of a tenth of a second."""
    monkeypatch.setattr(disks, "MOST_BYTES", BLOCKS * BLOCK_BYTES)
    monkeypatch.setattr(disks, "BATCH_BLOCKS", BATCH)
    monkeypatch.setattr(burnin, "LEAST_PATTERN_BYTES", 16 << 20)
    monkeypatch.setattr(burnin, "TICK_S", 0.1)
    monkeypatch.setattr(squarings, "WORK", 1 << 22)


@pytest.fixture
def small_tiers(monkeypatch):
    """Short transforms alone."""
    monkeypatch.setattr(squarings, "tiers", lambda threads, memory_bytes: [
        squarings.Tier(squarings.shapes(1 << 10, 3 << 10)),
        squarings.Tier(squarings.shapes(4 << 10, 8 << 10), together=True)])


@pytest.fixture
def damaged(monkeypatch):
    def after(calls, bit=0):
        monkeypatch.setattr(Damaged, "after", calls)
        monkeypatch.setattr(Damaged, "bit", bit)
        return Damaged

    return after


# -- patterns and memory --------------------------------------------------------------

def test_blocks_differ_and_turns_are_complements():
    pattern = FillPattern(1)
    blocks = {(number, turn): pattern.make(number, turn).copy() for number in range(5) for turn in range(6)}
    assert len({block.tobytes() for block in blocks.values()}) == 30
    for number in range(5):
        for turn in (0, 2, 4):
            assert (blocks[number, turn] == ~blocks[number, turn + 1]).all()
    assert (FillPattern(1).make(3, 4) == blocks[3, 4]).all() and (FillPattern(2).make(3, 4) != blocks[3, 4]).any()


def test_differences_tell_where_and_which_bits():
    pattern, found = FillPattern(7), FillPattern(7).make(2, 3).copy()
    assert pattern.difference(found, 2, 3) is None
    right = int(found[1000])
    found[1000] ^= np.uint64(1 << 63 | 1 << 5)
    difference = pattern.difference(found, 2, 3)
    assert (difference.offset_bytes, difference.words, difference.bits) == (8000, 1, 2)
    assert str(difference) == f"{right ^ (1 << 63 | 1 << 5):016x} instead of {right:016x}, wrong bits 5, 63"
    found[-1] ^= np.uint64(0xFF)
    assert str(pattern.difference(found, 2, 3)).endswith("wrong bits 5, 63, 10 wrong bits in 2 words of the block")


def filled(turn=0, blocks=4):
    out = memory.Memory(blocks * BLOCK_BYTES + 5, seed=3)
    memory.fill(out, range(out.blocks), turn, never)
    return out


def compared(of):
    done = []
    memory.compare(of, range(of.blocks), never, done.append)
    return sum(done)


def test_memory_keeps_what_was_written():
    assert compared(filled()) == 4 * BLOCK_BYTES
    kept = filled()
    memory.fill(kept, range(2), 1, never)       # another round has begun
    assert compared(kept) == 4 * BLOCK_BYTES
    assert compared(memory.Memory(BLOCK_BYTES, 1)) == 0


@pytest.mark.parametrize("bit", [0, 17, 63])
def test_a_flipped_bit_of_memory(bit):
    kept, at = filled(), 2 * BLOCK_WORDS + 77
    kept.words[at] ^= np.uint64(1 << bit)
    with pytest.raises(VerificationError, match=rf"memory block 2 of 4, offset 0x268 .*wrong bit {bit};") as error:
        compared(kept)
    assert f"address {kept.words.ctypes.data + 8 * at:#x}" in str(error.value) and error.value.exit_code == 1


def test_a_block_in_the_wrong_place_and_an_old_one():
    kept = filled()
    kept.words[3 * BLOCK_WORDS:] = kept.words[:BLOCK_WORDS].copy()
    with pytest.raises(VerificationError, match="memory block 3"):
        compared(kept)
    kept = filled(0)
    old = kept.words[:BLOCK_WORDS].copy()
    memory.fill(kept, range(4), 2, never)
    kept.words[:BLOCK_WORDS] = old
    with pytest.raises(VerificationError, match="memory block 0"):
        compared(kept)


def test_a_block_that_is_right_when_it_is_read_again():
    kept = filled()
    kept._sums[1] ^= np.uint64(1)
    with pytest.raises(VerificationError, match="block 1 of 4 had a wrong checksum, and was right"):
        compared(kept)


def test_physical_addresses_are_read_where_they_may_be(monkeypatch, tmp_path):
    path, page, real_open = tmp_path / "pagemap", memory._PAGE_BYTES, open
    path.write_bytes(b"".join((1 << 63 | frame).to_bytes(8, "little") for frame in (0, 0x1234)))
    monkeypatch.setattr("builtins.open", lambda name, mode="r": real_open(path if "pagemap" in name else name, mode))
    assert memory._physical(page + 40) == 0x1234 * page + 40
    assert memory._physical(40) is None


# -- squarings ------------------------------------------------------------------------

def small_case(published, words=2048):
    """A case on 2K words."""
    tier = squarings.Tier(squarings.shapes(words, words))
    while True:
        case = squarings.choose(tier, 1)
        if bool(case.expected) == published and case.iterations >= 1000:
            return case


@pytest.mark.parametrize("published", [True, False])
def test_squarings_that_are_right(published):
    done = []
    case = small_case(published)
    roundoff = squarings.check(case, Squarer, "here", lambda words, count: done.append(count))
    assert 0 < roundoff < 0.40625 and sum(done) == case.iterations * (1 if published else 2)


@pytest.mark.parametrize("published, calls", [(True, 1), (False, 2)])
@pytest.mark.parametrize("bit", [0, 9])
def test_a_wrong_word_of_a_squaring(damaged, published, calls, bit, monkeypatch):
    case = small_case(published)
    with pytest.raises(VerificationError, match=rf"{case.kind} M{case.exponent}, .* 2K words.*shift \d+, on core 9: "
                                                r"residue \w{16}/\d+/\d+ (instead of|the first time, )"):
        squarings.check(case, damaged(calls, bit), "on core 9", lambda words, count: None)


def test_a_published_residue_has_to_be_that_one():
    row = next(row for row in rows() if row.exponent == 22679 and row.iterations == 1000)
    case = case_of(row, squarings.shapes(2048, 2048)[0], 1)
    wrong = type(case)(**{**case.__dict__, "expected": (row.res64, row.mod_2_35_1, row.mod_2_36_1 ^ 1)})
    squarings.check(case, Squarer, "", lambda words, count: None)
    with pytest.raises(VerificationError, match="instead of"):
        squarings.check(wrong, Squarer, "", lambda words, count: None)


@pytest.mark.parametrize("roundoff", [0.41, float("nan")])
def test_round_off_is_watched(roundoff):
    class Rough(Squarer):
        def iterate(self, count, subtract):
            super().iterate(count, subtract)
            return roundoff

    with pytest.raises(VerificationError, match="round-off error of"):
        squarings.check(small_case(True), Rough, "here", lambda words, count: None)


@pytest.mark.parametrize("threads, memory_bytes", [(1, 400 << 20), (2, 16 << 30), (128, 1 << 40)])
def test_tiers_and_what_is_chosen_from_them(threads, memory_bytes):
    tiers = squarings.tiers(threads, memory_bytes)
    assert [tier.together for tier in tiers] == [False, False, True]
    assert tiers[-1].bytes_per_thread <= memory_bytes // 2
    random.seed(1)
    for tier in tiers:
        assert tier.shapes == tuple(sorted(tier.shapes, key=lambda shape: shape.words)) and len(tier.shapes) > 2
        cases = [squarings.choose(tier, threads) for _ in range(50)]
        for case in cases:
            assert case.shape in tier.shapes
            assert case.shape.min_exponent <= case.exponent <= case.shape.max_exponent
        assert not all(case.expected for case in cases)
    assert any(squarings.choose(tiers[0], 1).expected for _ in range(50))


# -- disks ----------------------------------------------------------------------------

@pytest.fixture
def folder(tmp_path):
    """Holds what looks like the scratch of another run, and has to hold nothing else afterwards."""
    (tmp_path / DATA_NAME).write_bytes(b"of an interrupted run")
    yield tmp_path
    assert os.listdir(tmp_path) == [DATA_NAME]
    assert (tmp_path / DATA_NAME).read_bytes() == b"of an interrupted run"


def small_scratch(*folders):
    return disks.ScratchTest([str(folder) for folder in folders], 5)


def test_scratch_is_written_and_compared(folder):
    with small_scratch(folder) as scratch:
        for turn in range(3):
            scratch.turn(turn, never, never)
        assert scratch.size_bytes == BLOCKS * BLOCK_BYTES
        assert scratch.volume.written_bytes == scratch.volume.read_bytes == 3 * BLOCKS * BLOCK_BYTES
        assert scratch.moved_bytes == 6 * BLOCKS * BLOCK_BYTES


def test_scratch_in_two_directories_compares_what_there_was_time_for(tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for each in folders:
        each.mkdir()
    calls = iter([False, False, True])
    with small_scratch(*folders) as scratch:
        scratch.turn(0, lambda: next(calls), never)
        assert scratch.volume.written_bytes == scratch.volume.read_bytes == 2 * BATCH * BLOCK_BYTES
        scratch.turn(1, never, lambda: True)
        assert scratch.volume.read_bytes == 2 * BATCH * BLOCK_BYTES
    assert os.listdir(tmp_path / "a") == os.listdir(tmp_path / "b") == []


@pytest.mark.parametrize("at", [0, 6 * BLOCK_BYTES + 1003, BLOCKS * BLOCK_BYTES - 1])
def test_a_changed_byte_on_disk(folder, monkeypatch, at):
    with small_scratch(folder) as scratch:
        path = folder / disks.DIRECTORY / DATA_NAME

        def sync():
            with open(path, "r+b") as file:
                file.seek(at)
                byte = file.read(1)[0]
                file.seek(at)
                file.write(bytes([byte ^ 0x41]))
                file.flush()
                os.fsync(file.fileno())

        monkeypatch.setattr(scratch.volume, "sync", sync)
        bits = ", ".join(str(8 * (at % 8) + bit) for bit in (0, 6))
        where = f"{re.escape(str(path))}, offset {at // 8 * 8}"
        with pytest.raises(VerificationError, match=rf"{where}: \w+ instead of \w+, wrong bits {bits};"):
            scratch.turn(0, never, never)


@pytest.mark.parametrize("spec", ["lane.write=flip:12345@7", "lane.read=flip:98765@3"])
def test_a_bit_that_flips_on_its_way(folder, spec):
    with small_scratch(folder) as scratch, failpoints.active(spec):
        with pytest.raises(VerificationError, match=r"bigconst.scratch, offset \d+: .*wrong bit \d+;"):
            scratch.turn(0, never, never)


def test_a_block_that_changes_in_memory_before_it_is_written(folder, monkeypatch):
    with small_scratch(folder) as scratch:
        write = scratch.volume.write

        def flipping(requests, sums=None):
            if requests[0].address:
                requests[3].views[0][9] ^= np.uint64(4)
            return write(requests, sums)

        monkeypatch.setattr(scratch.volume, "write", flipping)
        address = (BATCH + 3) * BLOCK_BYTES
        with pytest.raises(VerificationError, match=f"address {address} .* in memory: .* wrong bit 2;"):
            scratch.turn(0, never, never)


def test_a_disk_that_reports_an_error(folder):
    with small_scratch(folder) as scratch, failpoints.active("lane.read=EIO@2"):
        with pytest.raises(InputOutputError, match="cannot read .* at offset"):
            scratch.turn(0, never, never)


def test_directories_that_cannot_be_used(folder, monkeypatch):
    with pytest.raises(InputOutputError, match="nowhere"):
        small_scratch(folder / "nowhere")
    with pytest.raises(UsageError, match="twice"):
        small_scratch(folder, folder)
    with small_scratch(folder), pytest.raises(InputOutputError, match="in use by process"):
        small_scratch(folder)
    monkeypatch.setattr(disks, "BATCH_BLOCKS", 1 << 40)
    monkeypatch.setattr(disks, "Arena", lambda size: type("None", (), {"take": lambda self, *_: None})())
    with pytest.raises(DiskFull, match="quarter"):
        small_scratch(folder)


# -- all together ---------------------------------------------------------------------

def test_all_parts_work_and_end(folder, small_tiers):
    with small_scratch(folder) as scratch:
        burn = burnin.BurnIn(Squarer, 2, SMALL + disks.BUFFERS_BYTES, scratch, 1)
        shown = []
        burn.run(0.6, lambda: shown.append(burn.totals.iterations))
        totals = burn.totals
        assert burn.faults == [] and shown and shown == sorted(shown)
        assert totals.tests > 0 and totals.iterations > 1000 and 0 < totals.max_roundoff < 0.40625
        # It rests a third of the time after each filling.
        assert 0 < totals.memory_bytes <= 4 * burn.pattern_bytes and not totals.memory_bytes % BLOCK_BYTES
        assert scratch.volume.read_bytes == scratch.volume.written_bytes > 0


def test_a_processor_that_errs_ends_it(damaged, small_tiers):
    burn = burnin.BurnIn(damaged(2), 2, SMALL, None, 1)
    with pytest.raises(VerificationError, match=r"on processor \d+: residue"):
        burn.run(60)
    assert len(burn.faults) == 1


def test_memory_that_errs_ends_it(monkeypatch, small_tiers):
    burn, fill = burnin.BurnIn(Squarer, 1, SMALL, None, 1), memory.Memory.fill

    def flipping(self, pattern, number, turn):
        fill(self, pattern, number, turn)
        if (number, turn) == (3, 1):
            self.words[3 * BLOCK_WORDS] ^= np.uint64(1 << 20)

    monkeypatch.setattr(memory.Memory, "fill", flipping)
    monkeypatch.setattr(burnin, "REST_S", 0.1)
    with pytest.raises(VerificationError, match="memory block 3 of .* wrong bit 20;"):
        burn.run(60)


def test_too_little_memory():
    with pytest.raises(DoesNotFit, match="64 threads need .* may be used; allow more with --memory"):
        burnin.BurnIn(Squarer, 64, SMALL, None, 1)


# -- the command ----------------------------------------------------------------------

def call(capsys, *arguments):
    code = cli.main(["stress", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


ENOUGH = "--memory", "380MiB", "--threads", "1"


def test_the_command(capsys, folder, small_tiers):
    code, out, err = call(capsys, "--minutes", "0.005", *ENOUGH, "--swap", str(folder))
    assert code == 0 and "of scratch in" in err
    assert out.endswith("Errors      0\nall results were right\n")
    assert re.search(r"Squarings   [\d,]+ in [\d,]+ tests that were right, [\d.]+ GFLOP/s", out)


def test_the_command_says_what_failed(capsys, folder, small_tiers):
    with failpoints.active("lane.write=flip:100@2"):
        code, out, err = call(capsys, "--minutes", "5", *ENOUGH, "--swap", str(folder))
    assert code == 1 and "Errors      1\n" in out and "all results were right" not in out
    assert re.search(r"^bigconst: .*bigconst.scratch, offset \d+: .* wrong bit \d+; do not trust", err, re.M)


@pytest.mark.parametrize("options, code, text", [
    ("--minutes 0", 2, "number of minutes"), ("--minutes -1", 2, "number of minutes"),
    ("--minutes nan", 2, "number of minutes"), ("--minutes inf", 2, "number of minutes"),
    ("--minutes x", 2, "number of minutes"), ("--memory 0", 2, "out of range"), ("--threads 0", 2, "out of range"),
    ("--memory 100MiB", 4, "allow more with --memory"), ("--memory 1000000TiB", 2, "1e18"),
    ("--memory 100000TiB", 4, "are available"), ("--swap nowhere", 3, "nowhere")])
def test_what_is_refused(capsys, monkeypatch, tmp_path, options, code, text):
    monkeypatch.chdir(tmp_path)
    found = call(capsys, *options.split())
    assert found[0] == code and text in found[2] and found[2].count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_signals_leave_nothing_behind(folder, small_tiers, monkeypatch, number):
    """In a fork, which gets the signal while the scratch is there."""
    def asked(*_):
        assert os.listdir(folder / disks.DIRECTORY)
        os.kill(os.getpid(), number)

    monkeypatch.setattr(StatusLine, "show", asked)
    with Process(f"stress {' '.join(ENOUGH)} --swap {folder}", lambda: None) as process:
        code, err = process.end()
        assert code == 130 and "Errors      0" in process.printed(), err
    assert re.search(r"^bigconst: interrupted after [\d.]+ s; all results were right until then$", err, re.MULTILINE)
