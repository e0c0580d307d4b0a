"""Terminals that go away, full disks and dead pipes behind the standard streams, streams that are closed."""

import contextlib
import fcntl
import io
import os
import pty
import signal
import subprocess
import sys
import termios
import time

import pytest
from interrupted_runs import ON_DISK, Process, at_failpoints, check_finished
from test_cli import ENVIRONMENT, PYTHON

from bigconst.base import screen
from bigconst.cli import main
from bigconst.runs.signals import STOPPING, Stopper, handled

WAIT_S = 60


def left_alone(command, begun, prepare=lambda: None):
    """Exit status of a command whose terminal is closed as soon as begun() is true."""
    terminal, inner = pty.openpty()

    def on_terminal():
        os.close(terminal)
        os.setsid()
        fcntl.ioctl(inner, termios.TIOCSCTTY, 0)
        sys.stdout = sys.stderr = open(inner, "w", buffering=1)
        prepare()

    with Process(command, on_terminal) as process:
        os.close(inner)
        until_s = time.monotonic() + WAIT_S
        while not begun():
            assert time.monotonic() < until_s
            time.sleep(0.01)
        os.close(terminal)      # SIGHUP for the process, and an error for whatever it prints
        return process.end()[0]


def saved():
    return [name for name in os.listdir() if name.endswith(".save")]


@pytest.mark.parametrize("command", ["ll 216091", "prp 216091", "work"])
def test_a_terminal_that_is_closed_during_a_test(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "worktodo.txt").write_text("Test=216091\n")
    assert left_alone(f"{command} --threads 1 --save-every 0.05", saved) == 75
    assert saved() and (tmp_path / "worktodo.txt").read_text() == "Test=216091\n"


def test_a_terminal_that_is_closed_during_a_run_on_disk(place, in_memory):
    slowly = at_failpoints("journal.append=sleep:0.02")
    assert left_alone(ON_DISK, lambda: os.path.exists("../a/bigconst.journal.1"), slowly) == 75
    assert main(ON_DISK.split()) == 0
    check_finished(place, in_memory)


def status():
    return {"stage": "level 1", "share": 0.5, "elapsed_s": 3.0}


class Interrupting(io.StringIO):
    """What a stream does when a signal handler prints while its buffer is being written."""

    def write(self, text):
        raise RuntimeError("reentrant call inside <_io.BufferedWriter>")


@pytest.fixture(params=["full disk", "no reader", "closed", "none", "interrupted"])
def dead(request):
    """A stream that cannot be written to."""
    if request.param == "none":
        yield None
        return
    if request.param == "interrupted":
        yield Interrupting()
        return
    reading, writing = os.pipe()
    os.close(reading)
    stream = open("/dev/full" if request.param == "full disk" else writing, "w")
    if request.param == "closed":
        stream.close()
    yield stream
    with contextlib.suppress(OSError):
        stream.close()


def test_dead_standard_error_changes_nothing(dead, monkeypatch):
    monkeypatch.setattr(sys, "stderr", dead)
    with Stopper(status) as stop:
        signal.raise_signal(signal.SIGUSR1)
        assert not stop()
        signal.raise_signal(signal.SIGTERM)
        assert stop()
    assert main(["phi"]) == 2


@pytest.mark.parametrize("number", STOPPING)
def test_what_is_ignored_stays_ignored(number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with handled({number: signal.default_int_handler}), Stopper(status) as stop:
            signal.raise_signal(number)
            assert not stop()
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("command", ["ll 1279 2203 --threads 1", "prp 1279 2203 --threads 1"])
def test_results_that_cannot_be_printed_stay_saved(tmp_path, monkeypatch, capsys, command):
    """The first one that cannot be printed keeps no other from being computed."""
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch, open("/dev/full", "w") as full:
        patch.setattr(sys, "stdout", full)
        assert main(command.split()) == 3
    err = capsys.readouterr().err
    assert "M1279 is" in err and "M2203 is" in err
    assert err.splitlines()[-1] == ("bigconst: cannot write to standard output: No space left on device; "
                                    "send it elsewhere")
    assert {name.partition(".")[0][-4:] for name in saved()} == {"1279", "2203"}
    assert main(command.split()) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2 and "M2203: going on from iteration 2,20" in err and not saved()


def test_a_queue_goes_on_when_nobody_listens(tmp_path, monkeypatch, capsys):
    (tmp_path / "worktodo.txt").write_text("Test=1279\nTest=2203\n")
    with monkeypatch.context() as patch, open("/dev/full", "w") as full:
        patch.setattr(sys, "stdout", full)
        assert main(["work", str(tmp_path)]) == 3
    assert (tmp_path / "worktodo.txt").read_text() == ""
    assert len((tmp_path / "results.json.txt").read_text().splitlines()) == 2
    assert "M1279 is prime\nM2203 is prime\nbigconst: cannot write" in capsys.readouterr().err


def test_the_report_of_digits_is_shown_elsewhere(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch, open("/dev/full", "w") as full:
        patch.setattr(sys, "stdout", full)
        assert main("phi --digits 1000".split()) == 3
    assert "Digit hash:" in capsys.readouterr().err
    assert main("verify phi.txt".split()) == 0


@pytest.mark.parametrize("closed, command, code, out, err", [
    ("2>&-", "phi", 2, "", ""), (">&-", "--version", 3, "", "cannot write to standard output: Bad file descriptor"),
    (">/dev/full", "--help", 3, "", "cannot write to standard output: No space left on device"),
    ("<&- 2>&-", "--version", 0, "bigconst ", "")])
def test_closed_streams(tmp_path, closed, command, code, out, err):
    """In an interpreter of its own: a file that is opened would take the number of a stream that is closed."""
    done = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *PYTHON, command], cwd=tmp_path,
                          capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == code and done.stdout[:9] == out
    assert err in done.stderr and done.stderr.count("\n") == (1 if err else 0)


def test_control_characters_are_shown(capsys):
    assert main(["verify", "a\x1b]0;title\x07\x9b31m\x7f"]) == 3
    err = capsys.readouterr().err
    assert "a\\x1b]0;title\\x07\\x9b31m\\x7f" in err and err.isprintable() is False and err[:-1].isprintable()


def test_what_the_encoding_lacks_is_shown(monkeypatch):
    data = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(data, encoding="ascii"))
    with screen.streams():
        screen.write("\u03c6 \udcff")
    assert data.getvalue() == b"\\u03c6 \\udcff\n"
