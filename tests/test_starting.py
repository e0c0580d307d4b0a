"""Threads and processes that the system refuses: one line, exit code 4, and nobody waits for what does not exist."""

import threading

import pytest

from bigconst.arithmetic.memory.squarer import Squarer
from bigconst.base import failpoints
from bigconst.base.errors import DoesNotFit
from bigconst.base.starting import executor
from bigconst.cli import main
from bigconst.plans.dwtshape import dwt_shape
from bigconst.runtime.stream import in_order
from bigconst.runtime.threads import Pool


def refused_from(call):
    return failpoints.active(f"thread.start=EAGAIN@{call}-")


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("make", [executor, lambda threads: Pool(threads + 1),
                                  lambda threads: Squarer(216091, dwt_shape(216091), threads)])
def test_every_pool(make, call):
    with refused_from(call), pytest.raises(DoesNotFit, match="thread or process: Resource temporarily"):
        make(2)


def test_the_system_itself_refuses(monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(DoesNotFit, match="can't start new thread"):
        Pool(2)


def test_all_threads_of_an_executor_exist():
    with executor(5) as pool:
        together = threading.Barrier(5)
        assert sorted(pool.map(lambda i: (together.wait(30), i)[1], range(5))) == list(range(5))


@pytest.mark.parametrize("call", range(1, 5))
def test_the_end_of_a_run_needs_no_more_threads(call):
    taken = []
    with refused_from(call):
        in_order(4, 100, lambda i, slot: i, taken.append)
    assert taken == list(range(100))


@pytest.mark.parametrize("command", [
    "ll 1279 --threads 2", "phi --digits 7e4 --threads 2", "work",
    "phi --digits 7e4 --workspace 280KiB --disk ssd --swap ../a", "stress --minutes 0.01 --memory 600MiB"])
@pytest.mark.parametrize("call", [1, 2, 3])
def test_commands(place, capsys, command, call):
    with open("worktodo.txt", "w") as file:
        file.write("Test=1279\n")
    with refused_from(call):
        code = main(command.split())
        started = failpoints.ACTIVE[0].calls
    out, err = capsys.readouterr()
    if started < call:
        assert code == 0, err
    else:
        assert code == 4 and "Errors      1" not in out, err
        assert err.splitlines()[-1].startswith("bigconst: the system refused one more thread")
    assert main(f"{command} --discard".split() if "--swap" in command else command.split()) == 0


def test_a_worker_that_cannot_be_started(place, capfd):
    with open("worktodo.txt", "w") as file:
        file.write("Test=1279\nTest=2203\n")
    with refused_from(1):
        assert main("work --workers 2 --threads 1".split()) == 4
    assert "the system refused one more thread or process" in capfd.readouterr().err
    with open("worktodo.txt") as file:
        assert file.read() == "Test=1279\nTest=2203\n"
