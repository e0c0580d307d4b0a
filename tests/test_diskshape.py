"""Shapes of transforms on disk: lengths, radices, runs of whole chunks, and memory that is enough."""

from math import prod

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bigconst.base.formats import WORDS, packed_bytes
from bigconst.plans.diskshape import MAX_ROWS, ODD_PARTS, chunk_bytes, disk_shape

FORMATS = st.sampled_from([(10, 5), (10, 4), (10, 3), (16, 4), (16, 3)])
CHUNKS = st.integers(8, 19).map(lambda log: 1 << log)
WORKSPACES = st.floats(20, 38).map(lambda log: int(2**log))
OPERANDS = st.sampled_from([1, 2])
AMPLE = 1 << 60


@given(words=st.floats(1, 44).map(lambda log: int(2**log)), fmt=FORMATS, chunk=st.integers(8, 19),
       workspace=WORKSPACES, operands=OPERANDS, threads=st.integers(1, 64), passes=st.sampled_from([2, 3]))
def test_a_shape_is_what_was_asked_for(words, fmt, chunk, workspace, operands, threads, passes):
    base, digits = fmt
    chunk = min(1 << chunk, 1 << workspace.bit_length() - 13)
    s = disk_shape(words, base, digits, chunk, workspace, operands, threads, passes)
    assume(s is not None)
    radices = s.outer_radices + s.inner_radices + s.middle_radices + s.row_radices
    # 16 words are a vector, 8 vectors the rows of the row kernel at least; each row ends in 8 * 8.
    assert s.words == 16 * 8 * prod(radices) == 16 * s.rows * s.width
    assert s.width == s.inner_rows * s.row_width == s.slabs * s.tile_width
    assert s.words * digits == s.stored_words * WORDS[base].digits and s.stored_words >= words
    assert s.passes == (3 if s.inner_radices else 2) <= passes
    assert s.outer_radices[0] == 8 and 8 <= s.rows <= MAX_ROWS and set(radices) <= {2, 3, 4, 5, 7, 8}
    assert set(s.row_radices) <= {2, 4, 8} and s.sub_width == 8 * prod(s.row_radices)
    # Tiles are whole pages of a row, runs of words whole chunks.
    assert s.row_width % s.tile_width == 0 and s.tile_bytes % 4096 == 0 and s.tile_bytes == 128 * s.tile_width
    assert s.run_words % chunk == 0 and s.run_words * WORDS[base].digits == 8 * s.tile_width * digits
    assert s.run_words * 2 * s.rows * s.slabs == s.stored_words
    assert s.run_bytes == s.run_words // chunk * chunk_bytes(chunk, base)
    if base == 10 and digits != 5:
        assert 5 in s.middle_radices and s.tile_width % 5 == 0
    assert s.data_bytes == 8 * s.words and s.region_bytes == s.data_bytes // s.rows * (s.rows + 4)
    assert s.slab_bytes >= s.rows * s.tile_bytes + 2 * s.rows * s.run_bytes
    assert s.unit_bytes(operands) <= 3 * workspace and s.unit_bytes(operands) >= (operands + 1) * s.row_bytes
    assert s.memory_bytes(operands) <= workspace and s.memory_bytes(1) <= s.memory_bytes(2)


@given(words=st.integers(1 << 24, 1 << 44), fmt=FORMATS)
def test_with_memory_enough_it_is_the_shortest_length_there_is(words, fmt):
    base, digits = fmt
    s = disk_shape(words, base, digits, 256, AMPLE, 1, 1)
    exact, stored = words * WORDS[base].digits, s.stored_words * WORDS[base].digits
    five = 5 if base == 10 and digits != 5 else 1
    # eight rows of 64 vectors of 16 words are the least
    lengths = (8192 * digits * five * odd << log for odd in ODD_PARTS for log in range(50))
    assert stored == min(length for length in lengths if length >= exact)
    assert stored < 1.094 * exact


def test_neighbouring_lengths():
    lengths = sorted({odd << log for odd in ODD_PARTS for log in range(20)})
    lengths = lengths[lengths.index(105):lengths.index(105 << 8)]
    assert max(b / a for a, b in zip(lengths, lengths[1:], strict=False)) < 1.094
    for odd, radices in ODD_PARTS.items():
        assert prod(radices) == odd


@given(words=st.floats(10, 40).map(lambda log: int(2**log)), fmt=FORMATS, chunk=CHUNKS, workspace=WORKSPACES,
       operands=OPERANDS)
def test_the_pass_between_is_there_only_where_two_passes_cannot_do_it(words, fmt, chunk, workspace, operands):
    two = disk_shape(words, *fmt, chunk, workspace, operands, 1, 2)
    three = disk_shape(words, *fmt, chunk, workspace, operands, 1, 3)
    assert two is None or three.words <= two.words
    assert three is None or three.passes == 2 or two is None or three.words < two.words


@given(words=st.floats(10, 40).map(lambda log: int(2**log)), fmt=FORMATS, chunk=CHUNKS, workspace=WORKSPACES,
       more=st.floats(1, 8), passes=st.sampled_from([2, 3]))
def test_more_memory_never_makes_it_longer(words, fmt, chunk, workspace, more, passes):
    little = disk_shape(words, *fmt, chunk, workspace, 2, 1, passes)
    much = disk_shape(words, *fmt, chunk, int(workspace * more), 2, 1, passes)
    assert little is None or much.words <= little.words


@pytest.mark.parametrize("fmt", [(10, 5), (16, 4)])
def test_a_length_that_memory_does_not_hold_in_two_passes_takes_three(fmt):
    words = 1 << 28
    assert disk_shape(words, *fmt, 1 << 12, 1 << 30, 2, 1).passes == 2
    assert disk_shape(words, *fmt, 1 << 12, 1 << 24, 2, 1, 2) is None
    assert disk_shape(words, *fmt, 1 << 12, 1 << 24, 2, 1).passes == 3
    assert disk_shape(words, *fmt, 1 << 12, 1 << 20, 2, 1) is None


@given(words=st.integers(1, 1 << 40), fmt=FORMATS, workspace=st.integers(1 << 23, 1 << 30))
def test_what_is_printed_is_the_length(words, fmt, workspace):
    s = disk_shape(words, *fmt, 256, workspace, 1, 1)
    assume(s is not None)
    length, product = str(s).split(" = ")
    assert int(length) == s.words == eval(product)
    assert product.count("(") == s.passes


@given(words=st.integers(1, 1 << 20), base=st.sampled_from([10, 16]))
def test_chunks_are_whole_pages_and_hold_their_words(words, base):
    words *= 64
    assert chunk_bytes(words, base) % 4096 == 0
    assert 0 <= chunk_bytes(words, base) - packed_bytes(words, base) < 4096
