"""Access to any words of a number on disk, with a cache for threads that read near each other."""

import threading
from concurrent.futures import Future

import numpy as np

from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.packed import page_buffer


class Reader:
    """Reads words of an operand and caches the `kept_chunks` chunks used last: neighbouring ranges share a chunk."""

    def __init__(self, operand: Operand, kept_chunks: int):
        self._operand, self._kept = operand, kept_chunks
        self._chunks: dict[int, Future] = {}
        self._lock = threading.Lock()

    def __call__(self, start: int, stop: int) -> np.ndarray:
        """Words start .. stop-1 as a new array, zeros beyond the number."""
        size = self._operand.number.chunk_words
        chunks = range(start // size, -(-stop // size))
        futures, missing = self._look_up(chunks)
        if missing:
            self._read(missing)
        out = np.empty(stop - start, np.int32)
        for chunk, future in zip(chunks, futures, strict=True):
            low, high = max(start, chunk * size), min(stop, (chunk + 1) * size)
            out[low - start:high - start] = future.result()[low - chunk * size:high - chunk * size]
        return out

    def _look_up(self, chunks: range) -> tuple[list[Future], dict[int, Future]]:
        """Futures with the words of all chunks, and those of them that this thread has to read."""
        missing, futures = {}, []
        with self._lock:
            for chunk in chunks:
                future = self._chunks.pop(chunk, None)
                if future is None:
                    future = missing[chunk] = Future()
                self._chunks[chunk] = future            # the chunk used last stands last
                futures.append(future)
            while len(self._chunks) > max(self._kept, len(futures)):
                self._chunks.pop(next(iter(self._chunks)))
        return futures, missing

    def _read(self, missing: dict[int, Future]) -> None:
        operand, number = self._operand, self._operand.number
        try:
            packed = page_buffer(len(missing) * number.chunk_bytes).reshape(len(missing), -1)
            number.fetch([(operand.first + chunk, packed[i]) for i, chunk in enumerate(missing)
                          if operand.is_stored(chunk)]).wait()
            for i, (chunk, future) in enumerate(missing.items()):
                words = np.empty(number.chunk_words, np.int32)
                operand.fill(chunk, packed[i], words)
                future.set_result(words)
        except BaseException as failure:
            for future in missing.values():
                if not future.done():
                    future.set_exception(failure)
            raise
