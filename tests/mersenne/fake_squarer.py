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

    def restore(self, value, shift, iteration):
        self.load(value, shift, iteration)
        return iteration

    def load(self, value, shift=0, iteration=None):
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

    def hold(self, factor):
        self._value, self._factor = None, factor        # the residue is lost, as of the real one

    def times(self, squarings=0):
        roundoff = self.iterate(squarings, 0)
        self._value = self._value * self._factor % self.modulus
        return max(0.01, roundoff) if roundoff == roundoff else roundoff


class Killed(BaseException):
    """The end of a process."""


class LastingSquarer(Squarer):
    """One whose state survives: `state` is its disk.  `blows` maps the number of a call to what it raises."""

    state = None
    """(iteration it counts from, iteration, value, shift), None while it holds something else"""
    calls = 0
    blows: dict = {}
    every = 5
    """squarings from one moment to the next at which the state is on the disk"""

    @classmethod
    def strike(cls):
        cls.calls += 1
        if cls.calls in cls.blows:
            raise cls.blows[cls.calls]

    def restore(self, value, shift, iteration):
        self.strike()
        kept = LastingSquarer.state
        if kept is None or not kept[0] <= iteration <= kept[1]:
            self.load(value, shift, iteration)
            return iteration
        _, at, self._value, self.shift = kept
        return at

    def load(self, value, shift=0, iteration=None):
        LastingSquarer.state = None
        self.strike()
        super().load(value, shift)
        if iteration is not None:
            LastingSquarer.state = (iteration, iteration, self._value, self.shift)
        self.strike()

    def iterate(self, count, subtract):
        roundoff = 0.0
        while count:
            step = min(count, self.every)
            roundoff = max(roundoff, super().iterate(step, subtract))
            count -= step
            if LastingSquarer.state is not None:
                begin, at, _, _ = LastingSquarer.state
                LastingSquarer.state = (begin, at + step, self._value, self.shift)
            self.strike()
        return roundoff

    def value(self):
        self.strike()
        return super().value()

    def hold(self, factor):
        LastingSquarer.state = None
        self.strike()
        super().hold(factor)

    def times(self, squarings=0):
        self.strike()
        return super().times(squarings)
