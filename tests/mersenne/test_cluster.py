"""Tests of a work file on a cluster: on one that is made up, which does what is asked at once, and on real ones."""

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gmpy2
import pytest
from fake_cluster import FakeCluster, workers
from gmpy2 import mpz
from interrupted_runs import at_failpoints, kill

from bigconst.base import failpoints
from bigconst.base.errors import DoesNotFit, FaultError, InputOutputError
from bigconst.cli import main
from bigconst.mersenne.savefile import decode, encode
from bigconst.runs import cluster, clusterpart, clusterqueue
from bigconst.runs.cluster import ClusterWorker, LostWithScheduler
from bigconst.runs.clusterpart import run_part
from bigconst.runs.clusterplaces import Places, is_large

BIN = Path(sys.executable).parent


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def write(*lines):
    Path("worktodo.txt").write_text("".join(f"{line}\n" for line in lines))


def left():
    return Path("worktodo.txt").read_text().splitlines()


def found():
    return [json.loads(line) for line in Path("results.json.txt").read_text().splitlines()]


def residue(kind, p):
    x = mpz(4 if kind == "LL" else 3)
    for _ in range(p - 2 if kind == "LL" else p):
        x = (x * x - (2 if kind == "LL" else 0)) % ((mpz(1) << p) - 1)
    return x if kind == "LL" else x * gmpy2.invert(9, (mpz(1) << p) - 1) % ((mpz(1) << p) - 1)


PRIMES = 44497, 86243, 110503, 132049
"""Exponents of Mersenne primes that take plain integers too long."""


def are_right():
    for each in found():
        if each["exponent"] in PRIMES:
            assert each["status"] == "P"
            continue
        value = residue(each["worktype"], each["exponent"])
        assert each["status"] == ("P" if value == (0 if each["worktype"] == "LL" else 1) else "C")
        assert each.get("res64", "0" * 16) == f"{int(value & (2**64 - 1)):016X}"


@pytest.fixture
def fake(monkeypatch):
    """Makes `connected` give a fake cluster."""
    def use(made):
        @contextlib.contextmanager
        def connected(request):
            yield made

        monkeypatch.setattr(clusterqueue, "connected", connected)
        return made

    return use


WORK = "work --cluster local --threads 1 --minutes 5e-4"
BLOCKS = "work --cluster local --threads 1 --minutes 1e-9"
"""A part of a PRP test is a block of its check."""


# --- parts of tests -------------------------------------------------------------------------

def test_a_queue_in_many_parts(fake, capsys):
    start = random.Random(1).randrange(2**4423)
    Path("M4423.cert").write_bytes(start.to_bytes(553, "little"))
    write("Test=9941", "PRP=1,2,9973,-1", "Test=31", "DoubleCheck=10007", "PRPDC=1,2,11213,-1", "Cert=1,2,4423,-1,777")
    fake(FakeCluster())
    assert main(WORK.split()) == 0
    assert left() == []
    cert = next(each for each in found() if each["worktype"] == "Cert")
    expected = pow(start, 2**777, 2**4423 - 1).to_bytes(553, "little")
    assert cert["sha3-hash"] == hashlib.sha3_256(expected).digest()[::-1].hex().upper()
    Path("results.json.txt").write_text("".join(json.dumps(each) + "\n" for each in found() if each is not cert
                                                and each != cert))
    are_right()
    assert sorted(os.listdir()) == ["M4423.cert", "results.json.txt", "worktodo.txt"]


def test_proofs_are_those_of_one_machine(fake, capsys):
    assert main("prp 110503 --proof 5 --no-factor".split()) == 0
    alone = Path("110503-5.proof").read_bytes()
    os.unlink("110503-5.proof")
    write("PRP=1,2,110503,-1")
    fake(FakeCluster())
    assert main("work --cluster local --minutes 0.003".split()) == 0
    assert Path("110503-5.proof").read_bytes() == alone
    assert found()[0]["proof"]["md5"] == hashlib.md5(alone).hexdigest()
    assert "iteration" in capsys.readouterr().err and len(os.listdir()) == 3


def test_killed_while_a_proof_is_made(fake, capsys):
    """The save file is then that of the last iteration."""
    write("PRP=1,2,110503,-1")
    fake(FakeCluster())
    kill("work --cluster local --minutes 0.01 --threads 1", at_failpoints("proof.write=kill@1"))
    assert main("work --cluster local --minutes 0.01 --threads 1".split()) == 0
    assert found()[0]["proof"]["power"] == 5 and left() == []
    assert sorted(os.listdir()) == ["110503-5.proof", "results.json.txt", "worktodo.txt"]


def test_a_part_leaves_where_a_check_has_confirmed_it(fake):
    part = clusterpart.PartOfTest("PRP-3", 9973, 3, None, b"", 0.0, 1, (), "run")
    done = run_part(part)
    saved = decode(done.save)
    assert saved.verified and 0 < saved.iteration < 9973 and not done.finished
    assert len(done.save) < 2 * 1247 + 400
    clusterpart.leave("run")
    again = run_part(replace(part, save=done.save, seconds=1e9))
    assert saved.iteration < decode(again.save).iteration < 9973
    assert run_part(replace(part, save=again.save, seconds=1e9, run="another")).finished


# --- workers that fail ---------------------------------------------------------------------------

def flipped(key, part, done):
    return replace(done, save=done.save[:-5] + bytes([done.save[-5] ^ 4]) + done.save[-4:])


def older(key, part, done):
    return replace(done, save=part.save or encode(replace(decode(done.save), iteration=0)))


def foreign(key, part, done):
    return replace(done, save=encode(replace(decode(done.save), exponent=9949)))


def too_soon(key, part, done):
    return replace(done, finished=not done.finished)


def wrong_symbol(key, part, done):
    saved = decode(done.save)
    wrong = next(x for x in range(2, 100) if gmpy2.jacobi(saved.residue + x - 2, 2**9941 - 1) == 1)
    return replace(done, save=encode(replace(saved, residue=saved.residue + wrong)))


@pytest.mark.parametrize("spoil,why", [
    (flipped, "wrong checksum"), (older, "it gave back LL M9941, iteration 0"), (foreign, "it gave back LL M9949"),
    (too_soon, "it gave back"), (wrong_symbol, "is wrong")])
def test_garbage(fake, capsys, spoil, why):
    """Never taken; the other tests go on, and after a few times the line is left alone."""
    write("Test=9941", "Test=10007")
    fake(FakeCluster(lambda key, part, done: spoil(key, part, done) if part.exponent == 9941 else done))
    assert main(WORK.split()) == 2
    said = capsys.readouterr().err
    assert why in said and said.count("its part is done again") == 5 and "6 parts of it failed in turn" in said
    assert left() == ["Test=9941"] and [each["exponent"] for each in found()] == [10007]
    are_right()


def kept_flipped(key, part, done):
    return replace(done, kept=done.kept | {10: b"abc"})


def kept_not_asked_for(key, part, done):
    kept = {-1: b"abc"}
    return replace(done, kept=kept, kept_checksum=clusterpart.checksum(kept))


@pytest.mark.parametrize("spoil,why", [(kept_flipped, "wrong checksum"), (kept_not_asked_for, "not asked for")])
def test_garbage_for_a_proof(fake, capsys, spoil, why):
    write("PRP=1,2,9973,-1")
    fake(FakeCluster(spoil))
    assert main(WORK.split()) == 2
    assert why in capsys.readouterr().err and left() == ["PRP=1,2,9973,-1"]


def test_a_proof_that_does_not_fit_the_coordinator(fake, capsys, monkeypatch):
    """The test stays as it is, for a machine that can make its proof."""
    def refuse(p, count, threads):
        raise DoesNotFit("it takes 9 GiB, 1 GiB are there")

    monkeypatch.setattr(clusterqueue, "in_memory", refuse)
    write("PRP=1,2,110503,-1")
    fake(FakeCluster())
    assert main("work --cluster local --threads 2".split()) == 2
    assert "9 GiB" in capsys.readouterr().err and left() == ["PRP=1,2,110503,-1"]
    assert any(each.endswith(".verified.save") for each in os.listdir())


def test_garbage_once(fake, capsys):
    write("Test=9941")
    failed = []
    fake(FakeCluster(lambda key, part, done: (failed.append(1), flipped(key, part, done))[1]
                     if len(failed) < 3 else done))
    assert main(WORK.split()) == 0
    assert "M9941 is prime" in capsys.readouterr().out


def test_a_prp_residue_that_was_wrong_before_its_checksum(fake, capsys):
    """The next check of Gerbicz and Li sees it, and the test goes on from the save before."""
    write("PRP=1,2,2207,-1")
    spoiled = []

    def spoil(key, part, done):
        if part.save and not spoiled and not done.finished:
            spoiled.append(1)
            saved = decode(done.save)
            return replace(done, save=encode(replace(saved, residue=saved.residue ^ 16)))
        return done

    fake(FakeCluster(spoil))
    assert main(BLOCKS.split()) == 0
    assert spoiled and "worker 0 failed" in capsys.readouterr().err
    are_right()


def test_a_symbol_that_another_worker_computes(fake, capsys, monkeypatch):
    """Nothing is saved before it has confirmed the residue, and the test goes on elsewhere where it does not."""
    monkeypatch.setattr(clusterqueue, "CHECKED_HERE", 9950)
    write("Test=9941", "Test=9967", "Test=9973")
    sent, spoiled = [], []

    def spoil(key, part, done):
        if not isinstance(done, bool) and part.exponent == 9973 and not spoiled:
            spoiled.append(key)
            saved = decode(done.save)
            wrong = next(x for x in range(2, 100) if gmpy2.jacobi(saved.residue + x - 2, 2**9973 - 1) == 1)
            return replace(done, save=encode(replace(saved, residue=saved.residue + wrong)))
        return done

    made = fake(FakeCluster(spoil, 1, 1))
    submit = made.submit
    made.submit = lambda key, function, part, worker: sent.append((function, part, worker)) or submit(
        key, function, part, worker)
    assert main(WORK.split()) == 0
    checks = [(part, worker) for function, part, worker in sent if function is clusterpart.is_right]
    assert {part.exponent for part, _ in checks} == {9967, 9973}
    assert any(worker.name == "worker 1" for _, worker in checks)
    assert "M9973: worker" in (said := capsys.readouterr().err) and "is wrong" in said
    are_right()


def test_interrupted_before_a_residue_is_checked(fake, capsys, monkeypatch):
    """What is not checked is saved as such, and the next process checks it."""
    monkeypatch.setattr(clusterqueue, "CHECKED_HERE", 0)
    write("Test=9941")

    def spoil(key, part, done):
        os.kill(os.getpid(), signal.SIGTERM)
        return done

    fake(FakeCluster(spoil))
    assert main(WORK.split()) == 75
    name, = (each for each in os.listdir() if each.endswith(".save"))
    assert ".verified" not in name
    saved = decode(Path(name).read_bytes())
    Path(name).write_bytes(encode(replace(saved, residue=mpz(2))))
    fake(FakeCluster())
    assert main(WORK.split()) == 3
    assert "all save files of this test are bad" in capsys.readouterr().err
    os.unlink(f"{name}.bad")
    Path(name).write_bytes(encode(saved))
    assert main(WORK.split()) == 0
    assert "going on from iteration" in capsys.readouterr().err
    are_right()


def test_a_worker_that_goes(fake, capsys):
    write("Test=9941", "Test=9967")
    made = FakeCluster(lambda key, part, done: None if not made.given_up else done, 1, 1)
    collect = made.collect
    made.collect = lambda timeout_s: made.there[1:] and (made.there.pop(0), []) [1] or collect(timeout_s)
    fake(made)
    assert main(WORK.split()) == 0
    assert len(made.given_up) == 1 and "M9941: worker 0 has gone; its part is done again" in capsys.readouterr().err
    are_right()


def test_a_test_that_does_not_fit_a_worker(fake, capsys):
    """It waits for another one."""
    write("Test=9941", "Test=9967")

    def spoil(key, part, done):
        if part.exponent == 9941 and "worker 0" in where[key]:
            raise DoesNotFit("M9941 takes 3 MiB, 2 MiB are there")
        return done

    where, made = {}, FakeCluster(spoil, 1, 1)
    submit = made.submit
    made.submit = lambda key, function, part, worker: where.update({key: worker.name}) or submit(
        key, function, part, worker)
    fake(made)
    assert main(WORK.split()) == 0
    assert capsys.readouterr().err.count("M9941: worker 0 failed (M9941 takes 3 MiB, 2 MiB are there)") == 1
    are_right()


def test_errors_of_a_worker(fake, capsys):
    write("Test=9941", "Test=10007")

    def spoil(key, part, done):
        if part.exponent == 9941:
            raise FaultError("M9941, iteration 7: round-off error 0.5 twice, and there is no longer transform")
        return done

    fake(FakeCluster(spoil))
    assert main(WORK.split()) == 2
    assert "no longer transform" in capsys.readouterr().err and left() == ["Test=9941"]


def test_another_version(fake, capsys, monkeypatch):
    write("Test=9941")
    fake(FakeCluster())
    monkeypatch.setattr(clusterqueue, "run_part", lambda part: run_part(replace(part, version="0.0.1")))
    assert main(WORK.split()) == 2
    assert "no worker has this version of bigconst" in capsys.readouterr().err and left() == ["Test=9941"]


def test_a_worker_that_does_not_answer(fake, capsys, monkeypatch):
    write("Test=9941")
    lost = []
    made = fake(FakeCluster(lambda key, part, done: lost.append(key) if not lost else done))
    monkeypatch.setattr(clusterqueue, "PATIENCE_S", 0.0)
    assert main(WORK.split()) == 0
    assert made.given_up == lost and "worker 0 does not answer; its part is done again" in capsys.readouterr().err


def test_a_scheduler_that_goes(fake, capsys, monkeypatch):
    write("Test=9941")
    made = fake(FakeCluster(lambda key, part, done: None))
    made.is_connected = lambda: False
    monkeypatch.setattr(clusterqueue, "LOST_S", 0.0)
    assert main(WORK.split()) == 3
    said = capsys.readouterr().err
    assert "does not answer" in said and "the scheduler has gone; begin it again" in said and left() == ["Test=9941"]


def test_a_scheduler_that_comes_back(fake, capsys):
    """What was on its way is done again, and what was computed before is not."""
    write("Test=9941")
    answers = iter([True, True, False, False])
    made = fake(FakeCluster(lambda key, part, done: LostWithScheduler() if "1" in key[-1] else done))
    made.is_connected = lambda: next(answers, True)
    assert main(WORK.split()) == 0
    said = capsys.readouterr().err
    assert "does not answer" in said and said.count("was lost with the scheduler; its part is done again") == 1
    are_right()


def test_no_workers(fake, capsys, monkeypatch):
    write("Test=9941")
    made = fake(FakeCluster())
    there, made.there = made.there, []
    collect, idle = made.collect, iter(range(3))
    made.collect = lambda timeout_s: setattr(made, "there", there) or collect(0) if next(idle, None) is None else []
    monkeypatch.setattr(clusterqueue, "ALONE_S", -1.0)
    assert main(WORK.split()) == 0
    assert capsys.readouterr().err.count("the cluster has no workers") == 1


def test_interrupted(fake, capsys, monkeypatch):
    write("PRP=1,2,2203,-1", "PRP=1,2,2207,-1")
    count = []

    def spoil(key, part, done):
        count.append(key)
        if len(count) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return done

    fake(FakeCluster(spoil))
    assert main(BLOCKS.split()) == 75
    assert any(name.endswith(".verified.save") for name in os.listdir())
    assert not any(name.endswith(".lock") for name in os.listdir())
    fake(FakeCluster())
    assert main(BLOCKS.split()) == 0
    assert "going on from iteration" in capsys.readouterr().err
    are_right()


@pytest.mark.parametrize("place", ["save.write", "save.rename", "result.append", "work.rename"])
def test_a_full_disk_of_the_coordinator(fake, capsys, monkeypatch, place):
    """One line says so, and the same command goes on; the result is there once."""
    write("PRP=1,2,2207,-1", "Test=9941")
    fake(FakeCluster())
    monkeypatch.setattr(failpoints, "ACTIVE", failpoints.parse(f"{place}=ENOSPC@1"))
    assert main(BLOCKS.split()) == 3
    assert capsys.readouterr().err.count("bigconst: ") == 1
    monkeypatch.setattr(failpoints, "ACTIVE", failpoints.parse(""))
    assert main(WORK.split()) == 0
    assert sorted(each["exponent"] for each in found()) == [2207, 9941]
    are_right()


def test_wire():
    """A part of a large test takes two save files and little else."""
    import pickle

    part = clusterpart.PartOfTest("PRP-3", 10_000_019, 3, None, b"s" * 2_500_300, 900.0, 1, tuple(range(512)), "run")
    done = clusterpart.PartReturned(b"s" * 2_500_300, False, {}, "", 1 << 19, 0.2, 900.0)
    assert len(pickle.dumps(part)) + len(pickle.dumps(done)) < 2 * 2_500_300 + (64 << 10)


# --- places ------------------------------------------------------------------------------------------

def filled(places, *large):
    """The workers' names and threads of tests in turn, None for those that have to wait."""
    found = []
    for number, each in enumerate(large):
        place = places.find(each)
        found.append(None if place is None else f"{place.worker.name[-1]}x{place.threads}")
        if place is not None:
            places.take(number, place)
    return found


def test_small_tests_run_side_by_side_and_large_ones_alone():
    places = Places(None)
    places.look(workers(4, 2))
    assert filled(places, *[False] * 7) == ["0x1", "1x1", "0x1", "0x1", "1x1", "0x1", None] and not places.has_room
    places = Places(None)
    places.look(workers(4, 2))
    assert filled(places, True, False, True, False) == ["0x4", "1x1", None, None]
    places.give_back(1)
    places.look(workers(4, 2))
    assert places.find(True).threads == 2 and is_large(57_885_161) and not is_large(1_000_003)


def test_a_worker_is_kept_for_a_large_test():
    places = Places(None)
    places.look(workers(2, 2))
    filled(places, False, False, False)
    assert places.find(True) is None        # worker 1, which has one, gets no others
    assert places.find(False) is None and not places.has_room
    places.give_back(1)
    places.look(workers(2, 2))
    assert places.find(True).worker.name == "worker 1"


def test_labels_and_threads_decide_otherwise():
    labelled = [ClusterWorker("tcp://0", "worker 0", 8, 2)]
    places = Places(None)
    places.look(labelled)
    assert filled(places, True, False, True) == ["0x4", "0x4", None]
    places = Places(3)
    places.look(workers(8, 2))
    assert filled(places, True, False, True, True) == ["0x3", "1x3", "0x3", None]


def test_a_worker_that_failed_is_avoided():
    places = Places(None)
    places.look(workers(4, 1))
    assert places.find(False, {"tcp://0"}).worker.name == "worker 1"
    places.take("a", places.find(False, {"tcp://0"}))
    assert places.find(False, {"tcp://0"}) is None
    assert places.find(False, {"tcp://0", "tcp://1"}).worker.name == "worker 0"


# --- which cluster ----------------------------------------------------------------------------------

@pytest.mark.parametrize("options,why", [
    ("--cluster here", "'here' is no cluster"), ("--cluster tcp://10.0.0.1:8786", "without TLS anybody on the network"),
    ("--cluster tls://10.0.0.1:8786", "tls:// needs certificates"),
    ("--cluster tls://10.0.0.1:8786 --tls-ca a --tls-cert b", "tls:// needs certificates"),
    ("--cluster tcp://127.0.0.1:8786 --tls-ca a --tls-cert b --tls-key c", "they need tls://"),
    ("--cluster tcp://127.0.0.1:8786 --workers 2", "has workers of its own; leave out --workers"),
    ("--minutes 5", "--minutes is about a cluster; add --cluster"), ("--tls-key c", "--tls-key is about a cluster"),
    ("--insecure", "--insecure is about a cluster")])
def test_clusters_that_are_refused(capsys, options, why):
    write("Test=9941")
    assert main(f"work {options}".split()) == 2
    assert why in capsys.readouterr().err


def test_without_the_engine(capsys, monkeypatch):
    write("Test=9941")
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main("work --cluster local".split()) == 2
    assert "pip install 'bigconst[cluster]'" in capsys.readouterr().err


def test_workers_without_the_program():
    def refuse(plugin):
        raise ModuleNotFoundError("No module named 'bigconst'")

    pytest.importorskip("distributed")
    with pytest.raises(InputOutputError, match="No module named 'bigconst'; install bigconst.cluster."):
        cluster.make_ready(SimpleNamespace(register_plugin=refuse))


def free_port():
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]


def test_something_else_at_the_address(capsys, monkeypatch):
    """It takes the connection and says nothing, or what no scheduler says."""
    pytest.importorskip("distributed")
    write("Test=9941")
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    for said in (b"", b"HTTP/1.0 400 Bad Request\r\n\r\n"):
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=lambda said=said, server=server: server.accept()[0].sendall(said)).start()
            assert main(f"work --cluster tcp://127.0.0.1:{server.getsockname()[1]}".split()) == 3
        assert "cannot reach the scheduler" in capsys.readouterr().err


def test_no_scheduler(capsys, monkeypatch):
    pytest.importorskip("distributed")
    write("Test=9941")
    monkeypatch.setattr(cluster, "CONNECT_S", 1)
    assert main(f"work --cluster tcp://127.0.0.1:{free_port()}".split()) == 3
    assert main(f"work --cluster tls://127.0.0.1:{free_port()} --tls-ca a --tls-cert a --tls-key a".split()) == 3
    assert capsys.readouterr().err.count("cannot reach the scheduler") == 2


# --- real ones ---------------------------------------------------------------------------------------

def started(*words):
    return subprocess.Popen([BIN / words[0], *map(str, words[1:])], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            text=True, start_new_session=True)


def ended(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def children(pid):
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, IndexError, ValueError):
            if entry.name.isdigit() and int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found += [int(entry.name), *children(int(entry.name))]
    return found


@pytest.mark.slow
def test_kills_of_workers_and_coordinator():
    pytest.importorskip("distributed")
    exponents = [*PRIMES, 10007, 9973, 11213, 10009]
    write(*(f"Test={p}" if i % 2 else f"PRP=1,2,{p},-1" for i, p in enumerate(exponents)))
    command = ("bigconst", "work", ".", "--cluster", "local", "--workers", 2, "--minutes", 0.01, "--threads", 1)
    chance = random.Random(1)
    for victim in ("worker", "coordinator", "worker"):
        process = started(*command)
        try:
            until_s = time.monotonic() + 60
            while len(children(process.pid)) < 3 and process.poll() is None and time.monotonic() < until_s:
                time.sleep(0.05)
            time.sleep(chance.uniform(1.0, 2.0))
            targets = [process.pid] if victim == "coordinator" else children(process.pid)
            if targets:     # else it has finished already
                with contextlib.suppress(ProcessLookupError):
                    os.kill(chance.choice(targets), signal.SIGKILL)
            time.sleep(1.0)
        finally:
            ended(process)
    process = started(*command)
    try:
        assert process.wait(300) == 0, process.stderr.read()
    finally:
        ended(process)
    assert sorted(each["exponent"] for each in found()) == sorted(exponents) and left() == []
    are_right()


@pytest.mark.slow
def test_tls_and_a_worker_that_is_asked_to_go(capsys):
    pytest.importorskip("distributed")
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, to make certificates")
    subprocess.run("openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost"
                   .split(), check=True, capture_output=True)
    address = f"tls://127.0.0.1:{free_port()}"
    tls = ("--tls-ca-file", "cert.pem", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
    write("PRP=1,2,756839,-1")
    running = [started("dask", "scheduler", "--host", address, "--no-dashboard", *tls)]
    try:
        for _ in range(2):
            running.append(started("dask", "worker", address, "--no-nanny", "--nthreads", 1, "--memory-limit", 0,
                                   "--no-dashboard", *tls))
        running.append(started("bigconst", "work", ".", "--cluster", address, "--tls-ca", "cert.pem", "--tls-cert",
                               "cert.pem", "--tls-key", "key.pem", "--minutes", "60", "--no-proof", "--threads", 1))
        until_s = time.monotonic() + 90
        while not os.path.exists("prp756839.lock") and time.monotonic() < until_s:
            time.sleep(0.05)
        time.sleep(5.0)
        for worker in running[1:3]:     # one of them has the test, and gives it back long before its hour has passed
            worker.terminate()
        while not any(name.endswith(".verified.save") for name in os.listdir()) and time.monotonic() < until_s:
            time.sleep(0.05)
        assert any(name.endswith(".verified.save") for name in os.listdir())
        assert [worker.wait(30) for worker in running[1:3]] == [0, 0]
    finally:
        for process in running:
            ended(process)
