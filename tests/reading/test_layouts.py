"""Files that are not plain digits: every command ends with exit code 3 and says what they are and what to do."""

import bz2
import gzip
import lzma
import re
import subprocess

import numpy as np
import pytest
import zstandard

from bigconst.base.errors import InputOutputError
from bigconst.reading.source import DigitText
from bigconst.storage import layouts
from bigconst.storage.digitfile import all_digits, open_digits

DIGITS = "6180339887498948482045868343656381177203091798057628621354486227052604628189024497072072041893911374"
TEXT = f"1.{DIGITS}\n".encode()
LINES = [DIGITS[i:i + 50] for i in range(0, 100, 50)]
OTHERS = {
    "gzip": (gzip.compress(TEXT), "it is gzip; gunzip it first"),
    "xz": (lzma.compress(TEXT), "it is xz; unxz it first"),
    "bzip2": (bz2.compress(TEXT), "it is bzip2; bunzip2 it first"),
    "bzip2 of nothing": (bz2.compress(b""), "it is bzip2"),
    "zstandard twice": (zstandard.compress(zstandard.compress(TEXT)), "decompress it first with `zstd -d`"),
    "pzstd": (b"\x50\x2a\x4d\x18\4\0\0\0\x99\0\0\0" + zstandard.compress(TEXT), "decompress it with `zstd -d`"),
    "lz4": (b"\x04\x22\x4d\x18\x64\x40\xa7\x67", "it is lz4"),
    "compress": (b"\x1f\x9d\x90\x31\x5c", "uncompress it"),
    "zip": (b"PK\x03\x04\x14\0\0\0\x08\0", "unzip it"),
    "7z": (b"7z\xbc\xaf'\x1c\0\4", "7z x"),
    "RAR": (b"Rar!\x1a\x07\1\0", "unrar"),
    "tar": (b"phi.txt".ljust(257, b"\0") + b"ustar\0", "tar -xf"),
    "a part of .ycd": (b"#Compressed Digit File\r\n\r\nFileVersion:\t1.1.0\r\n", "is damaged, it has no end"),
    "PDF": (b"%PDF-1.4\n%\xe2\xe3\n", "it is PDF"), "PostScript": (b"%!PS-Adobe-3.0\n", "PostScript"),
    "RTF": (b"{\\rtf1\\ansi 1.618}", "it is RTF"), "PNG": (b"\x89PNG\r\n\x1a\n", "picture"),
    "UTF-32": (TEXT.decode().encode("utf-32"), "iconv -f UTF-32"),
    "UTF-16": (TEXT.decode().encode("utf-16"), "iconv -f UTF-16 "),
    "UTF-16LE": (TEXT.decode().encode("utf-16-le"), "iconv -f UTF-16LE"),
    "UTF-16BE": (TEXT.decode().encode("utf-16-be"), "iconv -f UTF-16BE"),
    "a mark": (b"\xef\xbb\xbf" + TEXT, "begins with a byte order mark; tail -c +4 FILE >NEW removes it"),
    "zeros": (bytes(5000), "begins with zero bytes"), "zeros behind": (TEXT[:50] + bytes(50), r"'\x00' as digit 49"),
    "a certificate": (b'{"format": "bigconst-certificate/1", "constant": "phi"', "it is a certificate"),
    "JSON": (b'{"schema": "bigconst-report/1"}', "it is JSON"), "a list": (b"[1, 6, 1, 8, 0]\n", "list of digits"),
    "Mathematica": (b"{{1, 6, 1, 8}, 1}", "list of digits"),
    "HTML": (b"<!DOCTYPE html><p>1.618</p>", "web page"), "HTML in lines": (b"\n <html>\n1.618", "web page"),
    "empty": (b"", "is empty"), "a newline": (b"\n", "is empty|white space"),
    "newlines": (b"\n" * 50, "nothing but white space"), "white": (b" \t\r\n \n", "nothing but white space"),
    "a space before": (b" " + TEXT, "begins with white space; (tr -d"), "a line before": (b"\r\n" + TEXT, "white"),
    "minus": (b"-" + TEXT, "a sign; remove it"), "a Unicode minus": ("\u2212".encode() + TEXT, "a sign; remove it"),
    "0x": (b"0x1.9e3779b97f\n", "begins with '0x'; remove '0x' before the digits"), "0X": (b"0X1.9E\n", "'0X'"),
    "a name": (b"phi = " + TEXT, "begins with 'phi = '; remove 'phi = ' before the digits"),
    "a name with digits": (b"sqrt(2): 1.41421\n", "remove 'sqrt(2): ' before"),
    "a sentence": (b"The golden ratio is " + TEXT, "remove 'The golden ratio is ' before"),
    "mpmath": (f"mpf('1.{DIGITS}')\n".encode(), "remove \"mpf('\" before"),
    "a decimal comma": (TEXT.replace(b".", b","), "it has a decimal comma; tr , . <FILE >NEW makes it a point"),
    "a short decimal comma": (b"1,618\n", "it has a decimal comma"),
    "thousands": (b"1,618,033,988\n", "commas between its digits"),
    "a list without brackets": (b"1, 6, 1, 8, 0, 3\n", "commas between its digits"),
    "thousands after the point": (b"1.618,033,988\n", "',' as digit 4 after the point"),
    "capitals": (b"6F.1B\n", "hexadecimal digits in upper case; tr A-F a-f"),
    "capitals after the point": (b"1.9E3779B97F4A7C15\n", "'E' as digit 2"),
    "no integer part": (TEXT[1:], "it has no integer part"), "full width": ("１.６１８\n".encode(), "not ASCII"),
    "a b-file": (b"1 1\n2 6\n3 1\n4 8\n", "table of positions and digits"),
    "a b-file from 0": (b"# A001622\n0 1\n1 6\n2 1\n3 8\n", "table of positions and digits"),
    "a space": (b"16180 33988\n", "character ' ' after '16180' is not a digit; there are spaces"),
    "a line of text before": (b"The golden ratio:\n" + TEXT, "begins with text in front of the digits; remove it"),
    "a page of text before": (b"PI\r\n\r\nby: many\r\n\r\n3.14159\r\n", "text in front of the digits"),
    "text": (b"Hello, world.\n", "does not begin with an integer part and a point"),
    "bc": (b"\\\n".join(TEXT[i:i + 69] for i in range(0, len(TEXT), 69)), "BC_LINE_LENGTH=0"),
    "text behind": (TEXT + b"\nEnd of the file\n", "something else after the digits"),
    "CRLF": (TEXT[:-1] + b"\r\n", r"'\r' as digit 101 after the point"),
    "CR": ("\r".join(["1.", *LINES, ""]).encode(), "carriage returns"),
    "lines": ("\n".join(["1.", *LINES, ""]).encode(), "spaces or line breaks"),
    "groups": (b"1.618 033 988\n", "' ' as digit 4"), "a blank line behind": (TEXT + b"\n", "spaces or line breaks"),
    "underscores": (b"1.618_033\n", "tr -d '_"), "NBSP": ("1.618\u00a0033\n".encode(), r"'\xa0' as digit 4"),
    "thin spaces": ("1.618\u2009033\n".encode(), r"'\u2009' as digit 4"),
    "dots": (TEXT[:-1] + b"...\n", "ellipsis"), "an ellipsis": (TEXT[:-1] + "…\n".encode(), "ellipsis"),
    "two points": (b"1.618.033\n", "second point"), "an exponent": (TEXT[:-1] + b"e+0\n", "exponent"),
    "a broken character": (TEXT[:50] + b"\xe2\x88" + TEXT[50:], r"'\xe2' as digit 49"),
    "Arabic digits": (TEXT[:50] + "\u0661\u0668\n".encode(), r"'\u0661' as digit 49"),
    "letters": (b"1.ghijkl\n", "'g' as digit 1 after the point"), "no digits": (b"1.\n", "no digits after the point"),
}
"""Content, and a part of what is said about it, by name."""


def reasons(path, base=10):
    """What is said by the way of `digits` and its like, and by that of `certify`."""
    with pytest.raises(InputOutputError) as read, DigitText(path):
        pass
    with pytest.raises(InputOutputError) as located, open_digits(path) as file:
        file.locate("1", base, None)
    return str(read.value), str(located.value)


@pytest.mark.parametrize("name", OTHERS)
def test_what_it_is_and_what_to_do(name, tmp_path):
    content, words = OTHERS[name]
    path = str(tmp_path / "x.hex.txt" if "E3779" in str(content) else tmp_path / "x.txt")
    (tmp_path / path).write_bytes(content)
    for said in reasons(path, 16 if path.endswith(".hex.txt") else 10):
        assert any(each in said for each in words.split("|")), said
        assert "\n" not in said and "; " in said and said.isascii()


@pytest.mark.parametrize("name", ["UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "a mark", "a line before", "bc", "CRLF",
                                  "CR", "lines", "a decimal comma", "underscores", "NBSP", "a b-file",
                                  "a list without brackets", "capitals after the point"])
def test_the_command_that_is_named_does_it(name, tmp_path):
    """Digits and a newline are left; some texts need an integer part and a point still."""
    path = tmp_path / "FILE"
    path.write_bytes(OTHERS[name][0])
    with pytest.raises(InputOutputError) as error, DigitText(str(path)):
        pass
    command = re.search(r"(?:\(|tr |tail |iconv |awk ).*>NEW", str(error.value))[0]
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    if done.returncode == 127:
        pytest.skip(done.stderr)
    assert done.returncode == 0, (command, done.stderr)
    left = (tmp_path / "NEW").read_bytes()
    assert re.fullmatch(rb"([0-9]\.)?[0-9a-f]+\n", left), (command, left)
    assert left.translate(None, b".\n")[:4] in (b"1618", b"6180", b"19e3")


def test_every_layout_has_an_example():
    def first(candidates, content):
        return next((each for each in candidates if re.match(each.pattern, content)), None)

    contents = [content for content, _ in OTHERS.values()]
    contents.append(zstandard.compress(TEXT))       # within another one
    seen = {first((*layouts.BEGINNINGS, layouts.TABLE), content) for content in contents}
    assert seen >= {*layouts.BEGINNINGS, layouts.TABLE}
    behind = [content[i:] for content in contents for i in range(len(content)) if content[i:i + 1] not in b"0123456789"]
    seen = {first([each for each in layouts.CHARACTERS if each.base in (None, base)], content)
            for base in (10, 16) for content in (*behind, b"c90fdaa22168", b"C90FDAA22168")}
    assert seen >= {*layouts.CHARACTERS}


@pytest.mark.parametrize("name", ["gzip", "a mark", "a name", "bc", "CRLF", "text behind", "a broken character"])
def test_every_command_ends_with_3(name, tmp_path, write, bigconst):
    path, good = str(tmp_path / "x"), write(DIGITS, "1")
    assert bigconst("certify", good, "--constant", "phi")[0] == 0
    with open(path, "wb") as file:
        file.write(OTHERS[name][0])
    before = sorted(tmp_path.iterdir())
    for command in (["certify", path, "--constant", "phi"], ["certify", path, "--constant", "phi", "--locate"],
                    ["verify", path, "--certificate", f"{good}.cert"],
                    ["verify", path, "--without-certificate", "--constant", "phi"], ["compare", path, good],
                    ["compare", good, path, "--prefix"], ["compare", path, path], ["digits", path],
                    ["find", path, "61"], ["stats", path], ["hash", path], ["plot", path, "--output", path + ".png"]):
        code, out, error = bigconst(*command)
        assert (code, out) == (3, ""), (command, error)
        assert OTHERS[name][1] in error and error.count("\n") == 1
        assert "do not use" not in error
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["a name", "a decimal comma", "bc", "a b-file", "text behind", "gzip", "newlines"])
def test_lenient_is_not_everything(name, tmp_path, bigconst):
    (tmp_path / "x").write_bytes(OTHERS[name][0])
    code, out, error = bigconst("certify", tmp_path / "x", "--constant", "phi", "--lenient")
    assert (code, out) == (3, "") and error.count("\n") == 1


def test_a_hexadecimal_file_is_not_wrong_for_base_10(write, bigconst):
    path = write("9e3779b97f4a7c15", "1")
    code, _, error = bigconst("certify", path, "--constant", "phi")
    assert code == 3 and "character 'e' as digit 2 after the point is not a digit of base 10; if it is hex" in error
    assert bigconst("certify", path, "--constant", "phi", "--base", 16)[0] == 0
    with open(path, "w") as file:
        file.write("19e3779b97f4a7c15\n")
    code, _, error = bigconst("certify", path, "--constant", "phi", "--force")
    assert code == 3 and "character 'e' after '19' is not a digit; if it is hexadecimal" in error


def test_lenient_white_space_may_be_long(write, bigconst):
    path = write("")
    for text in ("\n" * 5000 + f"1.{DIGITS}", "1" + " " * 5000 + f".{DIGITS}", f"1.{' ' * 5000}{DIGITS}{' ' * 5000}"):
        with open(path, "w") as file:
            file.write(text)
        assert bigconst("certify", path, "--constant", "phi", "--lenient", "--force")[0] == 0
        assert bigconst("verify", path)[0] == 0


@pytest.mark.parametrize("base", [10, 16])
def test_all_digits_is_about_all_of_them(base):
    right = b"0123456789abcdef"[:base]
    assert all_digits(np.frombuffer(right * 5, dtype=np.uint8), base) and all_digits(np.empty(0, dtype=np.uint8), base)
    for byte in range(256):
        for at in (0, 33, 79):
            text = np.frombuffer((right * 8)[:80], dtype=np.uint8).copy()
            text[at] = byte
            assert all_digits(text, base) == all_digits(text, base, np.empty(80, np.uint8)) == (byte in right)


# --- in the middle of a file -----------------------------------------------------------

@pytest.fixture
def files(write, digits_of):
    """A function of a base and of characters by position (from 1) that writes 12,000 digits with them."""
    def files(base: int, changes: dict[int, str], name: str = "") -> str:
        digits = [*digits_of(12_000, base)]
        for position, character in changes.items():
            digits[position - 1] = character
        return write("".join(digits), "1", name, base)

    return files


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("character", ["\r", " ", "/", ":", "@", "G", "`", "g", "\x7f"])
def test_equal_characters_are_not_equal_digits(character, base, files, small_pieces, bigconst):
    small_pieces(1000)
    a, b = files(base, {5555: character, 6001: character}), files(base, {5555: character}, "b.zst")
    other = files(base, {})
    for one, two, first in ((a, a, 5555), (a, b, 5555), (b, a, 5555), (a, other, 5555), (other, a, 5555)):
        code, out, error = bigconst("compare", one, two)
        assert (code, out) == (3, "")
        assert f"character {ascii(character)} as digit {first:,} after the point is not a digit of base {base}" in error


def test_what_is_behind_the_first_difference_does_not_matter(files, digits_of, bigconst):
    wrong = str((int(digits_of(12_000)[6_999]) + 1) % 10)
    a, b, c = files(10, {}), files(10, {7000: wrong, 7500: "x"}), files(10, {6500: "x", 7000: wrong})
    assert bigconst("compare", a, b)[0] == bigconst("compare", b, a)[0] == 1
    assert bigconst("compare", a, c)[0] == bigconst("compare", c, a)[0] == 3
    d = files(10, {7000: wrong, 7010: "x"})     # shown beside the difference
    code, out, error = bigconst("compare", a, d)
    assert (code, out) == (3, "") and "'x' as digit 7,010" in error


def test_digits_of_one_base_are_not_all_digits_of_the_other(files, bigconst):
    a, b = files(10, {6000: "a"}), files(10, {6000: "a"}, "x.hex.txt")
    for one, two in ((a, b), (b, a)):
        code, _, error = bigconst("compare", one, two)
        assert code == 3 and f"{a}: character 'a' as digit 6,000 after the point is not a digit of base 10" in error


@pytest.mark.parametrize("end", [b"\r\n", b"\n\n", b" \n", b"x\n", b"...\n"])
def test_positions_are_not_counted_in_files_that_end_otherwise(end, write, digits_of, bigconst):
    path = write(digits_of(12_000))
    with open(path, "rb") as file:
        content = file.read()
    with open(path, "wb") as file:
        file.write(content[:-1] + end)
    for command in (["digits", path], ["find", path, digits_of(12_000)[:5]], ["compare", path, write(digits_of(9000))]):
        code, out, error = bigconst(*command)
        assert (code, out) == (3, "") and "as digit 12,001 after the point" in error
