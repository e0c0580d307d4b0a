"""The journal: every record comes back as it was, and a damaged end costs only what is behind it."""

import os
import signal

import numpy as np
import pytest

from bigconst.base import failpoints
from bigconst.base.errors import InputOutputError
from bigconst.storage.journal import Journal, read_journal

RECORDS = [
    ({"key": "a", "unit": 0}, {}),
    ({"key": "a", "unit": 1, "text": "é", "big": 2**80}, {"x": np.arange(7, dtype=np.uint64)}),
    ({"key": "b"}, {"grid": np.arange(6.0).reshape(2, 3), "none": np.zeros(0), "one": np.array(5, np.int32)}),
]


@pytest.fixture
def path(tmp_path):
    """A journal of RECORDS."""
    path = str(tmp_path / "journal")
    journal = Journal(path)
    for record in RECORDS:
        journal.append(*record)
    journal.sync()
    journal.close()
    journal.close()
    return path


def check(path, expected):
    """The journal holds these records and no more; where they end."""
    found = list(read_journal(path))
    assert len(found) == len(expected)
    for ((fields, arrays), _), (fields_, arrays_) in zip(found, expected, strict=True):
        assert fields == fields_ and list(arrays) == list(arrays_)
        for name, array in arrays_.items():
            assert arrays[name].dtype == array.dtype and arrays[name].shape == array.shape
            np.testing.assert_array_equal(arrays[name], array)
    return [0, *(end for _, end in found)]


def test_round_trip(path, tmp_path):
    ends = check(path, RECORDS)
    assert ends[-1] == (tmp_path / "journal").stat().st_size


def test_an_array_that_is_not_contiguous(path, tmp_path):
    journal = Journal(path)
    transposed = np.arange(6).reshape(2, 3).T
    journal.append({}, {"x": transposed})
    check(path, [({}, {"x": transposed})])
    journal.close()


def test_torn_at_every_byte_of_the_last_record(path, tmp_path):
    *_, last, end = check(path, RECORDS)
    whole = (tmp_path / "journal").read_bytes()
    torn = tmp_path / "torn"
    for size in range(last, end):
        torn.write_bytes(whole[:size])
        assert check(str(torn), RECORDS[:-1])[-1] == last
        torn.write_bytes(whole[:size] + bytes(end - size))     # a size that reached the disk before the bytes
        check(str(torn), RECORDS[:-1] if whole[size:].strip(b"\0") else RECORDS)


def test_a_flipped_bit_anywhere_hides_its_record_and_those_behind(path, tmp_path):
    ends = check(path, RECORDS)
    whole = (tmp_path / "journal").read_bytes()
    for at in range(ends[-1]):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        (tmp_path / "damaged").write_bytes(damaged)
        index = sum(end <= at for end in ends[1:])
        check(str(tmp_path / "damaged"), RECORDS[:index])


def test_going_on_after_a_torn_end(path, tmp_path):
    *_, last, end = check(path, RECORDS)
    with open(path, "r+b") as file:
        file.truncate(end - 1)
    journal = Journal(path, last)
    journal.append({"key": "c"}, {})
    journal.close()
    check(path, [*RECORDS[:-1], ({"key": "c"}, {})])


def test_starting_anew(path):
    Journal(path).close()
    check(path, [])


def test_errors_say_what_to_do(tmp_path):
    for attempt in (lambda: Journal(str(tmp_path / "no/journal")), lambda: list(read_journal(str(tmp_path / "no")))):
        with pytest.raises(InputOutputError, match=f"{tmp_path}.*; .*resume"):
            attempt()


def test_a_full_disk_says_so_and_nothing_is_written_behind_half_a_record(path):
    journal = Journal(path, check(path, RECORDS)[-1])
    # Half of the record still has room.
    with failpoints.active("journal.append=short@1, journal.append=ENOSPC@2, journal.append=sleep:0@3-") as rules:
        for _ in range(2):
            with pytest.raises(InputOutputError, match=f"cannot write {path}: No space left.*; make room there"):
                journal.append({"key": "c"}, {})
        with pytest.raises(InputOutputError, match="No space left"):
            journal.sync()
        assert rules[0].calls == 2
    journal.close()
    ends = check(path, RECORDS)
    journal = Journal(path, ends[-1])
    journal.append({"key": "d"}, {})
    journal.close()
    check(path, [*RECORDS, ({"key": "d"}, {})])


def test_a_failed_sync_is_not_repeated(path):
    journal = Journal(path, check(path, RECORDS)[-1])
    journal.append({"key": "c"}, {})
    with failpoints.active("journal.sync=EIO@1") as (rule,):
        for attempt in (journal.sync, journal.sync, lambda: journal.append({}, {})):
            with pytest.raises(InputOutputError, match=f"cannot write {path}: Input/output error; .*resume") as failure:
                attempt()
            assert failure.value.exit_code == 3
        assert rule.calls == 1
    journal.close()
    check(path, [*RECORDS, ({"key": "c"}, {})])


@pytest.mark.parametrize("failure", ["short", "short@1", "sleep:0.001"])
def test_what_does_no_harm(tmp_path, failure):
    path = str(tmp_path / "journal")
    with failpoints.active(f"journal.append={failure}"):
        journal = Journal(path)
        for record in RECORDS:
            journal.append(*record)
        journal.close()
    check(path, RECORDS)


@pytest.mark.parametrize("failure, left", [("torn@3", 2), ("kill@2", 1), ("flip:999@2", 1), ("truncate@2", 1)])
def test_what_it_leaves_when_it_is_cut_or_spoiled(tmp_path, failure, left):
    path = str(tmp_path / "journal")
    process = os.fork()
    if process == 0:
        try:
            with failpoints.active(f"journal.append={failure}"):
                journal = Journal(path)
                for key in "abc":
                    journal.append({"key": key}, {})
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert code == (-signal.SIGKILL if failure[0] in "tk" and "trunc" not in failure else 0)
    check(path, [({"key": key}, {}) for key in "abc"[:left]])
