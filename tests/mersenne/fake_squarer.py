"""A squarer on gmpy2 with the interface of the real one, and with faults on order."""

from dataclasses import dataclass

from gmpy2 import mpz

LENGTHS = (1024, 2048, 4096, 8192)


@dataclass(frozen=True)
class Shape:
    words: int


def longer(shape):
    return next((Shape(words) for words in LENGTHS if words > shape.words), None)


class Squarer:
    """`faults` maps the number of a squaring (from 1, repeats included) to what it does to the value and the error."""

    done = 0
    faults: dict = {}

    def __init__(self, p, shape, threads=1):
        self.p, self.shape, self.modulus = p, shape, (mpz(1) << p) - 1
        self.shift, self._value = 0, mpz(0)

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self._value = None

    def load(self, value, shift=0):
        self._value, self.shift = value % self.modulus, shift

    def iterate(self, count, subtract):
        roundoff = 0.01
        for _ in range(count):
            self._value = (self._value * self._value - subtract) % self.modulus
            self.shift = 2 * self.shift % self.p
            Squarer.done += 1
            fault = Squarer.faults.get(Squarer.done)
            if fault is not None:
                self._value, error = fault(self._value, self.shape)
                roundoff = error if error != error else max(roundoff, error)
        return roundoff

    def value(self):
        return self._value

    def multiply(self, a, b):
        self._value = None      # as the real one may
        return a * b % self.modulus, 0.01
