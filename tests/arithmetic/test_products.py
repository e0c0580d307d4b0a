"""Checked products: what is repeated on smaller words, what is refused."""

import numpy as np
import pytest
from gmpy2 import mpz
from oracle_words import aligned_float64, aligned_int32, to_mpz

from bigconst.arithmetic.faults import Wrong
from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.words import Words
from bigconst.base import failpoints
from bigconst.base.errors import FaultError
from bigconst.base.formats import WORDS
from bigconst.plans.shape import shape_for
from bigconst.runtime.threads import Pool


@pytest.fixture(params=[10, 16])
def products(request):
    with Pool(2) as pool:
        yield Products(Words(WORDS[request.param], pool), lambda event: None)


def multiply(products, a, b, verify=None):
    shape = shape_for(len(a) + len(b))
    out, work, spectrum = aligned_int32(shape.words), aligned_float64(shape.data_bytes // 8), aligned_float64(
        shape.data_bytes // 8)
    products.spectrum(b, shape, spectrum)
    expected = to_mpz(a, products.format.radix) * to_mpz(b, products.format.radix)
    products.multiply(out, a, b, spectrum, shape, work, "a product",
                      verify or (lambda: products.words.residue(out) == expected % (2**61 - 1)))
    assert to_mpz(out, products.format.radix) == expected


def test_structured_words_are_repeated_on_smaller_ones(products):
    """All words just below half the radix: the largest coefficients there are."""
    half = products.format.radix // 2 - 1
    a = np.full(300_000, half, dtype=np.int32)
    multiply(products, a, a.copy())
    # The error is 0.5 in radix 10^5, 0.31 in the smaller 2^16.
    assert products.faults.counts == ({"round-off": 2} if products.format.base == 10 else {})


def test_a_wrong_product_is_repeated(products):
    rng = np.random.default_rng(1)
    a, b = (rng.integers(0, products.format.radix, 3000).astype(np.int32) for _ in range(2))
    length = f"{shape_for(6000).words} words"       # on smaller words it would be longer
    with failpoints.active(f"product.words=spoil@1, transform.data[{length}]=sleep:0") as (_, transforms):
        multiply(products, a, b)
    assert products.faults.counts == {"residue": 1} and transforms.calls == 2


def test_a_spectrum_that_is_wrong_is_made_again(products):
    rng = np.random.default_rng(2)
    a, b = (rng.integers(0, products.format.radix, 3000).astype(np.int32) for _ in range(2))
    with failpoints.active("transform.spectrum=spoil:1@1") as (rule,):
        multiply(products, a, b)
    assert sum(products.faults.counts.values()) == 1 and rule.calls == 2


def test_a_product_that_is_always_wrong_stops_with_one_sentence(products):
    a = np.arange(1, 1000, dtype=np.int32)
    with pytest.raises(FaultError, match="a product: the same wrong value twice .* not the hardware") as caught:
        multiply(products, a, a, verify=lambda: False)
    assert caught.value.exit_code == 5
    assert products.faults.counts["residue"] == 2


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
        products.square_wrapped(out, a, shape, work, "a square", verify)
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

    products.square_wrapped(out, a, shape, work, "a square", verify)
    assert seen == [-1] and out[0] == 1 and not out[1:].any()
