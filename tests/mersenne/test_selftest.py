"""The self-test: what it covers, that sound squarings pass and wrong ones do not, and what the command says."""

import re
from dataclasses import replace

import fake_squarer
import pytest

from bigconst import cli
from bigconst.arithmetic.memory.squarer import Squarer
from bigconst.mersenne import selftest
from bigconst.plans.dwtshape import dwt_shape, lengths

LONG = selftest.long_cases([1, 2])
ROWS = selftest.rows()
LENGTHS = [shape for shape in lengths() if shape.words <= 4096 << 10]


def residues_of(row):
    return row.res64, row.mod_2_35_1, row.mod_2_36_1


def test_long_has_all_rows_with_all_threads():
    assert len(ROWS) == 123
    for threads in (1, 2):
        found = {(case.kind, case.exponent, case.iterations, case.expected) for case in LONG
                 if case.threads == threads and case.shape == dwt_shape(case.exponent)}
        for row in ROWS:
            here = (row.kind, row.exponent, row.iterations, residues_of(row)) in found
            assert here == (row.iterations <= 1000 or row.exponent < 3_000_000)


def test_long_has_all_lengths_at_their_limit_and_with_a_published_residue():
    for shape in LENGTHS:
        for threads in (1, 2):
            here = [case for case in LONG if case.shape == shape and case.threads == threads]
            assert any(case.exponent > 0.98 * shape.max_exponent and case.expected is None for case in here)
            for kind in ("LL", "PRP-3"):
                held = {row.exponent for row in ROWS if row.kind == kind and row.exponent <= shape.max_exponent}
                assert bool(held) == (shape.words > 1024)       # no published exponent is that small
                assert not held or max(held) in {case.exponent for case in here if case.kind == kind}
    assert max(case.shape.words for case in LONG) == 4096 << 10


def test_long_begins_with_what_tells_most_and_has_nothing_twice():
    assert len(set(LONG)) == len(LONG)
    first = [case.iterations == 100 for case in LONG]
    assert first == sorted(first, reverse=True) and {case.shape for case in LONG[:sum(first)]} >= set(LENGTHS)
    for part in (LONG[:sum(first)], LONG[sum(first):]):
        assert [case.cost for case in part] == sorted(case.cost for case in part)
    assert all(case.shape.min_exponent <= case.exponent <= case.shape.max_exponent for case in LONG)


def small_cases(threads=1):
    return [case for case in selftest.long_cases([threads]) if case.cost < 1 << 24 and case.shape.words <= 8192]


def test_gmpy2_finds_what_is_published():
    """The squarer of the tests is integers: rows, kinds and counts are read as they are meant."""
    cases = [case for case in small_cases() if case.exponent <= 22679 and case.iterations == 100]
    assert {case.kind for case in cases} == {"LL", "PRP-3"} and None in {case.expected for case in cases}
    assert all(verdict.ok for verdict in selftest.run(cases, fake_squarer.Squarer))


@pytest.mark.parametrize("threads", [1, 2])
def test_sound_squarings_pass(threads):
    """All of the small cases with one thread, with two those of 100 iterations."""
    cases = [case for case in small_cases(threads) if threads == 1 or case.iterations == 100]
    verdicts = list(selftest.run(cases, Squarer))
    assert [verdict for verdict in verdicts if not verdict.ok or not 0 < verdict.roundoff < 0.40625] == []
    assert {verdict.case.shape for verdict in verdicts} == {shape for shape in LENGTHS if shape.words <= 8192}


@pytest.mark.parametrize("fault", [lambda value, shape: (value ^ 1 << 20, 0.01), lambda value, shape: (value, 0.41),
                                   lambda value, shape: (value, float("nan"))], ids=["bit", "round-off", "nan"])
@pytest.mark.parametrize("squaring", [1, 77, 150])
def test_wrong_squarings_do_not(monkeypatch, fault, squaring):
    case = next(case for case in small_cases() if case.expected is None)        # 100 squarings, and once more
    monkeypatch.setattr(fake_squarer.Squarer, "done", 0)
    monkeypatch.setattr(fake_squarer.Squarer, "faults", {squaring: fault})
    monkeypatch.setattr(selftest, "BATCH", 30 * case.shape.words)
    first, second = selftest.run([case, case], fake_squarer.Squarer)
    assert not first.ok and second.ok


def test_a_residue_that_is_not_the_published_one():
    case = next(case for case in small_cases() if case.expected is not None)
    for place in range(3):
        wrong = replace(case, expected=tuple(value ^ (i == place) for i, value in enumerate(case.expected)))
        assert [verdict.ok for verdict in selftest.run([case, wrong], Squarer)] == [True, False]


def test_batches_are_those_of_the_whole(monkeypatch):
    case = next(case for case in small_cases() if case.iterations == 1000)
    monkeypatch.setattr(selftest, "BATCH", 300 * case.shape.words)
    done = []
    value, _ = selftest.compute(Squarer, case, case.shape, 5, between=done.append)
    assert done == [300, 300, 300, 100] and selftest.residues(value) == case.expected


# -- the command ----------------------------------------------------------------------

def call(capsys, *arguments):
    code = cli.main(["selftest", *arguments])
    captured = capsys.readouterr()
    return code, captured.out.splitlines(), captured.err


@pytest.fixture
def few(monkeypatch):
    """Few rows and lengths."""
    rows = [row for row in ROWS if row.exponent == 22679 and row.iterations <= 1000]
    monkeypatch.setattr(selftest, "rows", lambda: rows)
    monkeypatch.setattr(selftest, "LONGEST_WORDS", 4096)
    count = sum(shape.words <= 4096 for shape in LENGTHS)
    return count + 2 * (count - 1) + 2      # each at its limit, all but 1K with a published exponent of each test


def test_long_says_how_long_first_and_how_far_it_is(capsys, few):
    code, out, err = call(capsys, "--long", "--threads", "2")
    count = len(out) - 1
    assert code == 0 and err.startswith(f"{count} cases, about ") and count == 2 * few
    assert all(line.startswith("ok ") and f"  [{i}/{count}, " in line for i, line in enumerate(out[:-1], 1))
    assert out[-1] == f"all {count} residues are right"
    assert any(re.search(r"LL M2\d{4}, 100 iterations, 1K words against 1536, 1 thread, shift", line) for line in out)


@pytest.mark.parametrize("wrong", [False, True])
def test_interrupts(capsys, few, monkeypatch, wrong):
    run = selftest.run

    def interrupted(cases, squarer):
        for verdict, _ in zip(run(cases, squarer), range(3), strict=False):
            yield replace(verdict, ok=not wrong)
        raise KeyboardInterrupt

    monkeypatch.setattr(selftest, "run", interrupted)
    code, out, err = call(capsys, "--long", "--threads", "1")
    assert len(out) == 3
    if wrong:
        assert code == 1 and "bigconst: 3 of 3 self-tests failed (LL M22679, " in err
    else:
        assert code == 130 and f"bigconst: interrupted, 3 of {few} cases were right; " in err
