"""Passes over the chunks of numbers, low words first: sums, and multiples."""

from collections.abc import Callable

import numpy as np

from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.products import DiskProducts
from bigconst.kernels.linear import set_all
from bigconst.runtime.pipeline import Together


class Stretch:
    """Buffers and transfers of consecutive pieces of an operand in a pass over chunks; from chunk `end` on, and outside
    of the operand, there are zeros."""

    def __init__(self, products: DiskProducts, operand: Operand, piece_chunks: int, end: int):
        number = operand.number
        self.number, self._operand, self._size, self._end = number, operand, piece_chunks, end
        take = products.scratch.arena.take
        self._packed = [take(piece_chunks * number.chunk_bytes, np.uint8).reshape(piece_chunks, -1) for _ in range(2)]
        # room for the word above
        self._words = take(piece_chunks * number.chunk_words + 16, np.int32)

    def read(self, slot: int, first: int):
        """Start reading the piece that begins with chunk `first`."""
        operand = self._operand
        return self.number.fetch([(operand.first + c, self._packed[slot][c - first])
                                  for c in self._chunks(first) if operand.is_stored(c)])

    def _chunks(self, first: int) -> range:
        """The chunks of a piece that are not zeros."""
        return range(max(0, first), min(self._end, first + self._size))

    def unpack(self, pool, slot: int, first: int, above: int) -> np.ndarray:
        """The words of a piece that was read, and `above` (0 or 1) words that follow it."""
        size = self.number.chunk_words

        def one(i: int) -> None:
            out = self._words[i * size:(i + 1) * size]
            if first + i not in self._chunks(first):
                set_all(out, 0)
            else:
                self._operand.fill(first + i, self._packed[slot][i], out)

        pool.run(one, [(i,) for i in range(self._size)])
        if above:
            self._words[self._size * size] = self._operand.first_word(first + self._size)
        return self._words[:self._size * size + above]

    def pack(self, pool, slot: int, first: int, words: np.ndarray) -> list:
        """Pack a piece and store what is known of its chunks; returns the requests that write it."""
        size, number = self.number.chunk_words, self.number
        found: list = [None] * self._size

        def one(i: int) -> None:
            if first + i < number.chunks and number.set_chunk(first + i, words[i * size:(i + 1) * size],
                                                              self._packed[slot][i]):
                found[i] = number.request(first + i, self._packed[slot][i])

        pool.run(one, [(i,) for i in range(self._size)])
        return [request for request in found if request is not None]


def linear_pass(products: DiskProducts, inputs: list[tuple[Operand, int, int]], out: Number,
                compute: Callable[[int, list[np.ndarray]], np.ndarray], state: dict[str, int], name: str) -> None:
    """Compute `out` piece by piece from `inputs`.

    An input is (operand, chunks by which it is read ahead of `out`, words that compute needs above a piece: 0 or 1).
    compute(first, pieces) returns the words of the piece that begins with chunk `first` of `out`; what it carries
    from piece to piece is in `state`, which is recorded with every piece of the step `name`.
    """
    scratch, size = products.scratch, products.disk.piece_chunks
    pool = scratch.words.pool
    mark = scratch.arena.mark()
    sources = [Stretch(products, operand, size, out.chunks + ahead) for operand, ahead, _ in inputs]
    target = Stretch(products, Operand(out), size, out.chunks)
    waiting: dict[int, list] = {}

    def read(i: int):
        return Together([source.read(i % 2, i * size + ahead)
                      for source, (_, ahead, _) in zip(sources, inputs, strict=True)])

    def work(i: int) -> None:
        pieces = [source.unpack(pool, i % 2, i * size + ahead, above)
                  for source, (_, ahead, above) in zip(sources, inputs, strict=True)]
        waiting[i] = target.pack(pool, i % 2, i * size, compute(i * size, pieces))
        after[i] = dict(state), out.parity.copy()

    after: dict[int, tuple[dict, np.ndarray]] = {}

    def keep(i: int) -> tuple[dict, dict, dict]:
        now, parity = after.pop(i)
        return {"state": now}, out.known(slice(i * size, (i + 1) * size)), {"parity": parity}

    step = scratch.recorder.step(name)
    for fields, arrays in step.records:
        out.know(slice(fields["unit"] * size, (fields["unit"] + 1) * size), arrays)
        state.update(fields["state"])
    scratch.pipeline.run(-(-out.chunks // size), read, work, lambda i: scratch.volume.write(waiting.pop(i)),
                         step, keep)
    step.flush()
    scratch.arena.release(mark)
