"""Files that are not plain digits: which layout they have, and what to do about it.

The one place that knows other layouts.  It is asked, and imported, when something in a file is no digit: a file of
plain digits costs nothing here.  Shell commands in the remedies take the text from FILE and write NEW.
"""

import re
from dataclasses import dataclass

import numpy as np

from bigconst.base.errors import InputOutputError
from bigconst.base.units import format_count

_CONTEXT_BYTES = 64
"""Bytes after a character that is no digit by which it is recognized."""


@dataclass(frozen=True)
class TextLayout:
    """What a text is, or what a character in it means, where it matches `pattern`."""

    pattern: bytes
    what: str
    """predicate of a sentence, or a half-sentence in front of the remedy; {} is group 1 of the pattern"""
    remedy: str
    base: int | None = None
    """the only base for which it is meant"""


_LENIENT = "`bigconst certify --lenient` reads them"
_NO_SPACES = rf"(tr -d ' \t\r\n' <FILE; echo) >NEW removes them, {_LENIENT}"
_NO_COMMAS = r"(tr -d ', \t\r\n' <FILE; echo) >NEW removes them"
_LOWER = f"tr A-F a-f <FILE >NEW makes them lower case, {_LENIENT}"
_UNFINISHED = "copy it again, its copy or download was cut off"
_AS_TEXT = "save the digits alone, as plain text"

BEGINNINGS = (
    TextLayout(rb"\x1f\x8b", "is gzip", "gunzip it first"),
    TextLayout(rb"\xfd7zXZ\0", "is xz", "unxz it first"),
    TextLayout(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", "is bzip2", "bunzip2 it first"),
    TextLayout(rb"\x28\xb5\x2f\xfd", "is zstandard within zstandard", "decompress it with `zstd -d`"),
    TextLayout(rb"[\x50-\x5f]\x2a\x4d\x18", "is zstandard that begins with a skippable frame",
               "decompress it with `zstd -d`"),
    TextLayout(rb"\x04\x22\x4d\x18", "is lz4", "unlz4 it first"),
    TextLayout(rb"\x1f[\x9d\xa0]", "is compressed by `compress`", "uncompress it first"),
    TextLayout(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", "is a zip archive, or a document of an office program",
               "unzip it, or save the document as plain text"),
    TextLayout(rb"7z\xbc\xaf'\x1c", "is a 7z archive", "extract the digits with `7z x`"),
    TextLayout(rb"Rar!\x1a\x07", "is a RAR archive", "extract the digits with `unrar x`"),
    TextLayout(rb"(?s:.{257})ustar", "is a tar archive", "extract the digits with `tar -xf`"),
    TextLayout(rb"#Compressed Digit File", "is .ycd within zstandard", "decompress it with `zstd -d`"),
    TextLayout(rb"%PDF-|%!PS", "is PDF or PostScript", _AS_TEXT),
    TextLayout(rb"\{\\rtf", "is RTF", _AS_TEXT),
    TextLayout(rb"\x89PNG|\xff\xd8\xff|GIF8", "is a picture", "name a file with the digits as text"),
    TextLayout(rb"\xff\xfe\0\0|\0\0\xfe\xff", "is text in UTF-32", "iconv -f UTF-32 -t ASCII FILE >NEW makes it plain"),
    TextLayout(rb"\xff\xfe|\xfe\xff", "is text in UTF-16", "iconv -f UTF-16 -t ASCII FILE >NEW makes it plain"),
    TextLayout(rb"[\t-~]\0[\t-~]\0", "is text in UTF-16", "iconv -f UTF-16LE -t ASCII FILE >NEW makes it plain"),
    TextLayout(rb"\0[\t-~]\0[\t-~]", "is text in UTF-16", "iconv -f UTF-16BE -t ASCII FILE >NEW makes it plain"),
    TextLayout(rb"\xef\xbb\xbf", "begins with a byte order mark",
               "tail -c +4 FILE >NEW removes it, `bigconst certify --lenient` reads it"),
    TextLayout(rb"\0", "begins with zero bytes", _UNFINISHED),
    TextLayout(rb'\{[^{}]{0,200}"bigconst-certificate', "is a certificate", "name the file of the digits"),
    TextLayout(rb'\s*[\[{]\s*"', "is JSON", "name a file of the digits alone"),
    TextLayout(rb"\s*[\[{(]+\s*\d\s*,", "is a list of digits", "write them in one line without brackets and commas"),
    TextLayout(rb"\s*<[!?a-zA-Z]", "is a web page, or XML", _AS_TEXT),
    TextLayout(rb"\s+\Z", "holds nothing but white space", "name another file"),
    TextLayout(rb"[ \t\r\n]+[0-9a-fA-F.]", "begins with white space", _NO_SPACES),
    TextLayout(rb"(?:[+-]|\xe2\x88\x92)[0-9a-fA-F]", "begins with a sign", "remove it"),
    TextLayout(rb"(0[xX])", "begins with {}", "remove {} before the digits"),
    TextLayout(rb"[0-9a-f]+,\s?[0-9a-f]+,", "has commas between its digits", _NO_COMMAS),
    TextLayout(rb"[0-9a-f]+,[0-9a-f]", "has a decimal comma", "tr , . <FILE >NEW makes it a point"),
    TextLayout(rb"(?=[0-9a-f]*[A-F])[0-9a-fA-F]+(?:\.|[0-9a-fA-F]{8}|\s*\Z)", "has hexadecimal digits in upper case",
               _LOWER),
    TextLayout(rb"\.[0-9a-f]", "has no integer part", "write it before the point"),
    TextLayout(rb"([ -~]{0,80}?[ -/:-@[-`{-~]|[G-Zg-z]+)[0-9a-fA-F]+[.,]", "begins with {}",
               "remove {} before the digits"),
    TextLayout(rb"(?:[^\n]*\n){1,40}\s*[0-9a-f]{1,10}\.[0-9a-f]{4}", "begins with text in front of the digits",
               "remove it"),
    TextLayout(rb"[\x80-\xff]", "begins with a character that is not ASCII",
               "write digits as 0 to 9, and as a to f in lower case"),
)
"""Beginnings of texts that are no digits; the first that matches counts."""

TABLE = TextLayout(rb"(?:#[^\n]*\n)*(?:0 \d\r?\n)?1 \d\r?\n2 \d\r?\n3 \d(?:\s|\Z)",
               "is a table of positions and digits, like the b-files of OEIS",
               """keep the second column alone: awk '!/#/ {printf "%s", $2} END {print ""}' FILE >NEW""")
"""A text that is digits and white space all the same."""

CHARACTERS = (
    TextLayout(rb"\\", "bc breaks lines with a backslash",
               r"set BC_LINE_LENGTH=0 for bc, or (tr -d '\\\r\n' <FILE; echo) >NEW"),
    TextLayout(rb"\s+[0-9A-Fa-f]*[^\s0-9A-Fa-f\\,]", "there is something else after the digits", "remove it"),
    TextLayout(rb"\r", "there are carriage returns at the ends of lines", _NO_SPACES),
    TextLayout(rb"\s", "there are spaces or line breaks among the digits", _NO_SPACES),
    TextLayout(rb",", "there are commas between the digits", _NO_COMMAS),
    TextLayout(rb"[_';]", "there is something between the digits",
               r"(tr -d '_\047; \t\r\n' <FILE; echo) >NEW removes it"),
    TextLayout(rb"\xc2\xa0|\xe2\x80[\x80-\x8f\xaf]", "there are spaces beyond ASCII between the digits",
               "(LC_ALL=C tr -cd 0-9a-f. <FILE; echo) >NEW removes them"),
    TextLayout(rb"\.\.|\xe2\x80\xa6", "the digits end with an ellipsis", "remove it"),
    TextLayout(rb"\.", "there is a second point", "remove all but the first one"),
    TextLayout(rb"\0", "there are zero bytes in place of digits", _UNFINISHED),
    TextLayout(rb"(?:[eEpP][+-]?|[+-])\d{1,9}[\s'\")]*\Z",
               "the digits end with an exponent", "remove it and place the point"),
    TextLayout(rb"[A-F]", "these are hexadecimal digits in upper case", _LOWER, 16),
    TextLayout(rb"[A-F](?:[0-9A-F]{7}|[0-9A-F]*\s*\Z)", "if it is hexadecimal",
               "tr A-F a-f <FILE >NEW makes it lower case, `bigconst certify` has --lenient --base 16", 10),
    TextLayout(rb"[a-f](?:[0-9a-f]{7}|[0-9a-f]*\s*\Z)", "if it is hexadecimal",
               "certify and verify have --base 16, and the other commands tell by a name with .hex.txt", 10),
    TextLayout(rb"[\x80-\xff]", "it is not ASCII", "write digits as 0 to 9, and as a to f in lower case"),
)
"""Characters among digits, with what follows them; the first that matches counts."""

_DAMAGED = "the file is damaged there, or does not hold digits alone"


def unreadable(path: str, head: bytes, content: bytes, base: int = 16) -> InputOutputError:
    """The error for a text that does not begin with digits of `base`.

    `head` is its beginning, or all of it; `content` is what counts of that: of a lenient text, no white space.
    """
    if not head:
        #: This is not a digit file: an integer part, a point, the digits, a newline, and nothing else. `bigconst
        #: certify --lenient` reads others.
        return InputOutputError(f"{path} is empty", "name another file")
    for layout in (*BEGINNINGS, TABLE):
        if found := re.match(layout.pattern, head):
            return _is(path, layout, found)
    digits = len(content) - len(content.lstrip(b"0123456789abcdef"[:base]))
    if 0 < digits < len(content.rstrip(b"\n")) and content[digits:digits + 1] != b".":
        name, remedy = _character(np.frombuffer(content, dtype=np.uint8), digits, base)
        #: As for "…: character … as digit … after the point is not a digit of base …".
        before = content[:digits][-20:].decode("ascii")
        return InputOutputError(f"{path}: character {name} after {before!r} is not a digit", remedy)
    #: As for "… is empty".
    return InputOutputError(f"{path} does not begin with an integer part and a point",
                            "name a file of integer part, point, digits and a newline, as bigconst writes it")


def table(path: str, head: bytes) -> InputOutputError | None:
    """The error for a text of digits and white space that is a table of positions and digits."""
    found = re.match(TABLE.pattern, head)
    return _is(path, TABLE, found) if found else None


def foreign(path: str, characters: np.ndarray, at: int, position: int, base: int) -> InputOutputError:
    """The error for characters[at] (uint8), which is at `position` (from 1) after the point and no digit of `base`."""
    name, remedy = _character(characters, at, base)
    #: The file is damaged there, or is not a digit file. Hexadecimal digits are lower case; without a letter among the
    #: first 4096 digits they are taken for decimal ones, unless the file is named `.hex.txt`.
    return InputOutputError(f"{path}: character {name} as digit {format_count(position)} after the point is not a "
                            f"digit of base {base}", remedy)


def _is(path: str, layout: TextLayout, found: re.Match[bytes]) -> InputOutputError:
    shown = repr(found[1].decode("ascii")) if found.re.groups else ""
    #: The file has another layout, which the message names. What is read is an integer part, a point, the digits, a
    #: newline, and nothing else; `bigconst certify --lenient` reads some other layouts.
    return InputOutputError(f"{path} cannot be read as digits, it {layout.what.format(shown)}",
                            layout.remedy.replace("{}", shown))


def _character(characters: np.ndarray, at: int, base: int) -> tuple[str, str]:
    """characters[at] in quotation marks and ASCII, and what it means and what to do."""
    context = characters[at:at + _CONTEXT_BYTES].tobytes()
    name = ascii(context[:1].decode("latin-1"))
    for length in (2, 3, 4):
        try:
            name = ascii(context[:length].decode()) if context[0] >= 0xC0 else name
            break
        except UnicodeDecodeError:
            continue
    for layout in CHARACTERS:
        if layout.base in (None, base) and re.match(layout.pattern, context):
            return name, f"{layout.what}: {layout.remedy}"
    return name, _DAMAGED
