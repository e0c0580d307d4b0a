"""`--verify`: a second run with another shift and length notices what the checks of the first one cannot see."""

import os

import gmpy2
import pytest
from gmpy2 import mpz

from bigconst.arithmetic.memory import squarer as squarers
from bigconst.base import failpoints
from bigconst.base.errors import InputOutputError, Interrupted, VerificationError
from bigconst.cli import main
from bigconst.mersenne import pace
from bigconst.mersenne.events import Repeated, Resumed
from bigconst.mersenne.repetition import COUNT, Residues, landmarks
from bigconst.mersenne.savefile import Saved
from bigconst.runs import mersenne
from bigconst.runs.mersenne import MersenneRequest, completed

P = 2203


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def unnoticed(s, modulus):
    """Another s with the same Jacobi symbol of s - 2, and of all that follows from it."""
    return next(t for c in range(3, 999) if gmpy2.jacobi((t := ((s - 2) * c * c + 2) % modulus) + 2, modulus) == 1)


def spoil(monkeypatch, at, runs=(1,)):
    """In runs of these numbers the residue after iteration `at` becomes another one, which no check can see."""
    squarer, made = squarers.Squarer, []

    class Spoilt(squarer):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)
            self.number, self.at = len(made), 0

        def restore(self, value, shift, iteration):
            self.load(value, shift, iteration)
            return iteration

        def load(self, value, shift=0, iteration=None):
            super().load(value, shift)
            self.at = iteration if iteration is not None else self.at

        def iterate(self, count, subtract):
            first = at - self.at
            self.at += count
            if self.number not in runs or not 0 < first <= count:
                return super().iterate(count, subtract)
            error = super().iterate(first, subtract)
            shift = self.shift
            squarer.load(self, unnoticed(self.value(), 2**P - 1), shift)
            return max(error, super().iterate(count - first, subtract))

    monkeypatch.setattr(squarers, "Squarer", Spoilt)


def run(kind="LL", stop=lambda: False, **options):
    """(outcome, events) of a verified test; the outcome is None where it was not handed over."""
    events, outcomes = [], []
    options.setdefault("directory", ".")
    try:
        with completed(MersenneRequest(kind, P, 1, verify=True, **options), stop, events.append) as outcome:
            outcomes.append(outcome)
    finally:
        run.events = events
    (outcome,) = outcomes
    return outcome


@pytest.mark.parametrize("command, lines", [
    ("ll 1279 2207 31 --no-factor", ["M1279 is prime, verified", None, "M31 is prime, verified"]),
    ("prp 1279 2 --shift 5", ["M1279 is a probable prime, base 3, verified", "M2 is prime, verified"]),
    ("ll 22679 --iterations 100 --fft 1536", None),
    ("ll 2039 --verify", ["M2039 is composite: 2^2039-1 is divisible by 4079"]),
])
def test_lines(command, lines, capsys):
    assert main([*command.split(), "--verify"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert all(line.endswith(", verified") or "divisible" in line for line in out)
    assert lines is None or [line for line, wanted in zip(out, lines, strict=True) if wanted not in (None, line)] == []
    assert os.listdir() == []


@pytest.mark.parametrize("kind", ["LL", "PRP-3"])
def test_two_transforms_and_shifts(kind, monkeypatch):
    made = []

    class Seen(squarers.Squarer):
        def restore(self, value, shift, iteration):
            made.append((self.shape.words, shift))
            return super().restore(value, shift, iteration)

    monkeypatch.setattr(squarers, "Squarer", Seen)
    assert run(kind, shift=7).verified
    assert [words for words, _ in made] == [1024, 1536] and made[0][1] == 7 != made[1][1]
    assert [event.shape.words for event in run.events if isinstance(event, Repeated)] == [1536]


def test_of_the_longest_transform_the_second_run_takes_a_shorter_one(monkeypatch):
    monkeypatch.setattr(mersenne, "longer", lambda shape: None)
    assert run(words=1536).verified
    assert [event.shape.words for event in run.events if isinstance(event, Repeated)] == [1024]
    assert run().verified       # there is none
    assert [event.shape.words for event in run.events if isinstance(event, Repeated)] == [1024]


@pytest.mark.parametrize("at", [7, 1000, 2200])
def test_a_wrong_first_run_is_found_at_the_next_landmark(monkeypatch, at):
    spoil(monkeypatch, at)
    marks = landmarks(P - 2)
    found = min((mark for mark in marks if mark >= at), default=P - 2)
    before = [mark for mark in marks if mark < found]
    agreed = f"they agreed at {len(before)} points, the last one iteration {max(before, default=0):,};"
    for _ in range(2):      # what was saved behind the last agreement is computed again, and differs again
        with pytest.raises(VerificationError) as caught:
            run()
        assert caught.value.exit_code == 1
        assert f"two runs of M2203 differ at iteration {found:,}, " in str(caught.value)
        assert (agreed if before else "the first point that they share") in str(caught.value)
        assert "remove ll2203.* and ll2203-verify.*" in str(caught.value)
    for name in os.listdir():
        assert name.startswith(("ll2203.", "ll2203-verify."))
        os.unlink(name)
    assert run().is_prime


def test_a_wrong_second_run_is_right_when_it_is_repeated(monkeypatch):
    spoil(monkeypatch, 1000, runs=(2,))
    with pytest.raises(VerificationError):
        run()
    last = max(mark for mark in landmarks(P - 2) if mark < 1000)
    assert run().verified
    assert [event.iteration for event in run.events if isinstance(event, Resumed)] == [P - 2, last]
    assert os.listdir() == []


@pytest.mark.parametrize("kind", ["LL", "PRP-3"])
def test_interrupted_again_and_again(kind, monkeypatch):
    """Both runs are stopped after every few batches; nothing that was compared is lost."""
    monkeypatch.setattr(pace, "BATCH_S", 0.0)
    resumed, compared, outcome = [], set(), None
    for _ in range(400):
        calls = iter(range(300))
        try:
            outcome = run(kind, lambda calls=calls: next(calls) >= 200)
            break
        except Interrupted as error:
            assert error.exit_code == 75
        resumed += [event.iteration for event in run.events if isinstance(event, Resumed)]
        compared |= set(Residues(".", f"{'ll' if kind == 'LL' else 'prp'}{P}").read())
    assert outcome.is_prime and outcome.verified and len(resumed) > 10
    assert compared == set(landmarks(outcome.iterations)) and len(compared) == COUNT - 1
    assert os.listdir() == []


def test_a_disk_that_takes_no_residues():
    for failures, why in (("residue.append=ENOSPC@10", "No space"), ("residue.sync=EIO@5", "Input/output")):
        with failpoints.active(failures), pytest.raises(InputOutputError, match=f"ll2203.residues: {why}"):
            run()
    assert run().verified


def test_the_file(tmp_path):
    residues = Residues(str(tmp_path), "ll7")
    assert residues.read() == {}
    points = [Saved("LL", 7, 1, mpz(14)), Saved("LL", 7, 2, mpz(67)), Saved("LL", 7, 1, mpz(0))]
    for point in points:
        assert residues.note(point) is False
    path = tmp_path / "ll7.residues"
    whole = residues.read()
    first, second, third = path.read_text().splitlines(keepends=True)
    assert set(whole) == {1, 2} and whole[1] == third.split()[1] != first.split()[1]
    data = path.read_bytes()
    for bit in range(0, 8 * len(data), 5):        # a line that is damaged is none
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        path.write_bytes(broken)
        assert set(residues.read().items()) <= {*whole.items(), (1, first.split()[1])}
    path.write_text(first + second[:-5])
    assert set(residues.read()) == {1}
    residues.note(points[1])
    assert residues.read()[2] == whole[2]
    residues.remove()
    residues.remove()
    assert os.listdir(tmp_path) == []


def test_landmarks():
    assert landmarks(1) == [] and landmarks(5) == [1, 2, 3, 4]
    assert landmarks(6400) == [100 * k for k in range(1, 64)]
