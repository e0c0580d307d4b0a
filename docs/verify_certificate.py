"""Verifies digits of phi or of a square root: python verify_certificate.py FILE [CERTIFICATE, default FILE.cert].

Written from certificate.md alone; needs the package xxhash.  Exit 0: right, 1: wrong, 3: no file of digits.
"""
import json
import re
import secrets
import sys
from math import isqrt
from pathlib import Path
from struct import iter_unpack, unpack

from xxhash import xxh3_128_hexdigest

FIELDS = dict(format=str, constant=str, base=int, digits=int, lenient=bool, version=str, text_xxh3=str, file_xxh3=str)
WORD = {10: "05d", 16: "04x"}  # how the c digits of a word are written

class Refused(Exception):
    """What is wrong with the digits or with their certificate."""

def demand(condition, message, kind=Refused):
    if not condition:
        raise kind(message)

def read_header(block):
    """The fields of the first 4096 bytes, and these bytes with the checksum of the file zeroed."""
    demand(re.fullmatch(rb"[ -~]{4095}\n", block), "the header is not one line of 4096 bytes of ASCII")
    try:
        pairs = json.loads(block, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        raise Refused("the header is not JSON") from None
    demand(type(pairs) is tuple and sorted(key for key, _ in pairs) == sorted(FIELDS), "the header has other keys")
    demand(all(type(value) is FIELDS[key] for key, value in pairs), "a field of the header has the wrong type")
    return dict(pairs), re.sub(rb'("file_xxh3" *: *")[0-9a-f]{32}"', rb"\g<1>" + b"0" * 32 + b'"', block)

def read_words(payload, base, n):
    """The digits of r, most significant first, from words that are stored from the other end."""
    c = len(format(0, WORD[base]))
    count = -(-(n + 6) // c)
    demand(len(payload) == (-(-count // 64) * 136 if base == 10 else -(-count // 4) * 8), "r has the wrong length")
    words = unpack(f"<{len(payload) // 2}H", payload)
    if base == 10:
        words = [w + (top >> j & 1) * 2**16 for *ws, top in iter_unpack("<64HQ", payload) for j, w in enumerate(ws)]
    demand(max(words) < base**c and not any(words[count:]), "a word of r is too large, or one behind r is not zero")
    return "".join(format(word, WORD[base]) for word in reversed(words[:count]))

def random_prime():
    """Uniform among the primes between 2^60 and 2^61: odd numbers until one passes Miller and Rabin's test 40 times."""
    while True:
        p = 2**60 + 1 + 2 * secrets.randbelow(2**59)
        twos = (p - 1 & 1 - p).bit_length() - 1
        witnesses = (pow(2 + secrets.randbelow(p - 3), p >> twos, p) for _ in range(40))
        if all(x == 1 or any(pow(x, 2**k, p) == p - 1 for k in range(twos)) for x in witnesses):
            return p

def parts(base, *numbers):
    """(b^k, next k digits of each number) from the most significant ones on; the numbers are of one length."""
    for i in range(0, len(numbers[0]), 1000):
        yield base ** len(numbers[0][i:i + 1000]), *(int(number[i:i + 1000], base) for number in numbers)

def verify(text_path, certificate_path):
    """One line about what was verified; Refused says what is wrong, OSError what cannot be read."""
    text, certificate = Path(text_path).read_bytes(), Path(certificate_path).read_bytes()
    header, zeroed = read_header(certificate[:4096])
    demand(xxh3_128_hexdigest(zeroed + certificate[4096:]) == header["file_xxh3"], "the certificate is damaged")
    known = re.fullmatch("phi|sqrt ([1-9][0-9]{0,9})", header["constant"])
    demand(header["format"] == "bigconst-certificate/1" and known, "unknown format or constant")
    phi, d, base, n = not known[1], int(known[1] or 1), header["base"], header["digits"]  # floor(phi) = floor(sqrt(1))
    demand(d < 2**31 and base in WORD and n >= 1, "impossible constant, base or number of digits")
    r = read_words(certificate[4096:], base, n)
    digits = (text.removeprefix(b"\xef\xbb\xbf").lower().translate(None, b" \t\r\n") if header["lenient"]
              else text.removesuffix(b"\n"))
    demand(re.fullmatch(rb"[0-9x]+(\.[0-9x]+)?".replace(b"x", b"a-f" * (base // 16)), digits), "not digits", OSError)
    demand(xxh3_128_hexdigest(text) == header["text_xxh3"], "the certificate belongs to another text")
    whole, before, F = format(isqrt(d), WORD[base][-1]).encode(), digits[:-n], digits[-n:]
    demand(len(F) == n and b"." not in F and before.removesuffix(b".") in (whole, b""), f"not {n} digits of it")
    P = (whole + F).decode().zfill(len(r))
    one, excess = ("1" + n * "0" if phi else "0").zfill(len(r)), 0
    for power, r_part, P_part, one_part in parts(base, r, P, one):  # excess = r - (2P - b^n), or r - 2P; once it is
        excess = max(-2, min(2, excess * power + r_part - 2 * P_part + one_part))  # 2 or -2 it keeps its sign
    demand(excess <= 0, "r exceeds its bound")  # and 0 <= r, it is stored without a sign
    primes = [random_prime() for _ in range(3)]
    for p in primes:
        P_residue = r_residue = 0
        for power, r_part, P_part in parts(base, r, P):
            P_residue, r_residue = (P_residue * power + P_part) % p, (r_residue * power + r_part) % p
        one = pow(base, n, p)
        difference = P_residue**2 + r_residue - one * (d * one + phi * P_residue)  # for phi d = 1
        demand(difference % p == 0, f"the identity is false modulo {p}")
    return f"{header['constant']}: {n} digits in base {base} are right modulo {', '.join(map(str, primes))}"

def main(file="", certificate=""):
    try:
        print(verify(file, certificate or file + ".cert"))
        return 0
    except (Refused, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1 if isinstance(error, Refused) else 3
if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
