"""Save files: what is written comes back, and nothing else is ever taken for it."""

import os
import random

import pytest
from gmpy2 import mpz

from bigconst.errors import InputOutputError
from bigconst.mersenne.savefile import Damaged, Saved, SaveFiles, decode, encode

P = 1009


def saved(iteration, verified=False, **more):
    return Saved("LL", P, iteration, mpz(random.getrandbits(P - 1)), verified=verified, **more)


def files(tmp_path, kind="LL", exponent=P):
    return SaveFiles(str(tmp_path), f"ll{P}", kind, exponent)


@pytest.mark.parametrize("product", [None, mpz(0), mpz(2)**P - 2])
def test_round_trip(product):
    one = saved(7, True, product=product, block=10, shift=3, errors={"Roundoff": 2})
    assert decode(encode(one)) == one


def test_every_damage_is_seen():
    data = encode(saved(7))
    for bit in range(0, 8 * len(data), 5):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Damaged):
            decode(bytes(broken))
    for end in range(len(data)):
        with pytest.raises(Damaged):
            decode(data[:end])


def test_generations(tmp_path):
    with files(tmp_path) as all_:
        assert all_.read() == (None, [])
        for iteration in range(1, 20):
            last = saved(iteration, iteration in (3, 5, 8))
            all_.write(last)
        kept = sorted(int(name.split(".")[1]) for name in os.listdir(tmp_path) if name.endswith(".save"))
        assert kept == [5, 8, 17, 18, 19]
        assert all_.read() == (last, [])
        all_.drop_after(8)
        assert all_.read()[0].iteration == 8
        all_.finish()
        assert all_.read() == (None, [])
    assert os.listdir(tmp_path) == []


def test_a_bad_one_is_put_aside_and_the_next_used(tmp_path):
    with files(tmp_path) as all_:
        for iteration in (1, 2, 3):
            path = all_.write(saved(iteration))
        os.truncate(path, os.path.getsize(path) // 2)
        found, bad = all_.read(lambda each: each.iteration != 2)
        assert found.iteration == 1 and len(bad) == 2
        assert os.path.exists(path + ".bad") and not os.path.exists(path)


def test_all_bad_never_starts_over(tmp_path):
    with files(tmp_path) as all_:
        for iteration in (1, 2):
            os.truncate(all_.write(saved(iteration)), 10)
        for _ in range(2):
            with pytest.raises(InputOutputError, match="all save files"):
                all_.read()


def test_of_another_exponent(tmp_path):
    with files(tmp_path) as all_:
        all_.write(saved(1))
    with files(tmp_path, exponent=P + 4) as other, pytest.raises(InputOutputError, match="M1009"):
        other.read()


def test_one_process_at_a_time(tmp_path):
    with files(tmp_path), pytest.raises(InputOutputError, match="another process"), files(tmp_path):
        pass


def test_a_failed_write_leaves_the_older_ones(tmp_path, monkeypatch):
    with files(tmp_path) as all_:
        all_.write(saved(1))

        def full(fd):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(InputOutputError, match="No space"):
            all_.write(saved(2))
        assert all_.read()[0].iteration == 1
        assert not [name for name in os.listdir(tmp_path) if name.endswith(".new")]
