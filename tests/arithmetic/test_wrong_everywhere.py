"""A wrong value in front of each check of a computation: the check that is meant for it names it."""

from dataclasses import replace

import numpy as np
import pytest
import xxhash

from bigconst.arithmetic import packed
from bigconst.arithmetic.memory.machine import MemoryMachine, MemoryNumber
from bigconst.arithmetic.words import Words
from bigconst.base.errors import FaultError
from bigconst.base.formats import WORDS
from bigconst.constants import digits, engine, files, golden, roots
from bigconst.constants.golden import PHI
from bigconst.constants.planning import make_plan
from bigconst.runtime.threads import Pool

DIGITS = 3_000


class Sink:
    """What reaches a file, by offset."""

    def __init__(self):
        self.pieces = {}

    def write_at(self, offset, data):
        self.pieces[offset] = bytes(data)


def run(certificate=None):
    """A short run in memory; the text that was written."""
    text = Sink()
    engine.run(make_plan(PHI, DIGITS, 10, 1, 1 << 40, certified=certificate is not None), text, lambda event: None,
               certificate)
    return text.pieces


def after(monkeypatch, owner, name, spoil):
    """Call spoil(result, *arguments) after owner.name(*arguments), and hand on what it returns."""
    original = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *arguments, **named: spoil(original(*arguments, **named), *arguments))


def test_the_same_run_without_a_wrong_value():
    assert run(Sink())[0].startswith(b"1.6180339887498948482")


def test_integer_part(monkeypatch):
    def spoil(x, *arguments):
        if isinstance(x, MemoryNumber):
            x.words[-1] = 2
        return x

    after(monkeypatch, golden, "x_of_golden", spoil)
    with pytest.raises(FaultError, match="^the integer part is wrong; run it again"):
        run()


def test_a_word_that_is_no_digits(monkeypatch):
    """The residue of the text would not show it: there is none of characters that are no digits."""
    def spoil(nothing, buffer, words, base):
        buffer[7] = ord("/")

    after(monkeypatch, digits, "write_text", spoil)
    with pytest.raises(FaultError, match="^the text holds a character that is not a digit; run it again"):
        run()


def test_the_root(monkeypatch):
    def spoil(nothing, words, out, *rest):
        out[3] ^= 1

    after(monkeypatch, Words, "shift_bits", spoil)
    with pytest.raises(FaultError, match="^a sum does not have the residue of its parts; run it again"):
        run()


def test_a_last_digit_that_all_residues_agree_with(monkeypatch):
    """A digit too many in x and in its residue: only the identity of the certificate knows better."""
    certificate = Sink()

    def spoil(x, machine, bounds, y):
        if not isinstance(x, MemoryNumber):
            return x
        size = bounds.guard_range
        x.source.add_at(x.words, 0, size)
        return replace(x, residue=x.residue + size)

    after(monkeypatch, golden, "x_of_golden", spoil)
    with pytest.raises(FaultError, match="^the ladder does not prove its digits; run it again"):
        run(certificate)
    assert 0 not in certificate.pieces, "a header makes it a certificate"
    monkeypatch.setattr(roots, "_statement", lambda *arguments: None)
    with pytest.raises(FaultError, match="^the remainder of the digits is not within its bounds; run it again"):
        run(certificate)
    assert 0 not in certificate.pieces, "a header makes it a certificate"


@pytest.mark.parametrize("operation,number", [("products", "r"), ("low", "low v"), ("low", "low u")])
def test_the_numbers_of_a_certificate_in_memory(operation, number, monkeypatch):
    certificate = Sink()
    if number == "r":
        monkeypatch.setattr(roots, "_statement", lambda *arguments: None)

    def spoil(made, machine, name, *rest):
        if name == number:
            made.words[len(made.words) // 2 if number == "r" else 0] ^= 1
        return made

    after(monkeypatch, MemoryMachine, operation, spoil)
    with pytest.raises(FaultError, match="^a number of the certificate changed in memory; run it again"):
        run(certificate)
    assert 0 not in certificate.pieces


def test_parameters_that_change_after_they_were_checked(monkeypatch):
    certificate = Sink()
    monkeypatch.setattr(files, "ladder_statement", lambda *arguments: None)
    with pytest.raises(FaultError, match="^the certificate's parameters are out of their bounds; run it again"):
        run(certificate)
    assert 0 not in certificate.pieces


def test_a_packed_piece(monkeypatch):
    def spoil(nothing, limbs, words, radix):
        limbs[0] ^= 1

    after(monkeypatch, packed, "pack", spoil)
    file = Sink()
    with Pool(1) as pool, pytest.raises(FaultError, match="^a piece of the certificate was packed wrongly; run it"):
        r = np.arange(1000, dtype=np.int32)
        packed.write_packed(Words(WORDS[10], pool), 1000, lambda start, stop: r[start:stop], file, xxhash.xxh3_128(),
                            4096)
    assert file.pieces == {}
    monkeypatch.undo()
    with Pool(1) as pool:
        packed.write_packed(Words(WORDS[10], pool), 1000, lambda start, stop: r[start:stop], file, xxhash.xxh3_128(),
                            4096)
    assert list(file.pieces) == [4096]


@pytest.mark.parametrize("word", [-1, 10**5 + 7, 10**6, -2**31])
def test_a_word_that_is_none(word):
    with Pool(1) as pool:
        words = Words(WORDS[10], pool)
        number = words.from_int(10**40 - 1, 20)
        assert words.to_int(number) == 10**40 - 1
        number[2] = word
        with pytest.raises(FaultError, match="^a number in memory holds a word out of range; run it again"):
            words.to_int(number)
