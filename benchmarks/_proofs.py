"""What a proof of a probable prime test costs, from measured squarings and products."""

import random
import time
from statistics import median

from gmpy2 import mpz

from bigconst.arithmetic.memory.squarer import Squarer
from bigconst.mersenne.proof import Multiplier
from bigconst.plans.dwtshape import dwt_shape, longer
from bigconst.plans.proofplan import default_power, kept_bytes, spans


def measure(p: int, threads: int, runs: int) -> dict[str, float]:
    """Milliseconds of a squaring and of x^h y with h of 64 bits; and what follows for making and checking a proof, in
    seconds and as shares of the test."""
    power, modulus, chance = default_power(p), (mpz(1) << p) - 1, random.Random(p)
    x, y = (mpz(int.from_bytes(chance.randbytes(p // 8), "little")) for _ in range(2))
    count = max(20, 40_000_000 // p)
    squares_s, products_s = [], []
    with (Squarer(p, dwt_shape(p), threads) as squarer,
          Multiplier(p, lambda shape: Squarer(p, shape, threads), dwt_shape(p), longer, lambda: False) as multiplier):
        squarer.load(x)
        multiplier.power_times(x, 3, y)
        for _ in range(runs):
            began = time.perf_counter()
            squarer.iterate(count, 0)
            squares_s.append((time.perf_counter() - began) / count)
            began, h = time.perf_counter(), chance.getrandbits(64) | 1 << 63
            found = multiplier.power_times(x, h, y)
            products_s.append(time.perf_counter() - began)
            assert found < modulus
    square_s, product_s = median(squares_s), median(products_s)
    making_s = (2**power - power - 1) * product_s
    checking_s = 2 * power * product_s + spans(p, power)[-1] * square_s
    return {"power": power, "square": 1e3 * square_s, "product": 1e3 * product_s, "making": making_s,
            "making_share": making_s / (p * square_s), "checking": checking_s,
            "checking_share": checking_s / (p * square_s), "disk_gb": kept_bytes(p, power) / 1e9}
