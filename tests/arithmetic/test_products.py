"""Squares modulo B^N + 1 on words of all sizes; tests of machines have the rest."""

import numpy as np
import pytest
from gmpy2 import mpz
from oracle_words import aligned_float64, aligned_int32, to_mpz

from bigconst.arithmetic.faults import Wrong
from bigconst.arithmetic.memory.products import Products, Term
from bigconst.arithmetic.words import Words
from bigconst.base.formats import WORDS
from bigconst.plans.shape import shape_for
from bigconst.runtime.threads import Pool


@pytest.fixture(params=[10, 16])
def products(request):
    with Pool(2) as pool:
        yield Products(Words(WORDS[request.param], pool), lambda event: None)


def test_wrapped_squares_agree_on_all_word_sizes(products, monkeypatch):
    rng = np.random.default_rng(7)
    a = rng.integers(0, products.format.radix, 2000).astype(np.int32)
    shape = shape_for(2010)
    out, work = aligned_int32(shape.words), aligned_float64(shape.data_bytes // 8)
    radix, tries = products.format.radix, []
    modulus = mpz(radix) ** shape.words + 1

    def verify(top):
        tries.append((to_mpz(out, radix) + top * mpz(radix) ** shape.words) % modulus)
        return True

    original, calls = products.rounded, []
    for refused in range(1 + len(products.format.smaller())):
        calls.clear()

        def rounded(stats, refused=refused):
            calls.append(stats)
            return original(stats) if len(calls) > 2 * refused else Wrong("round-off", "0.5", "error 0.5")

        monkeypatch.setattr(products, "rounded", rounded)
        products.sum_of_products(out, [Term(a, a, work)], shape, "a square", verify)
        assert len(calls) == 2 * refused + 1
    assert set(tries) == {to_mpz(a, radix) ** 2 % modulus} and len(tries) == refused + 1


def test_minus_one(products):
    """y^2 = B^N = -1 modulo B^N + 1."""
    shape = shape_for(1024)
    a = np.zeros(shape.words // 2 + 1, dtype=np.int32)
    a[-1] = 1
    out, work, seen = aligned_int32(shape.words), aligned_float64(shape.data_bytes // 8), []

    def verify(top):
        seen.append(products.words.sign_magnitude(out, top))
        return True

    products.sum_of_products(out, [Term(a, a, work)], shape, "a square", verify)
    assert seen == [-1] and out[0] == 1 and not out[1:].any()
