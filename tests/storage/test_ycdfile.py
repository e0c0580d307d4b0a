"""Digits as .ycd, against files made by Python's integers and struct from the description of the format."""

import errno
import os
import random
import re
import struct
import subprocess
import sys

import pytest

from bigconst.base.errors import FaultError, InputOutputError, UsageError
from bigconst.storage import ycdfile
from bigconst.storage.digitfile import open_digits
from bigconst.storage.ycdfile import YcdText, room_bytes
from bigconst.storage.ycdformat import YcdHeader, set_path

WIDTH, CHARACTERS = {10: 19, 16: 16}, "0123456789abcdef"


# -- the oracle -----------------------------------------------------------------------

def header(base, first, total, size, block, version="1.1.0", more="", end="EndHeader\r\n\r\n\0") -> bytes:
    return (f"#Compressed Digit File\r\n\r\nFileVersion:\t{version}\r\n\r\nBase:\t{base}\r\n\r\n{more}"
            f"FirstDigits:\t{first}\r\n\r\nTotalDigits:\t{total}\r\n\r\nBlocksize:\t{size}\r\nBlockID:\t{block}\r\n\r\n"
            + end).encode()


def packed(digits: str, base: int, unused: str = "0") -> bytes:
    width = WIDTH[base]
    groups = [digits[i:i + width].ljust(width, unused) for i in range(0, len(digits), width)]
    return b"".join(struct.pack("<Q", int(group, base)) for group in groups)


def expected(digits: str, base: int, size: int | None, name: str = "x") -> dict[str, bytes]:
    """The files that are to be written, by name."""
    first = f"7.{digits[:50]}"
    if size is None:
        return {f"{name}.ycd": header(base, first, 0, len(digits), 0) + packed(digits, base)}
    return {f"{name} - {k}.ycd": header(base, first, 0 if len(part) == size else len(digits), size, k)
            + packed(part, base)
            for k, part in enumerate(digits[i:i + size] for i in range(0, len(digits), size))}


def some_digits(length: int, base: int = 10, seed: int = 1) -> str:
    return "".join(random.Random(seed).choices(CHARACTERS[:base], k=length))


# -- writing and reading --------------------------------------------------------------

@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Pieces of a hundred bytes, so that many words lie across their borders."""
    monkeypatch.setattr(ycdfile, "PIECE_BYTES", 100)


def write(path, digits: str, base: int, size: int | None = None, order=sorted, force=False) -> YcdText:
    text = f"7.{digits}\n".encode()
    with YcdText(path, "7", len(digits), base, size, force) as file:
        for start in order(range(0, len(text), 100)):
            file.write_at(start, memoryview(text)[start:start + 100])
        file.commit()
    return file


def contents(directory) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def read_all(path) -> str:
    with open_digits(str(path)) as file:
        return file.raw(0, file.text_bytes).decode()


def put(directory, files: dict[str, bytes]) -> str:
    """Write files; path of the first one."""
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return str(directory / next(iter(files)))


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("length", [1, 18, 19, 97, 98, 99, 116, 117, 1000])
def test_files_are_those_of_the_description_and_come_back(tmp_path, base, length):
    digits = some_digits(length, base)
    for index, size in enumerate((None, 1, 7, 19, 50, 98, 190, length, length + 1)):
        if size and length / size > 20:
            continue
        for order in (sorted, reversed, lambda starts: random.Random(2).sample([*starts, *starts], 2 * len(starts))):
            directory = tmp_path / f"{index} {len(os.listdir(tmp_path))}"
            directory.mkdir()
            file = write(directory / "x.ycd", digits, base, size, order)
            assert contents(directory) == expected(digits, base, size)
            assert file.size_bytes == sum(map(len, contents(directory).values())) == room_bytes("7", length, base, size)
            assert read_all(file.files[0].path) == f"7.{digits}\n"


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("with_kernels", [True, False])
def test_any_part_of_the_text(tmp_path, monkeypatch, base, with_kernels):
    """By kernels, and without those."""
    import bigconst.kernels.digitwords  # noqa: F401

    if not with_kernels:
        monkeypatch.setattr(ycdfile, "_KERNELS", "not loaded")
    digits, chance = some_digits(777, base), random.Random(3)
    text = f"7.{digits}\n"
    for size in (None, 19, 100, 500):
        path = put(tmp_path, expected(digits, base, size, f"by {size}"))
        with open_digits(path) as file:
            assert (file.base, file.text_bytes) == (base, 780)
            for _ in range(200):
                start = chance.randrange(780)
                stop = chance.randrange(start, 781)
                assert file.raw(start, stop).decode() == text[start:stop]


def test_lengths_of_known_headers():
    assert len(YcdHeader(16, "3.243f6a8885a308d313198a2e03707344a4093822299f31d008", 0, 10**6, 0).encode()) == 195
    assert len(YcdHeader(10, f"3.{some_digits(50)}", 50_000_001, 10**6, 50).encode()) == 203


def test_what_other_programs_write(tmp_path):
    """The older version, further keys, more or fewer first digits, zeros in names, what is behind the digits."""
    digits = some_digits(95)
    for name, data in {
        "version": header(10, "7.1", 0, 95, 0, "1.0.0"), "keys": header(10, "7.1", 0, 95, 0, more="Who:\tA: B\r\n"),
        "long": header(10, f"7.{digits * 60}", 0, 95, 0), "none": header(10, "7.", 0, 95, 0),
        "larger block": header(10, "7.1", 95, 10**18, 0),
    }.items():
        (tmp_path / name).write_bytes(data + packed(digits, 10) + b"behind")
        assert read_all(tmp_path / name) == f"7.{digits}\n", name
    (tmp_path / "unused").write_bytes(header(10, "7.1", 90, 90, 0) + packed(digits[:90], 10, "9"))
    assert read_all(tmp_path / "unused") == f"7.{digits[:90]}\n"
    parts = expected(digits, 10, 40)
    path = put(tmp_path, {re.sub(r"\d+", lambda found: found[0].zfill(3), name): parts[name] for name in parts})
    assert path.endswith("x - 000.ycd") and read_all(path) == f"7.{digits}\n"
    # A number that belongs to the name.
    assert read_all(put(tmp_path, {"log - 2.ycd": expected(digits, 10, None)["x.ycd"]})) == f"7.{digits}\n"


def test_few_digits_need_no_kernels(tmp_path):
    path = put(tmp_path, expected(some_digits(10**5), 10, 30_000))
    program = ("import sys; from bigconst.cli import main\n"
               f"main(['digits', {path!r}, '--from', '99991', '--raw'])\nprint('numba' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == f"{some_digits(10**5)[-10:]}\nFalse\n", done.stderr


# -- what is there already ------------------------------------------------------------

def test_no_file_of_a_set_is_replaced_without_force(tmp_path):
    for name in ("x - 0.ycd", "x - 3.ycd", "x - 007.ycd"):
        (tmp_path / name).write_bytes(b"mine")
        with pytest.raises(UsageError, match=rf"{name} exists; add --force"):
            write(tmp_path / "x.ycd", some_digits(95), 10, 40)
        assert contents(tmp_path) == {name: b"mine"}
        (tmp_path / name).unlink()
    (tmp_path / "x.ycd").write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"x.ycd exists; add --force"):
        write(tmp_path / "x.ycd", some_digits(95), 10)


def test_with_force_nothing_of_an_older_set_stays(tmp_path):
    others = {"x.ycd": b"mine", "xx - 4.ycd": b"mine"}
    put(tmp_path, others | expected(some_digits(300), 10, 20) | {"x - 01.ycd": b"old"})
    write(tmp_path / "x.ycd", some_digits(95), 10, 40, force=True)
    assert contents(tmp_path) == others | expected(some_digits(95), 10, 40)


def test_the_first_file_gets_its_name_last(tmp_path, monkeypatch):
    """What is left by a kill in between is no set."""
    named = []
    commit = ycdfile.AtomicFile.commit
    monkeypatch.setattr(ycdfile.AtomicFile, "commit", lambda file: (named.append(file.path), commit(file)))
    write(tmp_path / "x.ycd", some_digits(95), 10, 40)
    assert [os.path.basename(path) for path in named] == ["x - 2.ycd", "x - 1.ycd", "x - 0.ycd"]


def test_more_files_than_may_be_open_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"1,000 digits by 2 are more than 400 files; choose --block-digits 3 or more"):
        write(tmp_path / "x.ycd", some_digits(1000), 10, 2)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("place", [50, 100, 110])
def test_what_is_no_digits_is_a_fault_of_the_computation(tmp_path, place):
    digits = some_digits(150)
    with pytest.raises(FaultError, match="a character that is not a digit"):
        write(tmp_path / "x.ycd", f"{digits[:place]}x{digits[place + 1:]}", 10)
    assert contents(tmp_path) == {}


def test_an_incomplete_text_is_not_committed(tmp_path):
    with YcdText(tmp_path / "x.ycd", "7", 300, 10) as file:
        file.write_at(100, memoryview(b"5" * 100))
        with pytest.raises(ValueError, match="3 pieces"):
            file.commit()
        for start, length in ((5, 100), (0, 99), (300, 4)):
            with pytest.raises(ValueError, match="no piece"):
                file.write_at(start, memoryview(b"5" * length))
    assert contents(tmp_path) == {}


# -- files that are damaged -----------------------------------------------------------

GOOD = header(10, "7.1", 0, 95, 0)
HEADERS = {
    "no end": (GOOD.replace(b"EndHeader", b"EndHeadr"), "the header of .* is damaged, it has no end"),
    "cut off": (GOOD[:-1], "damaged, it has no end"), "magic alone": (b"#Compressed Digit File", "it has no end"),
    "no zero": (GOOD[:-1] + b"\1", "damaged, it has no end"),
    "base 8": (header(8, "7.1", 0, 95, 0), "its Base is 8"), "no digits": (header(10, "7.1", 0, 0, 0), "Blocksize 0"),
    "no version": (GOOD.replace(b"FileVersion", b"Version"), "is .ycd of version None, not 1.0.0 or 1.1.0; write the"),
    "a later version": (header(10, "7.1", 0, 95, 0, "1.2.0"), "version 1.2.0"),
    "no block": (GOOD.replace(b"BlockID", b"Block"), "its BlockID is ''"),
    "negative": (header(10, "7.1", -1, 95, 0), "its TotalDigits is '-1'"),
    "letters": (header(10, "7.1a", 0, 95, 0), "its FirstDigits are none"),
    "no point": (header(10, "71", 0, 95, 0), "its FirstDigits are none"),
    "no whole part": (header(16, ".ab", 0, 95, 0), "its FirstDigits are none"),
    "binary": (GOOD.replace(b"Blocksize:\t95", b"Blocksize:\t\xff\xfe"), "its Blocksize is"),
    "another file": (header(10, "7.1", 0, 95, 3), "is file 3 of a set; name the first one, number 0"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_cannot_be_read(tmp_path, name):
    data, message = HEADERS[name]
    (tmp_path / "x.ycd").write_bytes(data + packed(some_digits(95), 10))
    with pytest.raises(InputOutputError, match=message):
        read_all(tmp_path / "x.ycd")


def test_no_damaged_byte_of_a_header_is_more_than_an_error(tmp_path):
    data, digits = GOOD + packed(some_digits(95), 10), some_digits(95)
    chance = random.Random(4)
    for _ in range(300):
        bad = bytearray(data)
        bad[chance.randrange(len("#Compressed Digit File"), len(GOOD))] = chance.randrange(256)
        (tmp_path / "x.ycd").write_bytes(bad)
        try:
            assert digits.startswith(read_all(tmp_path / "x.ycd")[:-1].partition(".")[2])
        except InputOutputError:
            continue


SETS = {
    "a hole": ("x - 1.ycd", None, "x - 1.ycd is missing; copy it beside the first"),
    "not the last": ("x - 2.ycd", header(10, "7.1", 200, 40, 2) + packed(some_digits(40), 10), "x - 3.ycd is missing"),
    "one too many": ("x - 3.ycd", header(10, "7.1", 0, 40, 3) + packed(some_digits(40), 10),
                     "x - 3.ycd does not belong to the set of .*x - 0.ycd, which ends at digit 95"),
    "another base": ("x - 1.ycd", header(16, "7.1", 0, 40, 1) + packed(some_digits(40), 16), "its Base is 16, not 10"),
    "another size": ("x - 1.ycd", header(10, "7.1", 0, 41, 1) + packed(some_digits(41), 10), "Blocksize is 41, not 40"),
    "another number": ("x - 1.ycd", header(10, "7.2", 0, 40, 1) + packed(some_digits(40), 10), "FirstDigits is 7.2"),
    "another block": ("x - 1.ycd", header(10, "7.1", 0, 40, 2) + packed(some_digits(40), 10), "BlockID is 2, not 1"),
    "cut off": ("x - 1.ycd", header(10, "7.1", 0, 40, 1) + packed(some_digits(40), 10)[:-1],
                "x - 1.ycd is cut off, it has 2 words of digits, its header needs 3"),
    "no header": ("x - 1.ycd", b"", "the header of .*x - 1.ycd is damaged"),
    "too large a word": ("x - 1.ycd", header(10, "7.1", 0, 40, 1) + bytes(8) + b"\xff" * 16,
                         "x - 1.ycd is damaged at digit 60, its word is more than 19 digits; take another copy"),
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("with_kernels", [True, False])
def test_sets_that_are_none(tmp_path, monkeypatch, name, with_kernels):
    if not with_kernels:
        monkeypatch.setattr(ycdfile, "_KERNELS", "not loaded")
    digits = some_digits(95)
    files = {f"x - {k}.ycd": header(10, "7.1", 0 if k < 2 else 95, 40, k) + packed(digits[40 * k:40 * k + 40], 10)
             for k in range(3)}
    path = put(tmp_path, files)
    assert read_all(path) == f"7.{digits}\n"
    changed, data, message = SETS[name]
    (tmp_path / changed).unlink(missing_ok=True)
    if data is not None:
        (tmp_path / changed).write_bytes(data)
    with pytest.raises(InputOutputError, match=message):
        read_all(path)


def test_a_file_of_the_set_that_changes_meanwhile(tmp_path):
    path = put(tmp_path, expected(some_digits(95), 10, 40))
    with open_digits(path) as file:
        os.utime(tmp_path / "x - 1.ycd", (1, 1))
        assert file.raw(0, 40).decode() == f"7.{some_digits(95)[:38]}"
        with pytest.raises(InputOutputError, match="x - 1.ycd changed while it was read"):
            file.raw(40, 60)
        (tmp_path / "x - 2.ycd").unlink()
        with pytest.raises(InputOutputError, match="cannot read .*x - 2.ycd: No such file"):
            file.raw(90, 98)


def test_a_set_whose_files_cannot_be_found(tmp_path, monkeypatch):
    def refuse(directory):
        raise PermissionError(errno.EACCES, "Permission denied")

    path = put(tmp_path, expected(some_digits(40), 10, 40))
    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(InputOutputError, match="cannot look for the files of .*x.ycd: Permission denied; allow to"):
        read_all(path)
    with pytest.raises(InputOutputError, match="cannot create .*none/y - 0.ycd: No such file"):
        monkeypatch.undo()
        write(tmp_path / "none" / "y.ycd", some_digits(40), 10, 40)


def test_names_of_sets():
    for path in ("a - 0.ycd", "a - 000.ycd"):
        assert set_path(path) == "a.ycd"
    for path in ("a - 1.ycd", "a.ycd", "a-0.ycd", "a - 0.txt", "a - .ycd"):
        assert set_path(path) == path
