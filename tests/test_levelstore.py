"""Levels as files: what is saved comes back, the newest that is whole, and no more than two stay."""

import os

import numpy as np
import pytest

from bigconst.base.errors import InputOutputError
from bigconst.runtime.levelstore import KEPT, LEVEL_NAME, LevelStore

PIECES = 5


def pieces(seed):
    chance = np.random.default_rng(seed)
    return [{"packed": chance.integers(1 << 60, size=100, dtype=np.uint64), "more": np.arange(seed)}
            for _ in range(PIECES)]


def save(store, seed):
    store.save(f"level {seed}", {"words": seed, "residue": 2**61 - 2}, {"sums": np.arange(seed + 1.0)},
               iter(pieces(seed)))


def check(found, seed):
    """What newest() gave is the number of this seed."""
    fields, arrays, got = found
    assert fields == {"name": f"level {seed}", "words": seed, "residue": 2**61 - 2}
    np.testing.assert_array_equal(arrays["sums"], np.arange(seed + 1.0))
    for piece, expected in zip(got, pieces(seed), strict=True):
        assert list(piece) == list(expected)
        for name in expected:
            np.testing.assert_array_equal(piece[name], expected[name])


@pytest.fixture
def place(place):
    """A directory that is somebody's else, too."""
    (place / "c/other").write_text("not ours")
    return place / "c"


def opened(place):
    return LevelStore(str(place), outside=True)


def names(place):
    return sorted(set(os.listdir(place)) - {"other"})


@pytest.fixture
def saved(place):
    """A directory with the levels 1, 2 and 3, of which the last two are left."""
    for seed in (1, 2, 3):
        save(opened(place), seed)
    return place


def test_nothing(place):
    assert opened(place).newest() is None
    opened(place).reject()
    opened(place).remove()
    assert names(place) == []


def test_the_newest_comes_back(place):
    store = opened(place)
    for seed in (1, 2, 3):
        save(store, seed)
        check(store.newest(), seed)
        check(store.newest(), seed)
        check(opened(place).newest(), seed)


def test_two_are_kept(saved):
    assert names(saved) == [f"{LEVEL_NAME}.1", f"{LEVEL_NAME}.2"] and KEPT == 2
    save(opened(saved), 4)
    assert names(saved) == [f"{LEVEL_NAME}.2", f"{LEVEL_NAME}.3"]


def test_numbers_without_pieces(place):
    opened(place).save("level", {}, {}, iter([]))
    fields, arrays, got = opened(place).newest()
    assert (fields, arrays, list(got)) == ({"name": "level"}, {}, [])


def damaged(data, how):
    size = len(data)
    return {"empty": b"", "cut in half": data[:size // 2], "without its end": data[:-1], "longer": data + b"x",
            "of zeros": bytes(size), "wrong in a bit": data[:size // 2] + bytes([data[size // 2] ^ 4])
            + data[size // 2 + 1:]}[how]


@pytest.mark.parametrize("how", ["empty", "cut in half", "without its end", "longer", "of zeros", "wrong in a bit"])
def test_a_damaged_file_becomes_bad(saved, how):
    path = saved / f"{LEVEL_NAME}.2"
    path.write_bytes(damaged(path.read_bytes(), how))
    check(opened(saved).newest(), 2)
    assert names(saved) == [f"{LEVEL_NAME}.1", f"{LEVEL_NAME}.2.bad"]
    save(opened(saved), 5)
    check(opened(saved).newest(), 5)
    opened(saved).remove()
    assert names(saved) == []


def test_all_damaged(saved):
    for path in saved.glob(f"{LEVEL_NAME}.*"):
        path.write_bytes(path.read_bytes()[:-10])
    assert opened(saved).newest() is None
    assert names(saved) == [f"{LEVEL_NAME}.1.bad", f"{LEVEL_NAME}.2.bad"]


def test_records_that_are_cut_off_whole(saved):
    """A file that ends between two records has no end, however right they are."""
    from bigconst.storage.journal import read_journal

    path = saved / f"{LEVEL_NAME}.2"
    data, ends = path.read_bytes(), [end for _, end in read_journal(str(path))]
    assert len(ends) == PIECES + 2 and ends[-1] == len(data)
    for end in ends[:-1]:
        path.write_bytes(data[:end])
        check(opened(saved).newest(), 2)
        os.rename(f"{path}.bad", path)
    path.write_bytes(data)
    check(opened(saved).newest(), 3)


def test_a_file_that_changes_after_it_was_checked(saved):
    path = saved / f"{LEVEL_NAME}.2"
    _, _, got = opened(saved).newest()
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputOutputError, match="was complete and is now damaged"):
        list(got)


def test_a_level_that_is_rejected(saved):
    store = opened(saved)
    check(store.newest(), 3)
    store.reject()
    check(store.newest(), 2)
    store.reject()
    assert store.newest() is None


def test_an_error_while_saving_leaves_what_was(saved):
    def broken():
        yield from pieces(4)[:2]
        raise KeyboardInterrupt

    before = names(saved)
    with pytest.raises(KeyboardInterrupt):
        opened(saved).save("level 4", {}, {}, broken())
    assert names(saved) == before
    check(opened(saved).newest(), 3)


def test_a_kill_while_saving_leaves_what_was(saved):
    """The temporary file of a process that is gone is overwritten, or removed in the end."""
    (saved / f"{LEVEL_NAME}.3.new").write_bytes(b"half a file")
    check(opened(saved).newest(), 3)
    save(opened(saved), 4)
    check(opened(saved).newest(), 4)
    (saved / f"{LEVEL_NAME}.4.new").write_bytes(b"half a file")
    opened(saved).remove()
    assert names(saved) == []


@pytest.mark.parametrize("call", ["writev", "fdatasync", "replace"])
def test_a_disk_that_fails(saved, monkeypatch, call):
    def failing(*arguments):
        raise OSError(28, "No space left on device")

    before = names(saved)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing)
        with pytest.raises(InputOutputError, match="No space left"):
            save(opened(saved), 4)
    assert names(saved) == before
    check(opened(saved).newest(), 3)


def test_a_directory_that_is_gone(tmp_path):
    with pytest.raises(OSError):
        save(opened(tmp_path / "nowhere"), 1)
