"""`bigconst digits`, and what every command says of files that are no digit files."""

import os
import subprocess
import sys

import numpy as np
import pytest

from bigconst.base.errors import InputOutputError
from bigconst.reading.source import DigitText, in_pieces
from bigconst.storage.digitfile import END_DIGITS

ONE_FILE = {"digits": [], "find": ["12"], "stats": [], "hash": []}


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("suffix", [".txt", ".txt.zst", ".ycd"])
def test_raw_digits_are_the_slice(suffix, base, write, digits_of, bigconst):
    digits = digits_of(7001, base)
    path = write(digits, "1", f"x{suffix}", base)
    for first, count in ((1, 1), (1, 7001), (2, 50), (7001, 1), (3333, 1234)):
        assert bigconst("digits", path, "--from", first, "--count", count, "--raw") == (
            0, digits[first - 1:first - 1 + count] + "\n", "")


def test_lines_end_with_the_position(write, digits_of, bigconst):
    digits = digits_of(1_000_321)
    path = write(digits)
    code, out, _ = bigconst("digits", path, "--from", 1_000_000 - 66, "--count", 120)
    head, *lines = out.splitlines()
    assert code == 0 and head == "Digits 999,934 to 1,000,053 of 1,000,321 (base 10):"
    assert [line.rsplit(" ", 1)[1] for line in lines] == ["999,983", "1,000,033", "1,000,053"]
    shown = [line.split(":")[0].split() for line in lines]
    assert "".join("".join(groups) for groups in shown) == digits[999_933:1_000_053]
    assert [[len(group) for group in groups] for groups in shown] == [[10] * 5, [10] * 5, [10, 10]]


def test_many_lines_are_printed_in_blocks(write, digits_of, bigconst, monkeypatch):
    monkeypatch.setattr("bigconst.commands.digits._BLOCK_DIGITS", 100)
    digits = digits_of(1015)
    code, out, _ = bigconst("digits", write(digits), "--count", 1015)
    assert "".join("".join(line.split(":")[0].split()) for line in out.splitlines()[1:]) == digits
    assert bigconst("digits", write(digits), "--count", 1015, "--raw") == (0, digits + "\n", "")


def test_fewer_than_the_default_are_all_and_none_is_beyond_the_end(write, bigconst):
    path = write("123456")
    assert bigconst("digits", path, "--raw") == (0, "123456\n", "")
    assert bigconst("digits", path, "--from", 5, "--raw") == (0, "56\n", "")
    for options in (["--from", 7], ["--from", 6, "--count", 2], ["--count", "1e9"]):
        code, out, error = bigconst("digits", path, *options)
        assert (code, out) == (2, "") and "has no position" in error and error.endswith("its last one is 6\n")
    assert bigconst("digits", path, "--from", 0)[0] == bigconst("digits", path, "--count", 0)[0] == 2


def test_few_bytes_are_read_and_no_kernel_is_loaded(tmp_path):
    path = tmp_path / "large.txt"
    with open(path, "wb") as file:      # a hole of a terabyte, with digits at both ends
        file.write(b"1." + b"5" * END_DIGITS)
        file.seek(10**12 - END_DIGITS)
        file.write(b"5" * END_DIGITS + b"0123456789\n")
    program = ("import sys, numpy; from bigconst.cli import main\n"
               f"code = main(['digits', {str(path)!r}, '--from', '999999999999', '--count', '10', '--raw'])\n"
               "print(code, *{'numba', 'gmpy2', 'xxhash'} & set(sys.modules))")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "0123456789\n0\n", done.stderr


def everywhere(bigconst, path, good):
    """(exit code, stderr) of every command that reads the file."""
    for command, arguments in ONE_FILE.items():
        yield bigconst(command, path, *arguments)
    yield bigconst("compare", path, good)
    yield bigconst("compare", good, path)


BROKEN = {"empty": (b"", "is empty"), "no point": (b"314159\n", "does not begin with an integer part and a point"),
          "text": (b"Hello, world.\n", "does not begin with an integer part and a point"),
          "cut short": (b"1.6180", "does not end with a newline"), "no digits": (b"1.\n", "has no digits after"),
          "point alone": (b"1.", "has no digits after")}


@pytest.mark.parametrize("name", BROKEN)
def test_files_of_another_layout_are_refused_by_all(name, write, tmp_path, bigconst):
    content, what = BROKEN[name]
    path, good = tmp_path / "broken", write("25")
    path.write_bytes(content)
    for code, out, error in everywhere(bigconst, path, good):
        assert (code, out) == (3, "") and what in error and error.count("\n") == 1


def test_what_cannot_be_read_is_refused_by_all(write, tmp_path, bigconst):
    for path, what in ((tmp_path / "none", "No such file"), (tmp_path, "is a directory, pipe or device"),
                       ("/dev/null", "is a directory, pipe or device")):
        for code, out, error in everywhere(bigconst, path, write("25")):
            assert (code, out) == (3, "") and what in error


@pytest.mark.parametrize("character", "a g\n.\r:/")
def test_a_character_that_is_no_digit_is_named_with_its_position(character, write, digits_of, bigconst):
    # Beyond the digits that tell the base.
    digits = digits_of(9000)
    digits = digits[:4999] + character + digits[5000:]
    path = write(digits.replace("77", "76"))
    for command in (["find", path, "77"], ["stats", path], ["hash", path], ["digits", path, "--from", 4990]):
        code, out, error = bigconst(*command)
        assert (code, out) == (3, "")
        assert f"character {character!r} as digit 5,000 after the point is not a digit of base 10" in error


def test_a_file_that_changes_meanwhile_is_an_error(write, digits_of, small_pieces):
    small_pieces(100)
    for change in (b"x", b""):
        path = write(digits_of(1000))
        with DigitText(path) as text:

            def take(start: int, digits: np.ndarray, made: None, change: bytes = change,
                     path: str = path) -> None:
                with open(path, "r+b") as file:
                    if change:
                        file.seek(0, os.SEEK_END)
                        file.write(change)
                    else:
                        file.truncate(500)

            with pytest.raises(InputOutputError, match="while it was read"):
                in_pieces(text, 0, text.digits, 1, lambda slot, start, digits: None, take)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
@pytest.mark.parametrize("threads", [1, 3])
def test_pieces_are_all_digits_in_order(size, threads, write, digits_of, small_pieces):
    small_pieces(size)
    digits = digits_of(300)
    with DigitText(write(digits, "31")) as text:
        for first, stop in ((0, 300), (0, 1), (299, 300), (61, 62), (61, 130), (5, 295)):
            seen, told = [], []

            def take(start: int, piece: np.ndarray, made: int, seen: list = seen) -> None:
                assert made == start
                seen.append((start, piece.tobytes().decode()))

            in_pieces(text, first, stop, threads, lambda slot, start, piece: start, take, told.append)
            assert "".join(piece for _, piece in seen) == digits[first:stop]
            assert [start for start, _ in seen] == sorted({start for start, _ in seen}) and told[-1] == stop - first
            # Where text is at whole multiples, so that a compressed frame is read once.
            assert all((start + 3) % size == 0 for start, _ in seen[1:])


def test_the_base_is_told_by_name_or_letters(write, digits_of):
    cases = {("25", "1", "a.txt"): 10, ("25", "1", "a.hex.txt"): 16, ("2f", "1", "b.txt"): 16, ("25", "f", "c.txt"): 16,
             ("1" * (END_DIGITS - 3) + "a", "1", "d.txt"): 16}
    for (digits, whole, name), base in cases.items():
        with DigitText(write(digits, whole, name)) as text:
            assert (text.base, text.whole, text.digits) == (base, whole, len(digits))
