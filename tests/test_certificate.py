"""Certificates against both verifiers, `bigconst verify` and docs/verify_certificate.py.

Large grids are whole for the first, and a sample for the second.

A damaged file has a checksum that is wrong.  A forger has recomputed all of them, so only the algebra and the exact
form are left to refuse it; every forged case shows first that the checksums are right.
"""

import ast
import dataclasses
import itertools
import json
import random
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from certificates import (
    ZEROS,
    assemble,
    bound,
    certificate,
    certificate_2,
    checksums_pass,
    digit_text,
    fields,
    fields_2,
    floor,
    folded,
    ladder,
    number_words,
    pack,
    put_word,
    refusal,
    remainder,
    words_of,
)

from bigconst import cli

SCRIPT = Path(__file__).parents[1] / "docs" / "verify_certificate.py"
STANDALONE = runpy.run_path(str(SCRIPT))
RADIX = {10: 10**5, 16: 2**16}
CONSTANTS = ["phi", "sqrt 2", "sqrt 3", "sqrt 12345", "sqrt 2147483647", "sqrt 1", "sqrt 4", "sqrt 2147395600"]
LENGTHS = [1, 2, 4, 5, 6, 9, 10, 99, 1000, 12345]
LAYOUTS = [("I.F", "\n"), ("I.F", ""), ("IF", "\n"), ("IF", ""), ("F", "\n"), ("F", "")]


# --- the two verifiers ----------------------------------------------------------------

def standalone(text, *other):
    return STANDALONE["main"](str(text), *map(str, other))


def program(text, *other):
    return cli.main(["verify", str(text), *(f"--certificate={path}" for path in other)])


SAMPLED = 7
"""Of so many cases of a large grid the standalone verifier gets one; the sizes of most grids have no factor 7."""


def grid(*axes) -> list[tuple]:
    """Parameters beginning with the verifier: all combinations for the program, a sample of them for the other."""
    cases = list(itertools.product(*axes))
    return [(program, *case) for case in cases] + [(standalone, *case) for case in cases[::SAMPLED]]


class Verifier:
    """A verifier, and the two files it is shown: `v(text, certificate)` is the exit code."""

    def __init__(self, main, folder, capsys):
        self.main, self.capsys = main, capsys
        self.every = SAMPLED if main is standalone else 1
        """Of so many cases within a test it gets one."""
        self.text, self.certificate = folder / "x.txt", folder / "x.txt.cert"
        self.said = ""

    def __call__(self, text: bytes, certificate: bytes) -> int:
        self.text.write_bytes(text)
        self.certificate.write_bytes(certificate)
        return self.paths(self.text)

    def paths(self, *paths) -> int:
        self.capsys.readouterr()
        code = self.main(*paths)
        _, self.said = self.capsys.readouterr()
        lines = [line for line in self.said.splitlines() if not line.startswith("compiling kernels")]
        assert len(lines) == (1 if code else 0), self.said
        assert "internal" not in self.said and "Traceback" not in self.said, self.said
        return code

    def forged(self, text: bytes, certificate: bytes) -> int:
        """As a call, for files whose checksums are right."""
        assert checksums_pass(text, certificate)
        return self(text, certificate)


@pytest.fixture(params=[standalone, program], ids=lambda main: main.__name__)
def verifier(request, tmp_path, capsys):
    return Verifier(request.param, tmp_path, capsys)


def right(constant, base, n):
    """(P, r, text, certificate)."""
    p = floor(constant, base, n)
    r = remainder(constant, base, n, p)
    text = digit_text(p, base, n)
    return p, r, text, certificate(constant, base, n, text, r)


# --- what is right --------------------------------------------------------------------

@pytest.mark.parametrize("verifier,base,constant", grid([10, 16], CONSTANTS), indirect=["verifier"])
def test_right_certificates_are_accepted(verifier, constant, base):
    for n in LENGTHS:
        text, file = right(constant, base, n)[2:]
        assert checksums_pass(text, file)
        assert verifier(text, file) == 0, verifier.said


@pytest.mark.parametrize("verifier,base,layout", grid([10, 16], LAYOUTS), indirect=["verifier"])
def test_layouts(verifier, layout, base):
    (layout, end), constants = layout, itertools.cycle(["phi", "sqrt 3", "sqrt 2147483647"])
    for n, constant in zip((1, 2, 7, 62, 63, 64, 65, 3000, 1, 2, 64, 66), constants, strict=False):
        p, r = right(constant, base, n)[:2]
        text = digit_text(p, base, n, layout, end)
        assert verifier(text, certificate(constant, base, n, text, r)) == 0, verifier.said
        assert verifier(text, certificate(constant, base, n, text, r, lenient=True)) == 0, verifier.said
        spaced = folded(text)
        assert verifier(spaced, certificate(constant, base, n, spaced, r, lenient=True)) == 0, verifier.said
        assert verifier.forged(spaced, certificate(constant, base, n, spaced, r)) == 3


@pytest.mark.parametrize("base, d, p", [(10, 26, 50), (16, 63, 126)])
def test_r_may_reach_its_bound(verifier, base, d, p):
    """51^2 = 26*10^2 + 1 and 127^2 = 63*16^2 + 1: r = 2P, and r = -1 for P + 1."""
    constant = f"sqrt {d}"
    assert remainder(constant, base, 1, p) == bound(constant, base, 1, p) == 2 * p
    text, file = right(constant, base, 1)[2:]
    assert text == digit_text(p, base, 1)
    assert verifier(text, file) == 0, verifier.said


def test_the_header_may_be_any_json_of_one_line(verifier):
    p, r, text, _ = right("phi", 10, 20)
    header, packed = fields("phi", 10, 20, text), pack(words_of(r, 10, 20), 10)
    for line in (json.dumps(header, separators=(",", ":")), json.dumps(dict(reversed(header.items()))),
                 json.dumps(header | {"version": "\u00e9\n \" \\ \ud800"}), json.dumps(header | {"version": ""}),
                 json.dumps(header | {"version": "file_xxh3"}), json.dumps(header, separators=(" , ", " : "))):
        assert verifier(text, assemble(line, packed)) == 0, (line, verifier.said)


def test_the_certificate_may_have_another_name(verifier, tmp_path):
    text, file = right("phi", 10, 20)[2:]
    (tmp_path / "a").write_bytes(text)
    (tmp_path / "b").write_bytes(file)
    assert verifier.paths(tmp_path / "a", tmp_path / "b") == 0
    assert verifier.paths(tmp_path / "a") == 3
    assert verifier.paths(tmp_path / "b", tmp_path / "a") == 1


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("constant", ["phi", "sqrt 7"])
def test_the_standalone_verifier_accepts_what_the_program_writes(constant, base, tmp_path):
    for n in (1, 5, 640, 12345):
        path = tmp_path / f"{n}.txt"
        command = [*constant.split(), "--digits", str(n), "--base", str(base), "--output", str(path)]
        assert cli.main(command) == 0
        assert standalone(path) == 0
        path.with_name(path.name + ".cert").unlink()
        assert cli.main(["certify", str(path), "--constant", constant, "--base", str(base)]) == 0
        assert standalone(path) == 0


# --- changed digits, changed words ----------------------------------------------------

def changed_texts(text: bytes, base: int, count: int, seed: int):
    """`count` texts with one digit after the point changed."""
    rng, changed = random.Random(seed), bytearray(text)
    for _ in range(count):
        i = rng.randrange(text.index(b".") + 1, len(text) - 1)
        changed[i] = rng.choice([c for c in b"0123456789abcdef"[:base] if c != text[i]])
        yield bytes(changed)
        changed[i] = text[i]


def changed_remainders(r: int, base: int, n: int, count: int, seed: int):
    """`count` packed r with one word replaced by another one below B."""
    rng, words = random.Random(seed), words_of(r, base, n)
    packed = bytearray(pack(words, base))
    for _ in range(count):
        j = rng.randrange(len(words))
        put_word(packed, base, j, rng.choice([w for w in (rng.randrange(RADIX[base]), 0, 1) if w != words[j]]))
        yield bytes(packed)
        put_word(packed, base, j, words[j])


def refuse_changes(verifier, constant, base, n, count, right_case):
    """Every one of `count` changed texts and r, or a sample, as they are and with all checksums recomputed."""
    _, r, text, file = right_case
    assert verifier(text, file) == 0
    count = -(-count // verifier.every)
    for changed in changed_texts(text, base, count, seed=n):
        assert verifier(changed, file) == 1
        assert verifier.forged(changed, certificate(constant, base, n, changed, packed=file[4096:])) == 1
    for packed in changed_remainders(r, base, n, count, seed=n + 1):
        assert verifier(text, file[:4096] + packed) == 1
        assert verifier.forged(text, certificate(constant, base, n, text, packed=packed)) == 1
    assert verifier(text, file) == 0


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("constant", ["phi", "sqrt 2", "sqrt 12345"])
def test_a_changed_digit_or_word_is_refused(verifier, constant, base):
    refuse_changes(verifier, constant, base, 700, 25, right(constant, base, 700))


@pytest.mark.slow
@pytest.mark.parametrize("base", [10, 16])
def test_hundreds_of_changed_digits_and_words_are_refused(verifier, base):
    refuse_changes(verifier, "phi", base, 2000, 100, right("phi", base, 2000))


@pytest.fixture(scope="module")
def million():
    return right("phi", 10, 10**6)


@pytest.mark.slow
def test_a_changed_digit_or_word_among_a_million_is_refused(verifier, million):
    refuse_changes(verifier, "phi", 10, 10**6, 35, million)


@pytest.mark.parametrize("base", [10, 16])
def test_any_changed_byte_of_a_text_is_refused(verifier, base):
    _, r, text, file = right("phi", base, 12)
    changes = [(i, byte) for i in range(len(text))
               for byte in sorted({*b"0918afAF.\n \0\xff_-", text[i] ^ 1, text[i] ^ 128} - {text[i]})]
    for i, byte in changes[::verifier.every]:
        changed = text[:i] + bytes([byte]) + text[i + 1:]
        assert verifier.forged(changed, certificate("phi", base, 12, changed, r)) == refusal(changed, base), changed
        assert verifier(changed, file) == refusal(changed, base), changed
    assert verifier(text, file) == 0


@pytest.mark.slow
@pytest.mark.parametrize("base", [10, 16])
def test_any_flipped_bit_of_a_certificate_is_refused(verifier, base):
    text, file = right("sqrt 2", base, 10)[2:]
    json_bits = 8 * len(file[:4096].rstrip())
    padding = random.Random(1).sample(range(json_bits, 8 * 4096), 200)
    r_bits = range(8 * 4096, 8 * len(file))
    for bit in [*range(json_bits), *padding, *r_bits][::verifier.every]:
        flipped = bytearray(file)
        flipped[bit // 8] ^= 1 << bit % 8
        assert verifier(text, bytes(flipped)) == 1, bit
        if bit in r_bits:
            assert verifier.forged(text, certificate("sqrt 2", base, 10, text, packed=bytes(flipped[4096:]))) == 1, bit


# --- the forger -----------------------------------------------------------------------

@pytest.mark.parametrize("verifier,n,constant,base", grid([1, 5, 50, 3000], ["phi", "sqrt 2", "sqrt 12345"], [10, 16]),
                         indirect=["verifier"])
def test_neighbours_of_the_right_p(verifier, constant, base, n):
    """P - 1 fits by the identity, and only the bound refuses it; P + 1 needs a negative r, which cannot be written."""
    p = floor(constant, base, n)
    for wrong in (p - 1, p + 1, p - 2, p + 7):
        r = remainder(constant, base, n, wrong)
        assert (r < 0) == (wrong > p) and abs(r) > (0 if r < 0 else bound(constant, base, n, wrong))
        text = digit_text(wrong, base, n)
        assert verifier.forged(text, certificate(constant, base, n, text, r)) == 1  # modulo B^L
        assert verifier.forged(text, certificate(constant, base, n, text, abs(r))) == 1
        assert verifier.forged(text, certificate(constant, base, n, text, 0)) == 1


@pytest.mark.parametrize("base", [10, 16])
def test_neighbours_of_the_right_r(verifier, base):
    for constant in ("phi", "sqrt 2", "sqrt 4"):
        _, r, text, _ = right(constant, base, 50)
        for wrong in (r + 1, r - 1, -r - 1, r + base**50, 2 * r + 1):
            assert verifier.forged(text, certificate(constant, base, 50, text, wrong)) == 1


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("n", [50, 5 * 64 - 6, 4 * 64 - 6])
def test_other_ways_to_write_r(verifier, base, n):
    """Among them the right r in another form."""
    _, r, text, _ = right("phi", base, n)
    words = words_of(r, base, n)
    packed = pack(words, base)
    group = 136 if base == 10 else 8
    spare = group // 2 - 4 * (base == 10)
    forms = [packed + bytes(group), packed + packed, bytes(group) + packed, packed + bytes(1), packed + bytes(8),
             packed[:-1], packed[:-8], packed[:-group], b"", bytes(len(packed)), packed[::-1], pack(words[::-1], base),
             pack(words + [1] * spare, base), pack(words + [0] * spare, base), pack([0, *words[:-1]], base)]
    for j in range(len(words), -(-len(words) // spare) * spare):
        forms.append(bytearray(packed))
        put_word(forms[-1], base, j, 1)
    if base == 10:
        carried = next(j for j in range(len(words)) if words[j] < 2**17 - 10**5 and words[j + 1])
        same = [*words[:carried], words[carried] + 10**5, words[carried + 1] - 1, *words[carried + 2:]]
        assert sum(w * 10 ** (5 * j) for j, w in enumerate(same)) == r
        forms += [pack(same, base), pack([10**5, *words[1:]], base), pack([2**17 - 1] * len(words), base)]
    for form in forms:
        assert verifier.forged(text, certificate("phi", base, n, text, packed=bytes(form))) == 1, forms.index(form)


@pytest.mark.parametrize("base", [10, 16])
def test_certificates_of_two_files_swapped(verifier, base):
    (_, r2, text2, file2), (_, r3, text3, file3) = right("sqrt 2", base, 300), right("sqrt 3", base, 300)
    assert len(text2) == len(text3) and len(file2) == len(file3)
    assert verifier(text2, file3) == verifier(text3, file2) == 1
    assert verifier(text2, file2[:4096] + file3[4096:]) == 1
    assert verifier.forged(text2, certificate("sqrt 2", base, 300, text2, r3)) == 1
    assert verifier.forged(text3, certificate("sqrt 3", base, 300, text3, r2)) == 1
    assert verifier.forged(text2, certificate("sqrt 3", base, 300, text2, r3)) == 1
    assert verifier.forged(text2, certificate("sqrt 3", base, 300, text2, r2)) == 1


@pytest.mark.parametrize("verifier,n,constant,base", grid([4, 5, 50, 313, 314], ["phi", "sqrt 2", "sqrt 12345"],
                                                          [10, 16]), indirect=["verifier"])
def test_n_off_by_one(verifier, constant, base, n):
    p, r, text, _ = right(constant, base, n)
    whole = p // base**n
    for other in (n - 1, n + 1):
        # header alone
        for kept in (r, remainder(constant, base, other, floor(constant, base, other))):
            assert verifier.forged(text, certificate(constant, base, other, text, kept)) == 1
        # text and header, with the old r
        q, s, short, _ = right(constant, base, other)
        assert verifier.forged(short, certificate(constant, base, other, short, r)) == 1
        # old header for the new text
        for kept in (r, s):
            assert verifier.forged(short, certificate(constant, base, n, short, kept)) == 1
        # the integer part taken for the first digit, and the other way round
        for layout in ("IF", "F"):
            moved = digit_text(p, base, n, layout)
            digits = moved[-other - 1:-1].rjust(other, b"0")
            claimed = whole * base**other + int(digits, base)
            for kept in (r, s, remainder(constant, base, other, claimed)):
                assert verifier.forged(moved, certificate(constant, base, other, moved, kept)) == 1
    # a last digit of zero, with r to match
    longer = digit_text(p * base, base, n + 1)
    fits = remainder(constant, base, n + 1, p * base)
    assert fits == base**2 * r
    assert verifier.forged(longer, certificate(constant, base, n + 1, longer, fits)) == (p * base != q)


def test_other_constant(verifier):
    for constant, others in (("phi", ["sqrt 1", "sqrt 2", "sqrt 3", "sqrt 5"]), ("sqrt 2", ["phi", "sqrt 3", "sqrt 1"]),
                             ("sqrt 4", ["sqrt 5", "sqrt 2147483647"]), ("sqrt 12345", ["sqrt 12346", "sqrt 12344"])):
        p, r, text, _ = right(constant, 10, 77)
        for other in others:
            for kept in (r, remainder(other, 10, 77, p), remainder(other, 10, 77, floor(other, 10, 77))):
                assert verifier.forged(text, certificate(other, 10, 77, text, kept)) == 1, other


def test_other_base(verifier):
    for base, other in ((10, 16), (16, 10)):
        _, r, text, _ = right("phi", base, 3)
        assert text in (b"1.618\n", b"1.9e3\n")
        read = int(text.translate(None, b".\n"), 16) % other**4
        for kept in (r, remainder("phi", other, 3, read), remainder("phi", other, 3, floor("phi", other, 3))):
            assert verifier.forged(text, certificate("phi", other, 3, text, kept)) == (1 if other == 16 else 3)


def test_true_claims_outside_the_format(verifier):
    """The algebra would pass all of these."""
    for d in (0, 2**31, 2**31 + 1, 2**32, 10**10):
        text, file = right(f"sqrt {d}", 10, 50)[2:]
        assert verifier.forged(text, file) == 1, d
    for constant in ("phi", "sqrt 2", "sqrt 1"):
        assert 0 <= remainder(constant, 10, 0, 1) <= bound(constant, 10, 0, 1)
        for text in (b"1", b"1\n", b"1.", b"1.\n", b"", b"\n"):
            for lenient in (False, True):
                assert verifier.forged(text, certificate(constant, 10, 0, text, lenient=lenient)) == 1, text
    text, file = right("sqrt 02", 10, 50)[2:]
    assert verifier.forged(text, file) == 1
    # 8 is not a base, whatever its words may be
    for base, like in ((8, 10), (8, 16), (2, 16)):
        p = floor("phi", base, 50)
        text, r = digit_text(p, base, 50), remainder("phi", base, 50, p)
        packed = pack(words_of(r, like, 50), like)
        assert verifier.forged(text, certificate("phi", base, 50, text, packed=packed)) == 1


@pytest.mark.parametrize("lenient", [False, True])
def test_texts_of_another_form(verifier, lenient):
    _, r, _, _ = right("phi", 10, 9)
    texts = [b"", b"\n", b"1", b"1.", b".", b"618", b"1,618033988\n", b".618033988", b"01.618033988", b"1..618033988",
             b"+1.618033988", b"-1.618033988", b"2.618033988", b"0.618033988", b"2618033988", b"11.618033988",
             b"1.618033988.", b"1.6180339887", b"1.61803398", b"1.618_033_988", b"1.61803398\0", b"1.618.33988",
             b"1.618\xef\xbb\xbf033988", b"\xef\xbb\xbf" * 2 + b"1.618033988", b"\xbb\xbf1.618033988",
             b"1.618033988\x0b", b"1.618033988\x0c", b"1.618033988\xa0",
             b"1\xc2\xa0.618033988", b"1.618033988\x1a", b"1.61803398\xd9\xa8", b"phi=1.618033988", b"1.618033988e0",
             b"1.618033988\n.", b"1618.033988", b"\n.618033988"]
    if not lenient:
        texts += [b"\xef\xbb\xbf1.618033988"]
        texts += [b"1.618033988\n\n", b"1.618033988\r\n", b" 1.618033988", b"\n1.618033988", b"1.618033988 ",
                  b"1.618 033988", b"1. 618033988\n", b"1.61803398\n", b"1 618033988", b"\n618033988", b"618033988\n\n",
                  b"1618033988\n\n", b"1.61803\n988\n"]
    for text in texts:
        code = verifier.forged(text, certificate("phi", 10, 9, text, r, lenient=lenient))
        assert code == refusal(text, 10, lenient), (text, verifier.said)


def test_capitals_are_digits_of_lenient_files_alone(verifier):
    for constant, old, new in (("phi", b"e", b"E"), ("sqrt 12345", b"6f.", b"6F."), ("phi", b"79b", b"79B")):
        _, r, text, _ = right(constant, 16, 9)
        capital = text.replace(old, new)
        assert capital != text
        assert verifier.forged(capital, certificate(constant, 16, 9, capital, r)) == 3
        assert verifier.forged(capital, certificate(constant, 16, 9, capital, r, lenient=True)) == 0, verifier.said
        assert verifier(text, certificate(constant, 16, 9, capital, r, lenient=True)) == 1      # another file
        other = capital.replace(b"9", b"G", 1)
        assert verifier.forged(other, certificate(constant, 16, 9, other, r, lenient=True)) == 3
    _, r, text, _ = right("phi", 10, 9)
    capital = text.replace(b"3", b"A", 1)
    assert verifier.forged(capital, certificate("phi", 10, 9, capital, r, lenient=True)) == 3


def test_a_byte_order_mark_is_skipped_in_lenient_files_alone(verifier):
    for base, constant in ((10, "phi"), (16, "sqrt 12345")):
        for layout in ("I.F", "IF", "F"):
            p, r = right(constant, base, 4000)[:2]
            text = b"\xef\xbb\xbf" + digit_text(p, base, 4000, layout, "\r\n")
            assert verifier.forged(text, certificate(constant, base, 4000, text, r)) == 3
            assert verifier.forged(text, certificate(constant, base, 4000, text, r, lenient=True)) == 0, verifier.said
            assert verifier(text[3:], certificate(constant, base, 4000, text, r, lenient=True)) == 1


# --- the header -----------------------------------------------------------------------

WRONG = {
    "format": ["", "bigconst-certificate/2", "bigconst-certificate/0", "bigconst-certificate/1 ",
               "BIGCONST-CERTIFICATE/1", 1, None, True, [], {}],
    "constant": ["", "Phi", "phi ", " phi", "phi\n", "pi", "sqrt", "sqrt ", "sqrt2", "sqrt  2", "sqrt 2 ", "sqrt 2\n",
                 "sqrt 02", "sqrt +2", "sqrt -2", "sqrt 0", "sqrt 2.0", "sqrt 2e0", "sqrt 0x2", "sqrt 1_0",
                 "sqrt \u0662", "sqrt 2147483648", "sqrt 9999999999", "sqrt " + "9" * 3000, "sqrt \ud800", "\0",
                 5, None, True, ["phi"], {"phi": 5}],
    "base": [True, 0, 1, 2, 8, 36, -10, -16, 10.0, 16.0, "10", None, [10], {}, 10**30, -(10**30), float("nan")],
    "digits": [True, False, 0, -1, -2, 2, 3, 1.0, "1", None, [1], {}, 2**31, 2**63 - 1, 2**63, 2**64 + 1, 10**18,
               10**19, -(10**30), 10**3000, float("inf"), float("nan"), 1e18, 1e300],
    "lenient": [0, 1, None, "false", "", [], {}, 0.0],
    "version": [0, None, True, [], ["0"], {}, {"a": 1}, 1.5],
    "text_xxh3": ["", "0" * 31, "0" * 33, ZEROS, "g" * 32, " " * 32, "\u00e9" * 32, 0, None, True, [], {}],
    "file_xxh3": ["", "0" * 31, "1" * 32, "F" * 32, "g" * 32, 0, None, True, [], {}],
}


@pytest.mark.parametrize("key", WRONG)
def test_wrong_fields(verifier, key):
    """For n = 1, which is True for Python; r stays as it is."""
    for constant, n in (("phi", 1), ("sqrt 2", 10)):
        _, r, text, file = right(constant, 10, n)
        packed = pack(words_of(r, 10, n), 10)
        assert verifier(text, file) == 0
        for value in WRONG[key]:
            forged = certificate(constant, 10, n, text, packed=packed, **{key: value})
            assert verifier(text, forged) == 1, value
            if not key.endswith("_xxh3"):
                assert checksums_pass(text, forged)


def test_checksums_in_capitals(verifier):
    text, file = right("phi", 10, 10)[2:]
    header = json.loads(file[:4096])
    for key in ("text_xxh3", "file_xxh3"):
        assert header[key] != header[key].upper()
        assert verifier(text, file.replace(header[key].encode(), header[key].upper().encode())) == 1
    packed = file[4096:]
    upper = json.dumps(header | {"text_xxh3": header["text_xxh3"].upper(), "file_xxh3": ZEROS})
    assert verifier(text, assemble(upper, packed)) == 1


def test_missing_more_and_double_keys(verifier):
    _, r, text, _ = right("phi", 10, 10)
    packed = pack(words_of(r, 10, 10), 10)
    header = fields("phi", 10, 10, text)
    whole = json.dumps(header)
    for key, value in header.items():
        lines = [json.dumps({k: v for k, v in header.items() if k != key}),
                 json.dumps({k + "s" * (k == key): v for k, v in header.items()}),
                 json.dumps({k.upper() if k == key else k: v for k, v in header.items()}),
                 whole[:-1] + f", {json.dumps(key)}: {json.dumps(value)}}}",
                 "{" + f"{json.dumps(key)}: null, " + whole[1:],
                 whole[:-1] + f', "extra": {json.dumps(value)}}}',
                 whole[:-1] + f', "": {json.dumps(value)}}}']
        for line in lines:
            assert verifier(text, assemble(line, packed)) == 1, line
    assert verifier(text, assemble(whole, packed)) == 0


def test_headers_that_are_none(verifier):
    _, r, text, file = right("phi", 10, 10)
    packed = pack(words_of(r, 10, 10), 10)
    header = fields("phi", 10, 10, text)
    whole = json.dumps(header)
    lines = ["", "{", "}", "{}", "[]", "null", "1", '"phi"', "[" * 4095, "{" * 4095, '{"a":' * 800,
             "[" * 2047 + "]" * 2047, '{"a":' * 600 + "1" + "}" * 600, '"' + "\\" * 4093, "9" * 4095, "-" * 4095,
             "1e" + "9" * 4000, f"[{whole}]", json.dumps(list(header.items())), json.dumps(list(header)), whole[:-1],
             whole[1:], whole + "}", whole + whole, whole + ",", whole + " x", whole[:-1] + ",}",
             whole.replace('"', "'"), whole + " // phi", whole.replace("false", "False"),
             whole.replace(": 10", ": 010"), whole.replace(": 10", ": +10"), whole.replace(": 10", ": 1e1"),
             whole.replace(": 10", ": 10."), whole.replace(": 10", ": 0xa"),
             whole.replace('"version": "0"', '"version": ' + "[" * 1500 + "]" * 1500),
             whole.replace('"version": "0"', '"version": ' + '{"a":' * 500 + "0" + "}" * 500),
             whole.replace('"version": "0"', '"version": "\t"'), whole.replace('"version": "0"', '"version": "\0"'),
             whole.replace('"version": "0"', '"version": "\u00e9"').encode(),
             whole.replace('"version": "0"', '"version": "\u00e9"').encode("latin-1"), b"\xef\xbb\xbf" + whole.encode(),
             whole.encode("utf-16"), whole.encode("utf-32"), whole.encode() + b"\0",
             whole.encode().ljust(4094) + b"\xff", bytes(4095), b"\xff" * 4095, whole.replace(", ", ",\n"),
             whole.replace(", ", ",\r"), whole.replace(", ", ",\t"), whole.ljust(4095, "\t"), whole + "\n",
             whole.ljust(4094) + "\n", "\n" + whole]
    for line in lines:
        forged = assemble(line, packed)
        assert len(forged) == len(file)
        assert verifier(text, forged) == 1, line
    assert verifier(text, assemble(whole.ljust(4096), packed)) == 1
    assert verifier(text, assemble(whole, b" " + packed)) == 1
    for block in (whole.encode() + b"\n", whole.encode().ljust(4096), whole.encode().ljust(4097)):
        assert verifier(text, block + packed) == 1


# --- statements -----------------------------------------------------------------------

def lying(claim) -> list[tuple[str, dict]]:
    """What may be wrong with a ladder's header, and the fields to be changed for it."""
    told, numbers = claim.parameters(), [[name, digits] for name, digits, _ in claim.numbers()]
    (rv, rv_digits), (ru, ru_digits) = numbers
    cases = [("statement", value) for value in (
        "Ladder", "ladder ", "", "remainder", "series", None, 1, True, ["ladder"], {"ladder": 1})]
    cases += [("parameters", value) for value in (
        {}, None, 1, "", [], [[key, value] for key, value in told.items()], told | {"extra": 1}, told | {"": 1})]
    for key in told:
        cases.append(("parameters", {name: value for name, value in told.items() if name != key}))
        cases.append(("parameters", {name + "_" * (name == key): value for name, value in told.items()}))
        other = int(told["L"]) if key == "L" else str(told[key])
        cases += [("parameters", told | {key: value})
                  for value in (None, True, 1.0, [], {}, "", 10**300, -10**300, float("nan"), other)]
    cases += [("parameters", told | {"L": value}) for value in (
        "0" + told["L"], "-" + told["L"], "+" + told["L"], told["L"] + " ", told["L"] + ".0", "1e9", "0x10", "1_0",
        "\u0661\u0662", "9" * 45, "9" * 46, "9" * 3000, "0", "1")]
    cases += [("numbers", value) for value in (
        [], None, {}, "", 1, {"rv": rv_digits, "ru": ru_digits}, numbers[::-1], numbers[:1], numbers[1:],
        [*numbers, numbers[0]], [*numbers, ["r", 1]], [*numbers, ["r", 0]], [["r", claim.n + 6]],
        [["rv", rv_digits + 1], numbers[1]], [["rv", rv_digits - 1], numbers[1]], [numbers[0], ["ru", ru_digits + 5]],
        [["ru", rv_digits], ["rv", ru_digits]], [["", rv_digits], ["", ru_digits]], [[rv_digits, "rv"], numbers[1]],
        [["rv", str(rv_digits)], numbers[1]], [["rv", float(rv_digits)], numbers[1]], [["rv"], numbers[1]],
        [["rv", rv_digits, 0], numbers[1]], [["rv", 10**300], numbers[1]], [["rv", True], numbers[1]], [None, None])]
    return cases


@pytest.mark.parametrize("base", [10, 16])
def test_statements_that_are_not_of_the_documented_form(verifier, base):
    claim = ladder("phi", base, 2500)
    text, right_file = digit_text(claim.P, base, claim.n), claim.file(digit_text(claim.P, base, claim.n))
    assert verifier.forged(text, right_file) == 0
    for key, value in lying(claim)[base // 16::1 + (verifier.every > 1) * 2]:
        assert verifier.forged(text, claim.file(text, **{key: value})) == 1, (key, value)
    whole = json.dumps(fields_2("phi", base, claim.n, text, "ladder", claim.parameters(), claim.numbers()))
    packed = right_file[4096:]
    for line in (whole.replace('"k":', f'"k": {claim.k}, "k":'), whole.replace('"k":', '"h": 1, "k":'),
                 whole.replace('"s":', '"\\u0073":'), whole.replace('"statement"', '"Statement"'),
                 whole.replace("certificate/2", "certificate/1"),
                 whole.replace("certificate/2", "certificate/3"), whole.replace('"statement": "ladder", ', "")):
        expected = 0 if "u0073" in line else 1      # an escape is JSON
        assert verifier(text, assemble(line, packed)) == expected, line


@pytest.mark.parametrize("base", [10, 16])
def test_numbers_that_are_not_of_the_documented_form(verifier, base):
    claim = ladder("sqrt 12345", base, 2500)
    text, w = digit_text(claim.P, base, claim.n), {10: 5, 16: 4}[base]
    line = json.dumps(fields_2(claim.constant, base, claim.n, text, "ladder", claim.parameters(), claim.numbers()))
    packed = [pack(number_words(value, base, digits), base) for _, digits, value in claim.numbers()]
    assert verifier(text, assemble(line, b"".join(packed))) == 0
    forged = [packed[0], packed[1], b"".join(packed[::-1]), b"".join(packed) + bytes(8), b"".join(packed)[:-8],
              packed[0] + bytes(136) + packed[1], packed[0] + packed[1][:-136 if base == 10 else -8]]
    for at, (_, digits, _) in enumerate(claim.numbers()):
        count, top = -(-digits // w), (8, 2)[at]
        changes = [(count - 1, top), (count - 1, 2**16 - 1)]
        if base == 10:
            changes += [(0, 10**5), (0, 2**17 - 1), (count // 2, 10**5)]
        if count % (64 if base == 10 else 4):
            changes.append((count, 1))
        for j, word in changes:
            changed = bytearray(packed[at])
            put_word(changed, base, j, word)
            forged.append(bytes(changed) + packed[1] if at == 0 else packed[0] + bytes(changed))
    for numbers in forged:
        assert verifier(text, assemble(line, numbers)) == 1


def test_a_ladder_of_a_perfect_square(verifier):
    claim = ladder("sqrt 50", 10, 2500)
    for constant, n in (("sqrt 49", 2500), ("sqrt 1", 2500), ("sqrt 2147395600", 2500)):
        p = floor(constant, 10, n)
        text = digit_text(p, 10, n)
        assert verifier.forged(text, dataclasses.replace(claim, constant=constant, P=p).file(text)) == 1


@pytest.mark.parametrize("constant,base,n", [("phi", 10, 1), ("sqrt 49", 16, 700), ("sqrt 2147483647", 10, 3001)])
def test_remainders_of_format_2(verifier, constant, base, n):
    p, r, text, _ = right(constant, base, n)
    made = certificate_2(constant, base, n, text, "remainder", {}, [("r", n + 6, r)])
    assert verifier.forged(text, made) == 0, verifier.said
    for wrong in ({"parameters": {"k": 1}}, {"parameters": {"h": 1}}, {"parameters": None}, {"numbers": [["r", n + 5]]},
                  {"numbers": [["R", n + 6]]}, {"statement": "ladder"}):
        assert verifier.forged(text, certificate_2(constant, base, n, text, "remainder", {}, [("r", n + 6, r)],
                                                   **wrong)) == 1
    assert verifier.forged(text, certificate_2(constant, base, n, text, "remainder", {}, [("r", n + 6, r + 1)])) == 1


# --- files ----------------------------------------------------------------------------

def test_damaged_files(verifier):
    text, file = right("phi", 10, 10)[2:]
    for length in (0, 1, 2, 100, 4095, 4096, 4097, len(file) - 8, len(file) - 1):
        assert verifier(text, file[:length]) == 1, length
    for more in (b"\0", b"\n", bytes(8), bytes(136), b"x" * 5000):
        assert verifier(text, file + more) == 1
    for length in range(len(text)):
        wrong = refusal(text[:length], 10)
        assert verifier(text[:length], file) == wrong
        whole = length + 1 == len(text)
        assert verifier.forged(text[:length], certificate("phi", 10, 10, text[:length])) == (0 if whole else wrong)
    for more in (b"\n", b" ", b"0", b"\0", b"x" * 5000):
        longer = text[:-1] + more if more == b"0" else text + more
        assert verifier(longer, file) == refusal(longer, 10)
        assert verifier.forged(longer, certificate("phi", 10, 10, longer)) == refusal(longer, 10)
    assert verifier(b"", b"") == verifier(text, b"") == verifier(text, text) == 1
    assert verifier(file, file) == 3


def test_files_that_cannot_be_read(verifier, tmp_path):
    text, file = right("phi", 10, 10)[2:]
    assert verifier(text, file) == 0
    nothing, folder = tmp_path / "nothing", tmp_path / "folder"
    folder.mkdir()
    assert verifier.paths(nothing) == verifier.paths(nothing, verifier.certificate) == 3
    assert verifier.paths(verifier.text, nothing) == 3
    assert verifier.paths(folder) == verifier.paths(folder, verifier.certificate) == 3
    assert verifier.paths(verifier.text, folder) == 3
    assert verifier.paths(verifier.text / "below") == 3
    assert verifier.paths(tmp_path / ("n" * 300)) == 3
    verifier.certificate.unlink()
    assert verifier.paths(verifier.text) == 3


# --- the script itself ----------------------------------------------------------------

def test_the_script_is_short_and_stands_alone():
    source = SCRIPT.read_text()
    assert len(source.splitlines()) <= 260
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    assert imported - {"xxhash"} <= sys.stdlib_module_names
    assert "bigconst" not in imported


def test_the_script_runs(tmp_path):
    text, file = right("sqrt 2", 16, 1000)[2:]
    path = tmp_path / "sqrt2.hex.txt"
    path.write_bytes(text)
    command = [sys.executable, SCRIPT, path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "") and done.stderr.count("\n") == 1
    (tmp_path / "sqrt2.hex.txt.cert").write_bytes(file)
    seen = set()
    for extra in ([], [tmp_path / "sqrt2.hex.txt.cert"]):
        done = subprocess.run([*command, *extra], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        primes = [int(word.strip(",")) for word in done.stdout.split()[-3:]]
        assert all(2**60 < p < 2**61 for p in primes)
        seen |= {*primes}
    assert len(seen) == 6
    path.write_bytes(text[:-2] + b"\n")
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "") and done.stderr.count("\n") == 1
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True)
    assert done.returncode == 3 and done.stderr.count("\n") == 1
