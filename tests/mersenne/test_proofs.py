"""Proofs of probable prime tests: made, checked, forged, killed on the way, and exchanged."""

import hashlib
import json
import os
import random
import shutil
from types import SimpleNamespace

import pytest
from interrupted_runs import at_failpoints, kill
from plain_proof import check

from bigconst.base import failpoints
from bigconst.base.errors import FaultError, Interrupted
from bigconst.cli import main
from bigconst.mersenne import prooffile
from bigconst.mersenne.keptresidues import KeptResidues
from bigconst.mersenne.proof import Multiplier
from bigconst.plans.proofplan import default_power, kept_bytes, kept_iterations


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def content(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def made(p, power):
    assert main(f"prp {p} --no-factor --threads 1 --proof {power}".split()) == 0
    return content(f"{p}-{power}.proof")


# --- what is kept ------------------------------------------------------------------------

def test_iterations_whose_residues_are_kept():
    assert kept_iterations(25, 3) == [4, 7, 11, 13, 17, 20, 24, 25]
    found = kept_iterations(216091, 9)
    assert found[:4] == [423, 845, 1268, 1689] and found[-2:] == [215674, 216091] and len(found) == 512
    assert kept_bytes(57885161, 9) == 512 * (7235646 + 16)
    with pytest.raises(ValueError):
        kept_iterations(1031, 12)


@pytest.mark.parametrize("p,power", [
    (1031, 5), (105_000, 5), (420_000, 5), (420_001, 6), (1_700_001, 7), (6_700_001, 8), (57_885_161, 9),
    (106_500_001, 10), (414_200_001, 11), (2_000_000_011, 11)])
def test_power_by_exponent(p, power):
    assert default_power(p) == power


# --- made and checked ----------------------------------------------------------------------

@pytest.mark.parametrize("p,power", [(1031, 1), (1033, 2), (1279, 3), (2203, 6), (2207, 7), (3217, 5), (4423, 8),
                                     (9941, 9), (11213, 4), (9973, 5)])
def test_a_proof_holds_for_another_checker(capsys, p, power):
    data = made(p, power)
    residue = pow(3, 2**p - 2, 2**p - 1)
    assert check(data) == (p, power, True, residue)
    assert sorted(os.listdir()) == [f"{p}-{power}.proof"]
    capsys.readouterr()
    assert main(["verify", f"{p}-{power}.proof"]) == 0
    said = capsys.readouterr().out
    assert hashlib.md5(data).hexdigest() in said and "the proof holds" in said
    assert "probable prime" in said if residue == 1 else f"composite, res64 {residue % 2**64:016X}" in said


def test_length_of_a_file(capsys):
    assert len(prooffile.encode(prooffile.Proof(216091, 1, (1,) * 9))) == 270_175


def test_a_flipped_bit_is_refused(capsys):
    data, chance = made(1279, 4), random.Random(1)
    begin = data.index(b"NUMBER=M1279\n") + 13
    for at in [*range(8 * begin), *(chance.randrange(8 * begin, 8 * len(data)) for _ in range(60))]:
        forged = bytearray(data)
        forged[at // 8] ^= 1 << at % 8
        write("forged.proof", forged)
        assert main(["verify", "forged.proof"]) in (1, 2, 3), at
    assert main(["verify", "1279-4.proof"]) == 0


@pytest.mark.parametrize("bits", [32, 48])
def test_shorter_hashes(capsys, monkeypatch, bits):
    with monkeypatch.context() as patch:
        patch.setattr(prooffile.Proof.__init__, "__defaults__", (bits,))
        data = made(2203, 4)
    assert f"HASHSIZE={bits}".encode() in data and check(data)[2]
    assert main(["verify", "2203-4.proof"]) == 0


def test_a_small_number_of_somebody_else(capsys):
    p = 127
    residues, x = {}, 3
    for i in range(1, p + 1):
        x = x * x % (2**p - 1)
        residues[i] = x
    proof = prooffile.Proof(p, residues[p], (residues[kept_iterations(p, 1)[0]],))
    write("127-1.proof", prooffile.encode(proof))
    assert check(content("127-1.proof"))[2] and main(["verify", "127-1.proof"]) == 0
    write("127-1.proof", prooffile.encode(prooffile.Proof(p, residues[5], proof.middles)))
    assert main(["verify", "127-1.proof"]) == 1


@pytest.mark.parametrize("old,new,code,why", [
    (b"PRP PROOF", b"PRP PROOV", 3, "does not begin with 'PRP PROOF'"),
    (b"VERSION=2", b"VERSION=1", 2, "of version 1, not 2"), (b"VERSION=2\n", b"", 2, "of version none"),
    (b"POWER=4", b"POWER=4x2", 2, "has a power multiplier (POWER=4x2)"),
    (b"POWER=4", b"POWER=13", 2, "POWER=13 is not 1 to 12"), (b"HASHSIZE=64", b"HASHSIZE=65", 2, "65 is not 32 to 64"),
    (b"NUMBER=M2203", b"NUMBER=M2203/4407", 2, "is about a cofactor (M2203/4407)"),
    (b"M2203", b"M2204", 2, "no Mersenne"), (b"NUMBER=M2203", b"NUMBER=F20", 2, "NUMBER=F20 is no"),
    (b"POWER=4\n", b"BASE=5\nPOWER=4\n", 2, "BASE= is not known"),
    (b"POWER=4\n", b"POWER=4\nPOWER=4\n", 3, "the header of the proof is damaged"),
    (b"POWER=4", b"POWER=3", 3, "bytes, a proof")])
def test_files_that_are_refused(capsys, old, new, code, why):
    data = prooffile.encode(prooffile.Proof(2203, 5, (7, 7, 7, 7)))
    write("a.proof", data.replace(old, new, 1))
    assert main(["verify", "a.proof"]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert why in line and line.isprintable()


def test_residues_that_no_test_leaves(capsys):
    for residue in (0, 2**2203 - 1):
        write("a.proof", prooffile.encode(prooffile.Proof(2203, 5, (7, residue))))
        assert main(["verify", "a.proof"]) == 3
    assert "residue 2 is not one of 1 .. 2^2203-2" in capsys.readouterr().err
    assert main(["verify", "none.proof"]) == 3 and main(["verify", "a.proof", "--constant", "phi"]) == 2


@pytest.mark.parametrize("command,why", [
    ("prp 2203 --proof 4 --iterations 100", "needs the whole test"),
    ("prp 1021 --proof", "M1021 is too small for a proof"),
    ("prp 1031 --proof 12 --no-factor", "too small for a proof of power 12")])
def test_proofs_that_cannot_be(capsys, command, why):
    assert main(command.split()) == 2
    assert why in capsys.readouterr().err and not os.listdir()


# --- trouble on the way -----------------------------------------------------------------------

def test_full_disk_makes_the_proof_shorter(capsys):
    whole = made(4423, 5)
    with failpoints.active("proof.keep=ENOSPC@3"):
        assert main("prp 4423 --no-factor --threads 1 --proof 5 --dir .".split()) == 0
    said = capsys.readouterr()
    assert "No space left" in said.err and "has power 4 instead of 5" in said.err
    assert said.out == 2 * "M4423 is a probable prime, base 3\n"
    shorter = content("4423-4.proof")
    assert check(shorter)[:3] == (4423, 4, True)
    assert shorter[-4 * 553:] == whole[-5 * 553:-553]       # the middles are those of the longer one
    with failpoints.active("proof.keep=ENOSPC"):
        assert main("prp 4423 --no-factor --threads 1 --proof 5".split()) == 0
    assert "no proof, since residues" in capsys.readouterr().err


def test_no_room_from_the_start(capsys, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    assert main("prp 4423 --no-factor --proof 5".split()) == 4
    assert "keeps 17.8 KiB of residues" in capsys.readouterr().err and not os.listdir()
    write("worktodo.txt", b"PRP=1,2,110503,-1\n")
    assert main(["work"]) == 2
    assert "keeps 432 KiB of residues" in capsys.readouterr().err and content("worktodo.txt") == b"PRP=1,2,110503,-1\n"


@pytest.mark.parametrize("at", [3, 31])
def test_a_wrong_residue_makes_the_proof_shorter(capsys, monkeypatch, at):
    """Right in its checksum, and yet wrong: the check of the proof finds out."""
    store = KeptResidues.store
    monkeypatch.setattr(KeptResidues, "store",
                        lambda self, r, residue: store(self, r, residue ^ 1 if r == at else residue))
    assert main("prp 4423 --no-factor --threads 1 --proof 5".split()) == 0
    assert "has power 4 instead of 5" in capsys.readouterr().err
    assert check(content("4423-4.proof"))[:3] == (4423, 4, True) and not os.path.exists("4423-5.proof")


def test_a_damaged_record_is_missing(tmp_path):
    kept = KeptResidues(str(tmp_path / "kept"), 1279)
    kept.store(2, 12345)
    assert kept.read(2) == 12345 and kept.read(1) is None and kept.read(3) is None
    data = bytearray(content(kept.path))
    data[200] ^= 1
    write(kept.path, data)
    assert kept.read(2) is None


def test_round_off_takes_a_longer_transform(monkeypatch):
    from fake_squarer import Shape, Squarer, longer

    monkeypatch.setattr(Squarer, "faults", {Squarer.done + 5: lambda value, shape: (value + 1, float("nan"))})
    with Multiplier(89, lambda shape: Squarer(89, shape), Shape(1024), longer, lambda: False) as multiplier:
        assert multiplier.power_times(7, 1000, 11) == 7**1000 * 11 % (2**89 - 1)
        assert multiplier._shape == Shape(2048)
        assert [multiplier.power_times(7, h, 11) for h in (0, 1, 2, 3, 8)] == [11 * 7**h % (2**89 - 1)
                                                                                for h in (0, 1, 2, 3, 8)]
        monkeypatch.setattr(Squarer, "iterate", lambda self, count, subtract: 0.5)
        with pytest.raises(FaultError, match="in a proof, and there is no longer transform"):
            multiplier.power_times(7, 1000, 11)
    with (Multiplier(89, None, Shape(1024), longer, lambda: True) as multiplier,
          pytest.raises(Interrupted, match="while a proof is made")):
        multiplier.power_times(7, 1000, 11)


def test_killed_on_the_way(tmp_path):
    """The proof has the same bytes as that of an undisturbed test, and its result is written once."""
    expected, p = made(110503, 5), 110503
    (tmp_path / "w").mkdir()
    write("w/worktodo.txt", b"PRP=1,2,110503,-1\n")
    for place in ("proof.keep=kill@3", "proof.keep=kill@9", "save.rename=kill@2", "proof.keep=kill@12",
                  "proof.write=kill@2", "proof.rename=kill@2", "proof.rename=kill@3", "proof.write=torn@1",
                  "result.append=kill@1"):
        kill("work w --threads 1 --save-every 1e-6", at_failpoints(place))
    assert main("work w --threads 1".split()) == 0
    assert content(f"w/{p}-5.proof") == expected
    (line,) = content("w/results.json.txt").splitlines()
    assert json.loads(line)["proof"] == {
        "version": 2, "power": 5, "hashsize": 64, "md5": hashlib.md5(expected).hexdigest()}
    assert sorted(os.listdir("w")) == [f"{p}-5.proof", "results.json.txt", "worktodo.txt"]


# --- the queue ---------------------------------------------------------------------------------

def test_the_queue_makes_no_proof_of_small_numbers_or_cofactors(capsys):
    write("worktodo.txt", b'PRP=1,2,4423,-1\nPRP=1,2,2207,-1,76,0,3,5,"123593"\n')
    assert main(["work"]) == 0
    assert not any(name.endswith(".proof") for name in os.listdir())
    assert all("proof" not in json.loads(line) for line in content("results.json.txt").splitlines())


@pytest.mark.parametrize("p,count", [(4423, 300), (127, 40)])
def test_a_certificate(capsys, p, count):
    start = random.Random(p).randrange(2, 2**p - 2)
    write(f"M{p}.cert", start.to_bytes((p + 7) // 8, "little"))
    aid = "0123456789ABCDEF" * 2
    write("worktodo.txt", f"Cert={aid},1,2,{p},-1,{count}\n".encode())
    assert main(["work"]) == 0
    x = start
    for _ in range(count):
        x = x * x % (2**p - 1)
    expected = hashlib.sha3_256(x.to_bytes((p + 7) // 8, "little")).digest()[::-1].hex().upper()
    (line,) = content("results.json.txt").splitlines()
    found = json.loads(line)
    assert (found["worktype"], found["exponent"], found["squarings"], found["sha3-hash"], found["aid"]) == (
        "Cert", p, count, expected, aid)
    assert expected in capsys.readouterr().out and content("worktodo.txt") == b""


@pytest.mark.parametrize("data", [None, b"", b"\0" * 553, b"\x7f" + b"\xff" * 552, b"1" * 552, b"1" * 554])
def test_a_certificate_without_a_start(capsys, data):
    if data is not None:
        write("M4423.cert", data[::-1])
    write("worktodo.txt", b"Cert=1,2,4423,-1,300\n")
    assert main(["work"]) == 2
    said = capsys.readouterr().err
    assert "M4423.cert" in said and "put the residue there" in said and content("worktodo.txt")
