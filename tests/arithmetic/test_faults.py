"""Words corrupted on purpose, one in each run: whatever happens, no wrong digit comes out."""

from collections import Counter

import numpy as np
import pytest
from gmpy2 import isqrt, mpz

from bigconst.arithmetic.memory import newton
from bigconst.arithmetic.memory.transform import Transform
from bigconst.arithmetic.words import Words
from bigconst.base.constant import Constant
from bigconst.base.errors import FaultError
from bigconst.constants import engine, root
from bigconst.plans.plan import make_plan

DIGITS = 60_000


@pytest.fixture(scope="module")
def truth():
    scale = mpz(10) ** DIGITS
    return str((scale + isqrt(5 * scale * scale)) // 2)


class Sink:
    def __init__(self, size):
        self.text = bytearray(size)

    def write_at(self, offset, data):
        self.text[offset:offset + len(data)] = data


def corrupt_words(rng, words):
    """Change one word into another canonical one."""
    at = rng.integers(len(words))
    words[at] = (words[at] + rng.integers(1, 100_000)) % 100_000


def corrupt_data(rng, data):
    at = rng.integers(len(data))
    data[at] += 10.0 ** rng.integers(3, 12)


def once(rng, calls, corrupt):
    """A hook that calls corrupt(...) at one of the first `calls` calls."""
    state = {"left": int(rng.integers(calls)), "done": False}

    def hook(*arguments):
        if state["left"] == 0 and not state["done"]:
            corrupt(rng, *arguments)
            state["done"] = True
        state["left"] -= 1
        return state

    hook.state = state
    return hook


def install(place, rng, monkeypatch):
    """Patch one step of the ladder so that it spoils its result once; 3 levels, 3 products each."""
    products = 3 * 3
    if place == "transform data":
        hook = once(rng, products, corrupt_data)
        original = Transform.inverse
        monkeypatch.setattr(Transform, "inverse",
                            lambda self, data, words, radix: (hook(data), original(self, data, words, radix))[1])
    elif place == "spectrum":
        hook = once(rng, 3, corrupt_data)
        original = Transform.spectrum
        monkeypatch.setattr(Transform, "spectrum", lambda self, data: (original(self, data), hook(data))[0])
    elif place in ("e", "u", "v", "carry"):
        hook = once(rng, products, corrupt_words if place != "carry" else lambda rng, words: Words.add_at(
            carry_words, words, int(rng.integers(len(words))), int(rng.choice([-1, 1]))))
        original = Transform.inverse
        turn = {"count": 0}
        wanted = {"e": 0, "u": 1, "v": 2}.get(place)

        def inverse(self, data, words, radix):
            result = original(self, data, words, radix)
            if wanted is None or turn["count"] % 3 == wanted:
                hook(words)
            turn["count"] += 1
            return result

        if wanted is not None:
            hook.state["left"] %= 3
        monkeypatch.setattr(Transform, "inverse", inverse)
    elif place == "y":
        hook = once(rng, 3, lambda rng, y, fresh, *rest: corrupt_words(rng, y))
        original = Words.newton_update
        monkeypatch.setattr(Words, "newton_update",
                            lambda self, y, *rest: (original(self, y, *rest), hook(y, *rest))[0])
    elif place == "y after its check":
        hook = once(rng, 3, lambda rng, y: corrupt_words(rng, y))
        original = newton.Ladder._step

        def step(self, y, level, residue):
            result = original(self, y, level, residue)
            hook(y[self.plan.words - level.words_out:self.plan.words])
            return result

        monkeypatch.setattr(newton.Ladder, "_step", step)
    elif place == "x after its check":
        hook = once(rng, 1, lambda rng, x: corrupt_words(rng, x))
        original = root.settle
        monkeypatch.setattr(root, "settle", lambda *a: (original(*a), hook(a[2]))[0])
    return hook


class carry_words:
    """Stands in for a Words where only the radix is asked."""

    class format:
        radix = 10**5


PLACES = {"transform data": 30, "spectrum": 20, "carry": 30, "e": 30, "u": 30, "v": 20, "y": 20,
          "y after its check": 10, "x after its check": 10}


def test_two_hundred_are_injected():
    assert sum(PLACES.values()) == 200


@pytest.mark.parametrize("place", PLACES)
def test_a_corrupted_word_never_reaches_the_digits(place, truth, monkeypatch, record_property):
    caught = Counter()
    for seed in range(PLACES[place]):
        rng = np.random.default_rng([seed, len(place)])
        plan = make_plan(Constant("phi", 5), DIGITS, 10, 1, 1 << 40)
        assert len(plan.levels) == 4 or len(plan.levels) == 3
        sink, events = Sink(plan.text_bytes), []
        with monkeypatch.context() as patch:
            hook = install(place, rng, patch)
            try:
                engine.run(plan, sink, events.append)
            except FaultError as error:
                caught["stopped: " + str(error).split(";")[0].split(",")[-1].split(": ")[-1][:60]] += 1
                continue
        assert hook.state["done"], "nothing was corrupted, the test is void"
        kinds = [event.kind for event in events if type(event).__name__ == "Fault"]
        assert sink.text.decode().strip().replace(".", "") == truth
        caught["repaired after " + " and ".join(sorted(set(kinds))) if kinds else "harmless"] += 1
    record_property("caught", dict(caught))
    print(f"\n{place}: {dict(caught)}")
    assert sum(caught.values()) == PLACES[place]
