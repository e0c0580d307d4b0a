"""Both tests against gmpy2, and what they do about faults: on a fake squarer that makes them."""

import random
from dataclasses import replace

import fake_squarer
import gmpy2
import pytest
from fake_squarer import Killed, LastingSquarer, Shape, Squarer, longer
from gmpy2 import mpz

from bigconst.base.errors import ChecksumError, FaultError, Interrupted, ReadError
from bigconst.base.events import Fault
from bigconst.mersenne import pace
from bigconst.mersenne.events import Resumed
from bigconst.mersenne.faults import MAX_RETURNS
from bigconst.mersenne.savefile import SaveFiles
from bigconst.mersenne.test import LucasLehmer, Prp3, outcome

P = 607
COMPOSITE = 613


@pytest.fixture(autouse=True)
def no_faults():
    Squarer.done, Squarer.faults = 0, {}
    yield
    Squarer.done, Squarer.faults = 0, {}


def make(kind, p, **options):
    options.setdefault("shift", random.randrange(p))
    return kind(p, make_squarer=lambda shape: Squarer(p, shape), shape=Shape(1024), longer=longer, **options)


def expected(kind, p, iterations=None):
    modulus, x = (mpz(1) << p) - 1, mpz(kind.start)
    for _ in range(iterations if iterations is not None else p - kind.subtract):
        x = (x * x - kind.subtract) % modulus
    if kind is Prp3 and iterations is None:
        x = x * gmpy2.invert(9, modulus) % modulus
    return x


@pytest.mark.parametrize("kind", [LucasLehmer, Prp3])
def test_every_prime_exponent(kind):
    for p in filter(gmpy2.is_prime, range(3, 800)):
        done = outcome(make(kind, p))
        assert done.residue == expected(kind, p), p
        assert done.is_prime == (p in (3, 5, 7, 13, 17, 19, 31, 61, 89, 107, 127, 521, 607)) and not done.errors


def test_residue_type_1():
    for p in (31, 37, 607, 613):
        assert outcome(make(Prp3, p)).residue == pow(3, 2**p - 2, 2**p - 1)


def test_cofactor():
    done = outcome(make(Prp3, 29))
    for factors, is_prime in (([233], False), ([233, 1103], True), ([233, 2089], True)):
        assert done.is_probable_cofactor(factors) == is_prime
    with pytest.raises(ValueError):
        done.is_probable_cofactor([7])


@pytest.mark.parametrize("kind", [LucasLehmer, Prp3])
@pytest.mark.parametrize("iterations", [1, 2, 100, 605])
def test_some_iterations(kind, iterations):
    done = outcome(make(kind, P, iterations=iterations))
    assert done.residue == expected(kind, P, iterations)
    assert done.finished == (kind is LucasLehmer and iterations == 605)


def wrong_bit(value, shape):
    return value ^ mpz(1) << 77, 0.01


@pytest.mark.parametrize("at", [1, 2, 50, 300, 604, 605])
@pytest.mark.parametrize("error", [0.41, 0.5, float("nan"), float("inf")])
@pytest.mark.parametrize("kind", [LucasLehmer, Prp3])
def test_roundoff_goes_back(kind, error, at):
    Squarer.faults = {at: lambda value, shape: (value + 1, error)}
    done = outcome(make(kind, P))
    assert done.is_prime and done.errors == {"Roundoff": 1} and done.max_roundoff == 0.01 and done.words == 1024


@pytest.mark.parametrize("p", [P, COMPOSITE])
@pytest.mark.parametrize("seed", range(3))
def test_gerbicz_catches_every_corruption(p, seed):
    rng = random.Random(seed)
    for _ in range(40):
        Squarer.done = 0
        bit = rng.randrange(p)
        Squarer.faults = {rng.randrange(1, p + 1): lambda value, shape, bit=bit: (value ^ mpz(1) << bit, 0.01)}
        done = outcome(make(Prp3, p))
        assert done.residue == expected(Prp3, p)
        assert done.errors.get("gerbicz", 0) + done.errors.get("Zeroed", 0) == 1


def test_jacobi_catches_half(monkeypatch):
    caught = 0
    rng = random.Random(1)
    for _ in range(60):
        Squarer.done = 0
        bit = rng.randrange(P)
        Squarer.faults = {rng.randrange(1, P - 2): lambda value, shape, bit=bit: (value ^ mpz(1) << bit, 0.01)}
        done = outcome(make(LucasLehmer, P))
        if done.errors:
            assert done.errors == {"Jacobi": 1} and done.is_prime
            caught += 1
        else:
            assert not done.is_prime
    assert 15 < caught < 45


def zero_data(value, shape):
    return mpz(0), 0.0


@pytest.mark.parametrize("kind", [LucasLehmer, Prp3])
@pytest.mark.parametrize("at", [1, 300, 600, 604, 605])
@pytest.mark.parametrize("value", [0, 2, -2, -1, 1])
def test_traps(kind, at, value):
    """A residue that became one of these never counts: the chain goes back and comes out right."""
    if kind is LucasLehmer and value == 1:
        return      # no fixed point
    for p in (P, COMPOSITE):
        Squarer.done = 0
        Squarer.faults = {at: lambda _, shape, p=p: (mpz(value) % (2**p - 1), 0.0)}
        done = outcome(make(kind, p))
        assert done.residue == expected(kind, p)
        if (kind, p, value, at) != (LucasLehmer, P, 0, 605):
            assert sum(done.errors.values()) == 1


def test_a_false_zero_at_the_end_finds_no_prime():
    Squarer.faults = {COMPOSITE - 2: zero_data}
    done = outcome(make(LucasLehmer, COMPOSITE))
    assert not done.is_prime and done.errors == {"Zeroed": 1} and done.residue == expected(LucasLehmer, COMPOSITE)


def run_with_short_transform(monkeypatch, bad_iterations, kind=LucasLehmer, **options):
    """Whatever runs through one of these iterations with 1024 words has a round-off error that depends on it alone."""

    class Short(Squarer):
        def iterate(self, count, subtract):
            begin = test.iteration
            error = super().iterate(count, subtract)
            hits = [i for i in bad_iterations if begin < i <= begin + count]
            return 0.42 + hits[0] / 1e6 if hits and self.shape.words == 1024 else error

    events = []
    test = kind(P, make_squarer=lambda shape: Short(P, shape), shape=Shape(1024), longer=longer, shift=5,
                emit=events.append, **options)
    return outcome(test), [event for event in events if isinstance(event, Fault)]


def test_the_same_error_twice_takes_a_longer_transform(monkeypatch, tmp_path):
    with SaveFiles(str(tmp_path), "ll607", "LL", P) as saves:
        done, faults = run_with_short_transform(monkeypatch, [300], saves=saves, save_every_s=0.0)
    assert done.is_prime and done.errors == {"Roundoff": 2, "Repeatable": 1}
    assert done.words == 1024       # it came back
    assert "2048 words" in faults[-1].message


def test_back_to_the_short_one_only_so_often(monkeypatch, tmp_path):
    monkeypatch.setattr(pace, "BATCH_S", 0.0)
    with SaveFiles(str(tmp_path), "ll607", "LL", P) as saves:
        done, faults = run_with_short_transform(monkeypatch, range(50, 600, 30), saves=saves, save_every_s=0.0)
    assert done.is_prime and done.words == 2048
    assert done.errors["Repeatable"] == MAX_RETURNS + 1


def test_without_saves_the_longer_one_stays(monkeypatch):
    done, _faults = run_with_short_transform(monkeypatch, [300])
    assert done.is_prime and done.words == 2048


def test_a_machine_that_fails_all_the_time():
    Squarer.faults = {i: lambda value, shape: (value, random.uniform(0.42, 0.5)) for i in range(1, 9999)}
    with pytest.raises(FaultError, match="6 times"):
        outcome(make(LucasLehmer, P))
    Squarer.done, Squarer.faults = 0, {i: lambda value, shape: (value, 0.45) for i in range(1, 9999)}
    with pytest.raises(FaultError, match="no longer transform|6 times"):
        outcome(make(LucasLehmer, P))


def saves_of(tmp_path, kind, p):
    return SaveFiles(str(tmp_path), f"{kind.kind}{p}", kind.kind, p)


@pytest.mark.parametrize("kind", [LucasLehmer, Prp3])
@pytest.mark.parametrize("p", [P, COMPOSITE])
def test_stopped_and_resumed_at_every_batch(kind, p, tmp_path):
    resumed = []
    with saves_of(tmp_path, kind, p) as saves:
        for _ in range(1000):
            calls = iter([False, True])
            try:
                done = outcome(make(kind, p, saves=saves, stop=lambda calls=calls: next(calls, True),
                                    emit=resumed.append))
                break
            except Interrupted as error:
                assert error.exit_code == 75
        assert done.residue == expected(kind, p)
        # Asked again after the end it answers at once.
        before = Squarer.done
        assert outcome(make(kind, p, saves=saves)).residue == done.residue
        assert Squarer.done == before
    points = [event.iteration for event in resumed if isinstance(event, Resumed)]
    assert len(points) >= 8 and points == sorted(points)


@pytest.mark.parametrize("kind", [LucasLehmer, Prp3])
def test_a_wrong_save_is_not_gone_on_from(kind, tmp_path):
    with saves_of(tmp_path, kind, P) as saves:
        calls = iter([False, False, True])
        with pytest.raises(Interrupted):
            outcome(make(kind, P, saves=saves, stop=lambda: next(calls)))
        saved, _ = saves.read()
        saves.write(replace(saved, iteration=saved.iteration + 1, residue=mpz(2 if kind is LucasLehmer else 0)))
        events = []
        done = outcome(make(kind, P, saves=saves, emit=events.append))
        assert done.is_prime
        resumed = next(event for event in events if isinstance(event, Resumed))
        assert resumed.iteration == saved.iteration and len(resumed.bad) == 1


def test_jacobi_on_the_way(tmp_path):
    """A check that is due often finds the error early and drops the saves behind the last verified one."""
    Squarer.faults = {300: wrong_bit}
    found = 0
    for bit in range(8):
        Squarer.done = 0
        Squarer.faults = {300: lambda value, shape, bit=bit: (value ^ mpz(1) << bit, 0.01)}
        with saves_of(tmp_path, LucasLehmer, P) as saves:
            done = outcome(make(LucasLehmer, P, saves=saves, save_every_s=0.0, jacobi_every_s=0.0))
            saves.finish()
        found += done.errors.get("Jacobi", 0)
        assert done.is_prime == bool(done.errors)
        assert Squarer.done < 2 * P
    assert 0 < found < 8


# --- a squarer whose state outlives the process, on a disk that fails -------------------


@pytest.fixture
def lasting():
    LastingSquarer.state, LastingSquarer.calls, LastingSquarer.blows = None, 0, {}
    yield LastingSquarer
    LastingSquarer.state, LastingSquarer.calls, LastingSquarer.blows = None, 0, {}


def make_lasting(kind, p, **options):
    options.setdefault("shift", random.randrange(p))
    return kind(p, make_squarer=lambda shape: LastingSquarer(p, shape), shape=Shape(1024), longer=longer, **options)


@pytest.mark.parametrize("save_every_s", [0.0, 600.0])
@pytest.mark.parametrize("kind", [LucasLehmer, Prp3])
@pytest.mark.parametrize("p", [P, COMPOSITE])
def test_killed_at_every_call_of_a_lasting_squarer(lasting, kind, p, save_every_s, tmp_path):
    """Whatever was on its disk and in save files goes together: the result is right, and no check is alarmed."""
    right, resumed, kills = expected(kind, p), [], 0
    for lifetime in (*range(1, 90), 10**9):
        lasting.calls, lasting.blows = 0, {lifetime: Killed()}
        with saves_of(tmp_path, kind, p) as saves:
            try:
                done = outcome(make_lasting(kind, p, saves=saves, save_every_s=save_every_s, emit=resumed.append))
                break
            except Killed:
                kills += 1
    assert done.residue == right and not done.errors and kills > 5
    points = [event.iteration for event in resumed if isinstance(event, Resumed)]
    # Behind a block nothing of a PRP test is taken up again before it is saved: the product would lack a factor.
    assert points and (max(points) > p // 2 or kind is Prp3 and save_every_s)


def test_a_lasting_state_goes_on_where_it_was(lasting, tmp_path):
    """No save file is written in between, and none is needed."""
    lasting.blows = {30: Interrupted("stopped", "it goes on", resumable=True)}
    with saves_of(tmp_path, LucasLehmer, P) as saves:
        with pytest.raises(Interrupted) as caught:
            outcome(make_lasting(LucasLehmer, P, saves=saves))
        assert caught.value.exit_code == 75 and str(caught.value) == "stopped; it goes on"
        assert saves.read() == (None, []) and lasting.state[1] > 100
        before, kept = Squarer.done, lasting.state[1]
        events = []
        done = outcome(make_lasting(LucasLehmer, P, saves=saves, emit=events.append))
    assert done.is_prime and events[0] == Resumed(P, kept, ())
    # The last thousandth is repeated for a zero.
    assert Squarer.done - before <= P - 2 - kept + 1


@pytest.mark.parametrize("kind", [LucasLehmer, Prp3])
def test_a_state_that_counts_from_another_point_is_not_taken(lasting, kind, tmp_path):
    lasting.blows = {40: Killed()}
    with saves_of(tmp_path, kind, P) as saves:
        with pytest.raises(Killed):
            outcome(make_lasting(kind, P, saves=saves, save_every_s=0.0))
        saved, _ = saves.read()
        lasting.state = (saved.iteration + 1, saved.iteration + 5, mpz(12345), 7)
        events = []
        done = outcome(make_lasting(kind, P, saves=saves, emit=events.append))
    assert done.is_prime and events[0].iteration == saved.iteration and not done.errors


def test_a_state_that_came_by_a_bad_point_is_not_taken(lasting, tmp_path):
    lasting.blows = {40: Killed()}
    with saves_of(tmp_path, LucasLehmer, P) as saves:
        with pytest.raises(Killed):
            outcome(make_lasting(LucasLehmer, P, saves=saves, save_every_s=0.0))
        saved, _ = saves.read()
        saves.write(replace(saved, residue=mpz(2)))
        begin, at, value, shift = lasting.state
        lasting.state = (begin, at, value + 1, shift)
        events = []
        done = outcome(make_lasting(LucasLehmer, P, saves=saves, emit=events.append))
    assert done.is_prime and events[0].iteration < saved.iteration and len(events[0].bad) == 1 and not done.errors


@pytest.mark.parametrize("kind, error", [(LucasLehmer, ChecksumError("block 5 of a is bad")),
                                         (Prp3, ReadError("cannot read a: EIO"))])
def test_what_a_disk_has_lost_is_computed_again(lasting, kind, error, tmp_path):
    """Calls fail twice in a row: at the start, in a batch, a check, a look, going back."""
    for call in (*range(1, 12), *range(12, 4000, 97)):
        lasting.state, lasting.calls, lasting.blows = None, 0, {call: error, call + 1: error}
        events = []
        with saves_of(tmp_path, kind, P) as saves:
            done = outcome(make_lasting(kind, P, saves=saves, save_every_s=0.0, emit=events.append))
            saves.finish()
        if lasting.calls < call:
            break
        assert done.is_prime and set(done.errors) == {"Disk"}, call
        faults = [event for event in events if isinstance(event, Fault)]
        assert faults[0].kind == "Disk" and faults[0].message.startswith(str(error).partition(";")[0] + "; going back")
    assert call > 100 and not done.errors


def test_a_disk_that_is_gone(lasting, tmp_path):
    lasting.blows = dict.fromkeys(range(30, 999), ReadError("cannot read a: no such device"))
    with saves_of(tmp_path, Prp3, P) as saves:
        with pytest.raises(FaultError, match="cannot read a: no such device, 6 times over; .*dmesg"):
            outcome(make_lasting(Prp3, P, saves=saves, save_every_s=0.0))
        lasting.blows = {}
        assert outcome(make_lasting(Prp3, P, saves=saves)).errors == {}


def test_fake_is_the_oracle():
    with fake_squarer.Squarer(7, Shape(1024)) as one:
        one.load(mpz(4), 3)
        one.iterate(5, 2)
        assert one.value() == 0 and one.shift == 3 * 32 % 7
