"""What a proof of a probable prime test keeps and takes: powers, iterations, bytes.  Pure functions.

A proof of power k halves the test k times.  With n_0 = P, n_(i+1) = ceil(n_i/2), residue r, 1 <= r <= 2^k, is that of
the iteration which is the sum of n_i over the bits k - i that are set in r: the last bit stands for n_k, bit k for P.
"""

MAX_POWER = 12
LEAST_EXPONENT = 105_000
"""Exponents below have no proof unless somebody asks: the test takes seconds."""
_POWERS = ((420_000, 5), (1_700_000, 6), (6_700_000, 7), (26_600_000, 8), (106_500_000, 9), (414_200_000, 10))
"""Largest exponents that have these powers by default, as in Prime95; above them it is 11."""
PRODUCT_SQUARINGS = 63 + 2 * 32
"""Squarings that take about as long as x^h y with h of 64 bits: 63 squarings and 32 products of twice their time."""
SUM_BYTES = 16
"""The checksum of a kept residue."""


def default_power(p: int) -> int:
    """The power of a proof for the exponent p."""
    return next((power for largest, power in _POWERS if p <= largest), 11)


def spans(p: int, power: int) -> list[int]:
    """n_0 .. n_power."""
    found = [p]
    for _ in range(power):
        found.append(-(-found[-1] // 2))
    return found


def kept_iterations(p: int, power: int) -> list[int]:
    """The iterations of residues 1 .. 2^power, ascending; the last one is p.

    Raises ValueError where p is too small for so many: two would be the same, or one would lie behind the end.
    """
    n = spans(p, power)
    found = [sum(n[power - bit] for bit in range(power + 1) if r >> bit & 1) for r in range(1, 2**power + 1)]
    if any(a >= b for a, b in zip(found, found[1:], strict=False)):
        raise ValueError
    return found


def kept_bytes(p: int, power: int) -> int:
    """Disk that the residues take while the test runs."""
    return 2**power * ((p + 7) // 8 + SUM_BYTES)


def proof_squarings(p: int, power: int) -> int:
    """Squarings that take about as long as making a proof and checking it."""
    making, checking = 2**power - power - 1, 2 * power
    return (making + checking) * PRODUCT_SQUARINGS + spans(p, power)[-1]
