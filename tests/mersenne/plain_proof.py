"""A checker of proof files in plain integers, written from the description of the format alone."""

import hashlib


def check(data: bytes) -> tuple[int, int, bool, int]:
    """(exponent, power, whether the proof holds, residue of type 1)."""
    first, version, size, power, number, rest = data.split(b"\n", 5)
    assert (first, version) == (b"PRP PROOF", b"VERSION=2") and number.startswith(b"NUMBER=M")
    bits, k, p = (int(line.split(b"=")[1].lstrip(b"M")) for line in (size, power, number))
    width, modulus = (p + 7) // 8, 2**p - 1
    assert len(rest) == (k + 1) * width
    residues = [int.from_bytes(rest[i * width:(i + 1) * width], "little") for i in range(k + 1)]
    digest = hashlib.sha3_256(rest[:width]).digest()
    a, b, span = 3, residues[0], p
    for i, middle in enumerate(residues[1:], 1):
        digest = hashlib.sha3_256(digest + rest[i * width:(i + 1) * width]).digest()
        h = int.from_bytes(digest[:8], "little") % 2**bits
        if span % 2:
            b = b * b % modulus
        b = pow(middle, h, modulus) * b % modulus
        a = pow(a, h, modulus) * middle % modulus
        span = (span + 1) // 2
    for _ in range(span):
        a = a * a % modulus
    return p, k, a == b, residues[0] * pow(9, -1, modulus) % modulus
