"""Transform lengths: enough of them, cut as the kernels need."""

from math import prod

from hypothesis import given
from hypothesis import strategies as st

from bigconst.plans.shape import ODD_PARTS, PAD_VECTORS, powers_of_two_radices, shape_for


@given(st.integers(1, 1 << 34))
def test_shape_is_long_enough_and_consistent(words):
    shape = shape_for(words)
    assert shape.words >= words
    assert shape.height == prod(shape.column_radices) and shape.column_radices[0] == 8
    assert shape.width == 8 * prod(shape.row_radices)
    assert shape.words == 16 * shape.height * shape.width
    assert shape.width % shape.block == 0 and shape.block % 2 == 0
    assert shape.data_bytes == 128 * shape.height * (shape.width + PAD_VECTORS)
    assert set(shape.column_radices[1:]) <= {2, 3, 4, 5, 7, 8} and set(shape.row_radices) <= {2, 4, 8}


@given(st.integers(1 << 14, 1 << 34))
def test_padding_is_at_most_15_percent(words):
    assert shape_for(words).words <= 1.15 * words


def test_powers_of_two():
    for exponent in range(20):
        assert prod(powers_of_two_radices(exponent)) == 2**exponent
    for odd, radices in ODD_PARTS.items():
        assert prod(radices) == odd


def test_columns_have_no_radix_2():
    """kernels.columns knows none."""
    for exponent in range(10, 34):
        for odd in ODD_PARTS:
            assert 2 not in shape_for(odd << exponent).column_radices
