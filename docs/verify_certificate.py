"""Verifies digits of phi, square roots, pi, e, log 2 and zeta(3).

python verify_certificate.py FILE [CERTIFICATE, default FILE.cert]

Written from certificate.md alone; needs the package xxhash.  Exit 0: right, 1: wrong, 3: no file of digits.
"""
import json
import re
import secrets
import sys
from decimal import MAX_EMAX, ROUND_CEILING, Context, Decimal, localcontext
from math import fsum, isqrt, log10
from pathlib import Path
from struct import iter_unpack, unpack

from xxhash import xxh3_128_hexdigest

HEADER = dict(format=str, constant=str, base=int, digits=int, lenient=bool, version=str, text_xxh3=str, file_xxh3=str)
FIELDS = HEADER, HEADER | dict(statement=str, parameters=dict, numbers=list)  # of format 1, of format 2
PARAMETERS = dict(remainder={}, ladder=dict(k=int, K=int, s=int, c=int, c2=int, L=str),
                  quotient=dict(g=int, G=str, reduced=bool), padded=dict(g=int, G=str, reduced=bool, h=int))
WORD = {10: "05d", 16: "04x"}  # how the c digits of a word are written
K, PI = [0, 1], [[-1], [-5, 6], [-1, 2], [-1, 6]]
REDUCED = {  # b, C, and the places x of D, of terms without what they have in common
    "pi": (640320**3, 1, []), "log 2": (36, 1, [(1, 6)]),
    "zeta3": (1, 720, [(1, 12), (1, 10), (1, 9), (4, 9), (11, 12)])}
SERIES = {  # divisor, first, spare places, and p, q, t as products of polynomials, coefficients from the constant up
    "pi": (1, 13591409, 18, PI, [[0, 0, 0, 640320**3 // 24]], [*PI, [13591409, 545140134]]),
    "log 2": (2, 0, 12, [K, [-1, 2]], [[216], [-1, 6], [-5, 6]], [[-297, 1794]]),
    "zeta3": (48, 0, 12, [[-1], *[K] * 5, *[[-1, 2]] * 3, [-1, 3], [-2, 3], [-1, 4], [-3, 4], [-1, 6], [-5, 6]],
              [[270], *([-i, 9] for i in (1, 2, 4, 5, 7, 8)), *([-i, 10] for i in (1, 3, 7, 9)),
               *([-i, 12] for i in (1, 5, 7, 11))],
              [[-3143448000, 156286859400, -3292502315430, 38721705264979, -282805786014979, 1352700034136826,
                -4348596587040104, 9451223531851808, -13684352515879536, 12632254526031264, -6719460725627136,
                1565994397644288]])}
FLOOR = {"phi": 1, "pi": 3, "e": 2, "log 2": 0, "zeta3": 1}

class Refused(Exception):
    """What is wrong with the digits or with their certificate."""

def demand(condition, message, kind=Refused):
    if not condition:
        raise kind(message)

def unique(pairs):
    """A JSON object, whose keys must differ."""
    demand(len(dict(pairs)) == len(pairs), "a key of the header is there twice")
    return dict(pairs)

def types(fields):
    return {key: type(value) for key, value in fields.items()}

def read_header(block):
    """The fields of the first 4096 bytes, and these bytes with the checksum of the file zeroed."""
    demand(re.fullmatch(rb"[ -~]{4095}\n", block), "the header is not one line of 4096 bytes of ASCII")
    try:
        header = json.loads(block, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        raise Refused("the header is not JSON") from None
    demand(type(header) is dict and types(header) in FIELDS, "a field of the header is missing or wrong")
    demand(header["format"] == f"bigconst-certificate/{1 + ('statement' in header)}", "unknown format")
    return header, re.sub(rb'("file_xxh3" *: *")[0-9a-f]{32}"', rb"\g<1>" + b"0" * 32 + b'"', block)

def read_numbers(header, payload, *wanted):
    """The digits, most significant first, of numbers given as (name, digits, bound on the highest word)."""
    base, found = header["base"], []
    c = len(format(0, WORD[base]))
    for _, digits, bound in wanted:
        count = -(-digits // c)
        size = -(-count // 64) * 136 if base == 10 else -(-count // 4) * 8
        demand(len(payload) >= size, "the numbers are cut off")
        words, packed, payload = unpack(f"<{size // 2}H", payload[:size]), payload[:size], payload[size:]
        if base == 10:
            words = [w + (top >> j & 1) * 2**16 for *ws, top in iter_unpack("<64HQ", packed) for j, w in enumerate(ws)]
        demand(max(words) < base**c and words[count - 1] < bound and not any(words[count:]), "a word is out of range")
        found.append("".join(format(word, WORD[base]) for word in reversed(words[:count])))
    names = [[name, digits] for name, digits, _ in wanted]
    demand(json.dumps(header.get("numbers", names)) == json.dumps(names) and not payload, "other numbers than needed")
    return found

def random_prime():
    """Uniform among the primes between 2^60 and 2^61: odd numbers until one passes Miller and Rabin's test 40 times."""
    while True:
        p = 2**60 + 1 + 2 * secrets.randbelow(2**59)
        twos = (p - 1 & 1 - p).bit_length() - 1
        witnesses = (pow(2 + secrets.randbelow(p - 3), p >> twos, p) for _ in range(40))
        if all(x == 1 or any(pow(x, 2**k, p) == p - 1 for k in range(twos)) for x in witnesses):
            return p

def residue(digits, base, p):
    """A number of any length modulo p."""
    total = 0
    for i in range(0, len(digits), 1000):
        part = digits[i:i + 1000]
        total = (total * base ** len(part) + int(part, base)) % p
    return total

def within_bound(r, P, one, base):
    """Whether r <= 2P - one, for numbers of equal length, from the most significant digits on."""
    excess = 0
    for i in range(0, len(r), 1000):
        r_part, P_part, one_part = (int(number[i:i + 1000], base) for number in (r, P, one))
        excess = max(-2, min(2, excess * base ** len(r[i:i + 1000]) + r_part - 2 * P_part + one_part))
    return excess <= 0  # once it is 2 or -2 it keeps its sign

def check_ladder(header, d, phi, P, at, payload, primes):
    """Refuse a false statement about P, whose digits after the point begin at `at`."""
    base, n = header["base"], header["digits"]
    k, K, s, c, c2, L = (header["parameters"][name] for name in ("k", "K", "s", "c", "c2", "L"))
    w, o, i = len(format(0, WORD[base])), 3 * k - K, isqrt(d)
    demand(i * i != d and k >= 8 and 2 * k * w <= n, "d or k out of bounds")
    demand(1 <= K - -(-n // w) <= 8 and o >= 1 and base ** (w * min(o, 9)) >= 1000 * d, "K out of bounds")
    demand(s * s == 1 and abs(c) <= 5 * d + 2 and abs(c2) <= 76 * d * (i + 1), "s, c or c2 out of bounds")
    demand(re.fullmatch("[1-9][0-9]{0,44}", L), "L is no number")
    L, G = int(L), base ** (K * w - n)
    demand(10 * d <= L <= 2 * G - 10 * d, "L out of bounds")
    rv, ru = read_numbers(header, payload, ("rv", (k + o + 1) * w, 8), ("ru", (o + 1) * w, 2))
    for p in primes:
        Bk, Bo, BK = (pow(base, w * exponent, p) for exponent in (k, o, K))
        Xk, X, PP, u, v = (residue(digits, base, p) for digits in (P[:at + k * w], P[:at + 2 * k * w], P, ru, rv))
        A, T, Z = Xk + c, 4, 2 * G * PP + L
        if phi:
            A, X, T, Z = 2 * Xk - Bk + c, 2 * X - Bk * Bk, 8, Z - BK
        F = A * A - d * Bk * Bk
        left = T * d * Bk * Bo * Z + 4 * Bk * A * F + 3 * d * d * v
        right = 8 * d * A * Bk**3 + 4 * s * d * d * Bk * u + 3 * F * (2 * (A * Bk - X) + c2)
        demand((left - right) % p == 0, f"the identity is false modulo {p}")

def check_remainder(header, d, phi, P, at, payload, primes):
    """The same for a remainder."""
    base, n = header["base"], header["digits"]
    r, = read_numbers(header, payload, ("r", n + 6, base**5))
    demand(within_bound(r, P.zfill(len(r)), ("1" + n * "0" if phi else "0").zfill(len(r)), base), "r exceeds its bound")
    for p in primes:
        PP, one = residue(P, base, p), pow(base, n, p)
        right = one * (one + PP if phi else d * one)
        demand((PP**2 + residue(r, base, p) - right) % p == 0, f"the identity is false modulo {p}")

def value(factors, k):
    """A product of polynomials, coefficients from the constant up, at k."""
    found = 1
    for factor in factors:
        found *= sum(c * k**i for i, c in enumerate(factor))
    return found

def primes_of(N, places):
    """The primes of D, each as often as it has it."""
    sieve = bytearray([1]) * (max((N * v // u for u, v in places), default=0) + 1)
    for prime in range(2, len(sieve)):
        if sieve[prime]:
            sieve[prime * prime::prime] = bytes(len(sieve[prime * prime::prime]))
            power, times = prime, 0
            while power < len(sieve):
                power, times = power * prime, times + sum(power * u <= N * v for u, v in places)
            yield prime, times

def lengths(x, base, m, reduced):
    """What m = n + g digits need: terms of the series, and the power of pi's unit, or J of e; then log10 X, or a bound.
    """
    J, w = 0, Decimal("0.5")
    if x == "e":
        while J < 20 or w * w < Decimal(base) ** (m + 2):
            J, w = J + 1, w * (4 * J + 2)
        return J, 0, (w * Decimal("1.22")).log10()
    places = m if base == 10 else -(-m * 120412 // 100000)
    divisor, _, spare, p, q, _ = SERIES[x]
    lead_p, lead_q = (value([[factor[-1]] for factor in factors], 1) for factors in (p, q))
    N, j = -(-(places + spare) * 10000 // int(10000 * abs(Decimal(lead_q) / lead_p).log10())), 0
    b, C, steps = REDUCED[x]
    w = Decimal(divisor)
    for k in range(1, N + 1):
        w *= b if reduced else value(q, k)
    if reduced:
        w *= C * sum((Decimal(N * v) / u + Decimal("0.94") * (Decimal(N * v) / u).sqrt() for u, v in steps),
                     Decimal(0)).exp()
    if x == "pi":
        j = -(-(places + 2) * 10000 // 78063)
        w *= 213440 / Decimal("3.14159265358979323846264338327950288") * (4001 + 40 * Decimal(10005).sqrt()) ** j
    return N, j, w.log10()

def fraction(x, reduced, prime, N, j):
    """X and Y modulo a prime."""
    P, Q, T, u, v = 1, 1, 0, 1, 0
    if x == "e":
        for k in range(N, 0, -1):
            u, v = ((4 * k - 2) * u + v) % prime, u
        return u - v, u + v
    divisor, first, _, p, q, t = SERIES[x]
    for k in range(1, N + 1):
        below = value(q, k)
        P, Q, T = P * value(p, k) % prime, Q * below % prime, (T * below + P * value(t, k)) % prime
    T += first * Q
    if reduced:
        E = pow(REDUCED[x][0], N, prime) * REDUCED[x][1]
        for factor, times in primes_of(N, REDUCED[x][2]):
            E = E * factor**times % prime
        Q, T = E, T * E * pow(Q, -1, prime)
    if x != "pi":
        return divisor * Q, T
    for bit in bin(j)[2:]:
        u, v = (u * u + 10005 * v * v) % prime, 2 * u * v % prime
        u, v = ((4001 * u + 400200 * v) % prime, (40 * u + 4001 * v) % prime) if bit == "1" else (u, v)
    return T * v, 426880 * u * Q

def check_quotient(header, d, phi, P, at, payload, primes):
    """The same for a quotient."""
    x, base, n = (header[key] for key in ("constant", "base", "digits"))
    g, G, reduced = (header["parameters"][key] for key in ("g", "G", "reduced"))
    h = header["parameters"].get("h", 0)
    demand(20 <= g <= 100 and 0 <= h <= 10**15 and (x != "e" or not reduced), "g, h or reduced is out of bounds")
    demand(("h" in header["parameters"]) == (reduced and x != "pi"), "h is missing or there for nothing")
    demand(re.fullmatch("[1-9][0-9]{3,120}", G) and int(G) <= base**g - 1000, "G is out of bounds")
    with localcontext(Context(prec=60, Emax=MAX_EMAX, Emin=-MAX_EMAX)):
        *counts, size = lengths(x, base, n + g, reduced)
        s = int((size / Decimal(base).log10() + Decimal("0.001")).to_integral_value(ROUND_CEILING))
    if reduced and x != "pi":
        (b, C, places), N = REDUCED[x], counts[0]
        logs = [times * log10(prime) for prime, times in primes_of(N, places)]
        rest = float(size) - fsum([*logs, log10(SERIES[x][0] * C), N * log10(b), h * log10(base)])
        demand(-0.001 <= rest <= log10(base) + 0.001, "h is not what X needs")
    r, = read_numbers(header, payload, ("r", s, base ** ((s - 1) % len(format(0, WORD[base])) + 1)))
    for p in primes:
        (X, Y), D = fraction(x, reduced, p, *counts), residue(P, base, p) * base**g + int(G)
        left, right = D * X * pow(base, h, p) + residue(r, base, p), pow(base, n + g + h, p) * Y
        demand((left - right) % p == 0, f"the identity is false modulo {p}")

def verify(text_path, certificate_path):
    """One line about what was verified; Refused says what is wrong, OSError what cannot be read."""
    text, certificate = Path(text_path).read_bytes(), Path(certificate_path).read_bytes()
    header, zeroed = read_header(certificate[:4096])
    demand(xxh3_128_hexdigest(zeroed + certificate[4096:]) == header["file_xxh3"], "the certificate is damaged")
    x, base, n = header["constant"], header["base"], header["digits"]
    known = re.fullmatch("phi|pi|e|log 2|zeta3|sqrt ([1-9][0-9]{0,9})", x)
    demand(known and (d := int(known[1] or 5)) < 2**31 and base in WORD and n >= 1, "impossible constant, base, length")
    name, parameters = header.get("statement", "remainder"), header.get("parameters", {})
    wanted = (PARAMETERS.get(kind) for kind in (name, "padded" if name == "quotient" else name))
    demand(name != "padded" and types(parameters) in wanted, "unknown statement or parameters")
    demand((name == "quotient") == (x == "e" or x in SERIES), "the statement is for another constant")
    digits = (text.removeprefix(b"\xef\xbb\xbf").lower().translate(None, b" \t\r\n") if header["lenient"]
              else text.removesuffix(b"\n"))
    demand(re.fullmatch(rb"[0-9x]+(\.[0-9x]+)?".replace(b"x", b"a-f" * (base // 16)), digits), "not digits", OSError)
    demand(xxh3_128_hexdigest(text) == header["text_xxh3"], "the certificate belongs to another text")
    whole = format(FLOOR[x] if x in FLOOR else isqrt(d), WORD[base][-1])
    before, F = digits[:-n].decode(), digits[-n:].decode()
    demand(len(F) == n and "." not in F and before.removesuffix(".") in (whole, ""), f"not {n} digits of it")
    primes = [random_prime() for _ in range(3)]
    check = dict(ladder=check_ladder, remainder=check_remainder, quotient=check_quotient)[name]
    check(header, d, x == "phi", whole + F, len(whole), certificate[4096:], primes)
    return f"{x}: {n} digits in base {base} are right modulo {', '.join(map(str, primes))}"

def main(file="", certificate=""):
    try:
        print(verify(file, certificate or file + ".cert"))
        return 0
    except (Refused, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1 if isinstance(error, Refused) else 3
if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
