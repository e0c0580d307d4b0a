"""`bigconst hash` against Python integers, hashlib and the report; `bigconst compare` with differences everywhere."""

import hashlib
import json

import pytest
import xxhash

NAMES = ("x.txt", "x.txt.zst", "x.ycd")


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("length", [1, 2, 99, 4100])
def test_hashes_are_those_of_others(length, name, base, write, digits_of, small_pieces, bigconst):
    small_pieces(1000)
    digits = digits_of(length, base) if length > 2 else "f" * length if base == 16 else "7" * length
    whole = "46340" if base == 10 else "b504"
    code, out, error = bigconst("hash", write(digits, whole, name, base), "--threads", 2)
    text = f"{whole}.{digits}\n".encode()
    assert (code, error) == (0, "")
    assert dict(line.split() for line in out.replace("Digit hash", "Digit-hash").splitlines()) == {
        "Digit-hash:": str(int(whole + digits, base) % (2**61 - 1)), "SHA-256:": hashlib.sha256(text).hexdigest(),
        "xxh3-128:": xxhash.xxh3_128_hexdigest(text)}


def test_the_digit_hash_is_that_of_the_report(tmp_path, bigconst):
    path, report = tmp_path / "phi.txt", tmp_path / "report.json"
    assert bigconst("phi", "--digits", 5000, "--output", path, "--json", report)[0] == 0
    out = bigconst("hash", path)[1]
    assert out.splitlines()[0].split()[-1] == str(json.loads(report.read_text())["digit_hash"])


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("size", [1, 3, 64, 5000])
def test_the_first_of_two_differences_is_told(size, threads, write, digits_of, small_pieces, bigconst):
    small_pieces(size)
    digits = digits_of(400)
    a = write(digits, "1")
    for at in (0, 1, 2, 61, 62, 63, 64, 198, 398, 399):
        changed = [*digits]
        for i in {at, 399}:
            changed[i] = str((int(digits[i]) + 1) % 10)
        b = write("".join(changed), "1")
        for one, two, other in ((a, b, changed), (b, a, changed)):
            code, out, error = bigconst("compare", one, two, "--threads", threads)
            assert code == 1 and f"differ at position {at + 1};" in error
            before = ("1." if at <= 20 else "..") + digits[max(0, at - 20):at]
            shown = dict(line.split() for line in out.splitlines())
            assert shown[a].startswith(f"{before}[{digits[at]}]{digits[at + 1:at + 21]}")
            assert shown[b].startswith(f"{before}[{other[at]}]{''.join(other[at + 1:at + 21])}")
            assert shown[a].endswith("..") == (at < 379)


@pytest.mark.parametrize("one", NAMES)
@pytest.mark.parametrize("two", NAMES)
def test_text_and_compressed_are_the_same(one, two, write, digits_of, bigconst):
    digits = digits_of((2 << 20) + 77)
    a, b = write(digits, name="a" + one), write(digits, name="b" + two)
    assert bigconst("compare", a, b) == (0, "the same 2,097,229 digits\n", "")
    wrong = write(digits[:-1] + str((int(digits[-1]) + 5) % 10), name="c" + two)
    code, out, error = bigconst("compare", a, wrong)
    assert code == 1 and "differ at position 2,097,229" in error
    assert out.splitlines()[0].endswith(f"..{digits[-21:-1]}[{digits[-1]}]")


def test_one_that_is_longer_is_not_the_same_unless_a_prefix_will_do(write, digits_of, bigconst):
    digits = digits_of(1000)
    a, b, c = write(digits[:900], "1"), write(digits, "1"), write("0" + digits[1:], "1" if digits[0] != "0" else "2")
    for one, two in ((a, b), (b, a)):
        code, out, error = bigconst("compare", one, two)
        told = f"{a} ends after 900 digits, {b} begins with them and has 1,000"
        assert (code, out) == (1, "") and error == f"bigconst: {told}; --prefix takes that as the same\n"
        assert bigconst("compare", one, two, "--prefix") == (0, told + "\n", "")
    assert bigconst("compare", a, c, "--prefix")[0] == 1


def test_other_integer_parts_are_another_number(write, bigconst):
    code, out, error = bigconst("compare", write("25", "1"), write("25", "2"), "--prefix")
    assert (code, out) == (1, "") and "integer parts differ: 1 in" in error
