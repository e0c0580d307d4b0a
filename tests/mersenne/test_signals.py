"""What a second signal means: within a second it is the first one again, later it stops at once."""

import signal
from types import SimpleNamespace

import pytest

from bigconst.runs import signals
from bigconst.runs.signals import Stopper

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
def status():
    return {"stage": "level 1", "share": 0.5, "elapsed_s": 3.0}



@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now_s=100.0)
    monkeypatch.setattr(signals, "time", SimpleNamespace(monotonic=lambda: clock.now_s))
    return clock


@pytest.mark.parametrize("first", NUMBERS)
@pytest.mark.parametrize("second", NUMBERS)
def test_two_signals(clock, capsys, first, second):
    with Stopper(status) as stop:
        assert not stop()
        signal.raise_signal(first)
        assert stop()
        for clock.now_s in (100.0, 100.5, 100.99):      # `timeout` sends two
            signal.raise_signal(second)
        assert capsys.readouterr().err.count("once more stops at once") == 1
        clock.now_s = 101.0
        if second == signal.SIGHUP:     # a terminal that is closed is no wish to lose anything
            signal.raise_signal(second)
            return
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(second)


def test_how_far_it_is(capsys):
    with Stopper(status) as stop:
        signal.raise_signal(signal.SIGUSR1)
        assert not stop()
    assert capsys.readouterr().err == "level 1, 50.0 %, 3.00 s\n"


def test_what_was_there_comes_back():
    before = [signal.getsignal(number) for number in NUMBERS]
    with Stopper(status):
        assert [signal.getsignal(number) for number in NUMBERS] != before
    assert [signal.getsignal(number) for number in NUMBERS] == before
