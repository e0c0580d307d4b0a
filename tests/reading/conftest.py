"""Digit files with known digits, as text, compressed and as sets of .ycd, and pieces small enough for many borders."""

import itertools
import random

import pytest

from bigconst.cli import main
from bigconst.runs.kernels import READING, load
from bigconst.storage import digitfile, ycdfile, zstfile
from bigconst.storage.ycdfile import PIECE_BYTES, YcdText
from bigconst.storage.zstfile import FRAME_BYTES, ZstText

BLOCK_DIGITS = 700_001
"""digits of each file of a set"""
CHARACTERS = {10: "0123456789", 16: "0123456789abcdef"}


@pytest.fixture(scope="session", autouse=True)
def reading_kernels(kernels):
    """No test is the one that says on stderr that it compiles."""
    load(READING)


@pytest.fixture
def write(tmp_path):
    """A function of the digits after the point, like write("333"), that writes a file and returns its path."""
    numbers = itertools.count()

    def write(digits: str, whole: str = "0", name: str = "", base: int = 10) -> str:
        path = str(tmp_path / (name or f"{next(numbers)}.txt"))
        text = f"{whole}.{digits}\n".encode()
        if path.endswith(".zst"):
            with ZstText(path, len(text), base) as file:
                for start in range(0, len(text), FRAME_BYTES):
                    file.write_at(start, memoryview(text[start:start + FRAME_BYTES]))
                file.commit()
        elif path.endswith(".ycd"):
            with YcdText(path, whole, len(digits), base, BLOCK_DIGITS, force=True) as file:
                for start in range(0, len(text), PIECE_BYTES):
                    file.write_at(start, memoryview(text[start:start + PIECE_BYTES]))
                file.commit()
            path = file.files[0].path
        else:
            with open(path, "wb") as file:
                file.write(text)
        return path

    return write


@pytest.fixture
def digits_of():
    """A function of length, base and seed: digits."""

    def digits_of(length: int, base: int = 10, seed: int = 1) -> str:
        return "".join(random.Random(seed).choices(CHARACTERS[base], k=length))

    return digits_of


@pytest.fixture
def small_pieces(monkeypatch):
    """A function that makes all pieces so many bytes long."""

    def small_pieces(size_bytes: int) -> None:
        for kind in (digitfile._PlainText, zstfile.ZstReader, ycdfile.YcdReader):
            monkeypatch.setattr(kind, "piece_bytes", size_bytes)

    return small_pieces


@pytest.fixture
def bigconst(capsys):
    """A function of a command line: exit code, stdout and stderr."""

    def bigconst(*arguments) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return bigconst
