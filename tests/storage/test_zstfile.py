"""Digits as zstandard, against zstandard's own reader, tables written by hand, and files damaged on purpose."""

import random
import shutil
import struct
import subprocess
import threading

import numpy as np
import pytest
import zstandard

from bigconst.base.errors import BigconstError, FaultError, InputOutputError
from bigconst.storage import zstfile
from bigconst.storage.digitfile import open_digits
from bigconst.storage.zstfile import FRAME_BYTES, ZstText, room_bytes

CHARACTERS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def text_of(values) -> bytes:
    """Digits as characters."""
    return CHARACTERS[values].tobytes()


def random_text(length: int, base: int = 10, seed: int = 1) -> bytes:
    return text_of(np.random.default_rng(seed).integers(0, base, length))


def write(path, text: bytes, base: int = 10, frame_bytes: int = FRAME_BYTES, order=sorted) -> ZstText:
    """The committed file of a text, whose pieces come in `order` of their places."""
    with ZstText(path, len(text), base) as file:
        for start in order(range(0, len(text), frame_bytes)):
            file.write_at(start, memoryview(text)[start:start + frame_bytes])
        file.commit()
    return file


def read(path, start: int, stop: int) -> bytes:
    """Bytes of the text."""
    with open_digits(path) as file:
        return file.raw(start, stop)


def read_all(path) -> bytes:
    with open_digits(path) as file:
        return file.raw(0, file.text_bytes)


def by_zstandard(path) -> bytes:
    """What any program that knows zstandard reads."""
    with open(path, "rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()


def table(entries, descriptor: int = 0, count: int | None = None) -> bytes:
    """A seek table by the description of the format: entries of 2 or 3 numbers."""
    data = b"".join(struct.pack(f"<{len(entry)}I", *entry) for entry in entries)
    count = len(entries) if count is None else count
    return struct.pack("<II", 0x184D2A5E, len(data) + 9) + data + struct.pack("<IBI", count, descriptor, 0x8F92EAB1)


@pytest.fixture
def small_frames(monkeypatch):
    """Frames of a thousand bytes, so that a small file has many."""
    monkeypatch.setattr(zstfile, "FRAME_BYTES", 1000)
    return 1000


@pytest.fixture
def several(tmp_path, small_frames):
    """A file of four frames and its text."""
    text = random_text(3456)
    write(tmp_path / "phi.txt.zst", text, frame_bytes=small_frames)
    return tmp_path / "phi.txt.zst", text


# -- writing --------------------------------------------------------------------------

@pytest.mark.parametrize(("base", "most"), [(10, 0.43), (16, 0.503)])
def test_size_and_text_of_many_digits(tmp_path, base, most):
    path, text = tmp_path / "phi.txt.zst", random_text(6 * FRAME_BYTES + 12345, base)
    file = write(path, text, base)
    size = path.stat().st_size
    assert size == file.size_bytes <= most * len(text)
    # What is reserved is no estimate: it is nearly used, and the rest is given back.
    assert size <= room_bytes(len(text), base) <= size + 8192
    assert path.stat().st_blocks * 512 <= size + 65536
    assert by_zstandard(path) == text
    assert read_all(path) == text


@pytest.mark.skipif(shutil.which("zstd") is None, reason="there is no zstd command here")
@pytest.mark.parametrize("length", [3, 1000, 2 * FRAME_BYTES, 2 * FRAME_BYTES + 1])
def test_the_zstd_command_reads_it(tmp_path, length):
    text = random_text(length)
    write(tmp_path / "a.zst", text)
    subprocess.run(["zstd", "-qt", tmp_path / "a.zst"], check=True)
    assert subprocess.run(["zstd", "-dc", tmp_path / "a.zst"], check=True, capture_output=True).stdout == text


@pytest.mark.parametrize("length", [1, 2, 999, 1000, 1001, 2000, 5999])
def test_texts_of_all_lengths(tmp_path, small_frames, length):
    text = random_text(length)
    write(tmp_path / "a.zst", text, frame_bytes=small_frames)
    assert by_zstandard(tmp_path / "a.zst") == read_all(tmp_path / "a.zst") == text


def test_the_file_does_not_depend_on_the_order_of_its_pieces(tmp_path, small_frames):
    text = random_text(7777)
    for name, order in (("a", sorted), ("b", reversed), ("c", lambda starts: random.Random(3).sample(starts, 8)),
                        ("d", lambda starts: [*starts[:5], *starts])):
        write(tmp_path / name, text, frame_bytes=small_frames, order=order)
    assert len({(tmp_path / name).read_bytes() for name in "abcd"}) == 1


def test_a_piece_that_comes_again_replaces_the_first(tmp_path, small_frames):
    wrong, text = random_text(3456, seed=2), random_text(3456)
    with ZstText(tmp_path / "a", len(text), 10) as file:
        for content in (wrong[:2000], text):
            for start in range(0, len(content), 1000):
                file.write_at(start, memoryview(content)[start:start + 1000])
        file.commit()
    assert by_zstandard(tmp_path / "a") == text


def test_pieces_from_several_threads(tmp_path):
    text = random_text(9 * FRAME_BYTES + 5)
    starts = list(range(0, len(text), FRAME_BYTES))
    with ZstText(tmp_path / "a", len(text), 10) as file:
        def some(first):
            for start in starts[first::4]:
                file.write_at(start, memoryview(text)[start:start + FRAME_BYTES])

        threads = [threading.Thread(target=some, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        file.commit()
    assert by_zstandard(tmp_path / "a") == text


def distributions(base: int):
    """Digits of FRAME_BYTES that are unlike random ones."""
    chance = np.random.default_rng(4)
    yield np.zeros(FRAME_BYTES, dtype=int)
    yield np.arange(FRAME_BYTES) % 3
    yield chance.permutation(np.arange(FRAME_BYTES) % base)
    for length, count in ((7, 64), (7, 1000), (8, 1000), (16, 100_000)):
        words = chance.integers(0, base, (count, length))
        yield words[chance.integers(0, count, FRAME_BYTES // length + 1)].ravel()[:FRAME_BYTES]
    for _ in range(2):
        weights = chance.random((32, base))
        yield np.concatenate([chance.choice(base, FRAME_BYTES // 32, p=row / row.sum()) for row in weights])


@pytest.mark.parametrize("base", [10, 16])
def test_all_kinds_of_digits_have_room(tmp_path, base):
    for index, values in enumerate(distributions(base)):
        write(tmp_path / str(index), text_of(values), base)
        assert by_zstandard(tmp_path / str(index)) == text_of(values)


def test_what_is_no_digits_is_a_fault_of_the_computation(tmp_path):
    with ZstText(tmp_path / "a", FRAME_BYTES, 10) as file, pytest.raises(FaultError, match="byte 0 on does not"):
        file.write_at(0, memoryview(np.random.default_rng(1).bytes(FRAME_BYTES)))
    assert list(tmp_path.iterdir()) == []


def test_an_incomplete_text_is_not_committed(tmp_path, small_frames):
    with ZstText(tmp_path / "a", 3000, 10) as file:
        file.write_at(1000, memoryview(random_text(1000)))
        with pytest.raises(ValueError, match="2 pieces"):
            file.commit()
        for start, length in ((5, 1000), (0, 999), (2000, 1001)):
            with pytest.raises(ValueError, match="no frame"):
                file.write_at(start, memoryview(random_text(length)))
    assert list(tmp_path.iterdir()) == []


# -- reading --------------------------------------------------------------------------

def test_any_part_of_the_text(several):
    path, text = several
    chance = random.Random(5)
    for _ in range(200):
        start = chance.randrange(len(text))
        stop = chance.randrange(start, len(text) + 1)
        assert read(path, start, stop) == text[start:stop]


def test_only_the_frames_that_are_needed_are_read(several):
    path, text = several
    data = path.read_bytes()
    slot = zstfile._slot_bytes(10)
    # All but the third frame is destroyed.
    path.write_bytes(data[:4] + bytes(2 * slot - 4) + data[2 * slot:3 * slot] + bytes(100)
                     + data[3 * slot + 100:])
    assert read(path, 2000, 3000) == text[2000:3000]
    with pytest.raises(InputOutputError, match="bytes 1000 to 1999"):
        read(path, 1999, 2001)


def test_the_content_decides_and_not_the_name(tmp_path):
    text = b"1." + random_text(5000) + b"\n"
    (tmp_path / "a.zst").write_bytes(text)
    write(tmp_path / "b.txt", text)
    for name in ("a.zst", "b.txt"):
        with open_digits(tmp_path / name) as file:
            file.locate("1", 10, 5000)
            assert file.text_bytes == len(text)
            assert file.digits_at(100, 50) == text[102:152]
            assert file.digits_at(4990, 50) == text[4992:5002]
            assert file.digits_at(5000, 50) == b""
            assert file.rest() == b"\n"


@pytest.mark.parametrize("size_told", [True, False])
def test_files_of_other_programs(tmp_path, size_told):
    """With checksums in the table, frames of any size, fillers, and frames that do not tell their size."""
    text, entries, data = random_text(10_000), [], b""
    for start, stop in ((0, 1), (1, 4000), (4000, 4007), (4007, 10_000)):
        compressor = zstandard.ZstdCompressor(level=5, write_content_size=size_told)
        frame = compressor.compress(text[start:stop])
        entries.append((len(frame), stop - start, 0xABCD))
        filler = struct.pack("<II", 0x184D2A57, 3) + b"abc"
        entries.append((len(filler), 0, 0))
        data += frame + filler
    path = tmp_path / "a.zst"
    path.write_bytes(data + table(entries, 0x80))
    assert by_zstandard(path) == read_all(path) == text
    assert read(path, 3990, 4010) == text[3990:4010]


def test_no_table(tmp_path):
    path = tmp_path / "a.zst"
    for data in (zstandard.compress(random_text(5000)), zstandard.FRAME_HEADER, zstandard.FRAME_HEADER + b"12"):
        path.write_bytes(data)
        with pytest.raises(InputOutputError, match="without a seek table.*zstd -d"):
            open_digits(path)


def test_cut_off_anywhere(several):
    path, _ = several
    data = path.read_bytes()
    for length in [*range(4, len(data), 97), *range(len(data) - 90, len(data))]:
        path.write_bytes(data[:length])
        with pytest.raises(InputOutputError, match="without a seek table"):
            open_digits(path)


def test_bytes_changed_anywhere(several):
    path, text = several
    data, chance = path.read_bytes(), random.Random(6)
    places = [*range(4, 40), *range(len(data) - 90, len(data))]
    for start in range(0, len(data), zstfile._slot_bytes(10)):
        places += chance.sample(range(start + 4, start + 200), 75)
    errors = 0
    for place in places:
        changed = bytearray(data)
        changed[place] ^= chance.randrange(1, 256)
        path.write_bytes(changed)
        try:
            assert read_all(path) == text
        except BigconstError:
            errors += 1
    assert errors > 0.9 * len(places)


def bad_files():
    text = b"1." + random_text(998)
    frame, other = zstandard.compress(text), zstandard.compress(b"5")
    size = len(frame)
    filler = struct.pack("<II", 0x184D2A50, 2) + b"ab"
    liar = zstandard.FRAME_HEADER + b"\xe0" + (1 << 45).to_bytes(8, "little")   # says that it has 32 TiB
    yield "more text than in the frame", frame + table([(size, 1001)]), "damaged in bytes"
    yield "less text than in the frame", frame + table([(size, 999)]), "damaged in bytes"
    yield "a frame says what is not so", liar + table([(len(liar), 1000)]), "damaged in bytes"
    yield "two frames in one entry", frame + other + table([(size + len(other), 1000)]), "damaged in bytes"
    yield "a frame that is hidden", frame + other + table([(size, 1000), (len(other), 0)]), "damaged in bytes"
    yield "a filler that is too long", frame + filler[:-1] + table([(size, 1000), (9, 0)]), "damaged in bytes"
    yield "a filler with text", frame + filler + table([(size, 1000), (10, 2)]), "damaged in bytes"
    yield "not all of the file", frame + filler + table([(size, 1000)]), "seek table .* damaged"
    yield "more than the file", frame + table([(size + 1, 1000)]), "seek table .* damaged"
    yield "no text", frame + table([(size, 0)]), "seek table .* damaged"
    yield "nothing", frame + table([(size, 1000), (0, 1000)]), "seek table .* damaged"
    yield "text after a filler", frame + table([(4, 0), (size - 4, 1000)]), "seek table .* damaged"
    yield "no frames", frame + table([]), "seek table .* damaged"
    yield "too many frames", frame + table([(size, 1000)], count=2), "seek table .* damaged"
    yield "more frames than bytes", frame + table([(size, 1000)], count=1 << 20), "seek table .* damaged"
    yield "reserved bits", frame + table([(size, 1000)], 4), "seek table .* damaged"
    yield "checksums that are not there", frame + table([(size, 1000)], 0x80), "seek table .* damaged"
    yield "billions of frames", frame + table([(size, 1000)], count=2**32 - 1), "4294967295 frames, more than"
    yield "a large frame", frame + table([(size, 2**32 - 1)]), "frames of 4294967295 bytes"


@pytest.mark.parametrize(("data", "message"), [pytest.param(*rest, id=name) for name, *rest in bad_files()])
def test_nothing_in_a_file_is_trusted(tmp_path, data, message):
    (tmp_path / "a.zst").write_bytes(data)
    with pytest.raises(InputOutputError, match=message):
        read_all(tmp_path / "a.zst")


def test_what_is_bad_above_is_bad_for_its_table_alone(tmp_path):
    text = b"1." + random_text(998)
    frame = zstandard.compress(text)
    (tmp_path / "a.zst").write_bytes(frame + table([(len(frame), 1000)]))
    assert read_all(tmp_path / "a.zst") == text
