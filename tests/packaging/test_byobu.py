"""The status bar: what byobu-install writes, byobu-remove takes away, and real tmux and byobu show."""

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import termios
import time

import pytest
from interrupted_runs import ON_DISK, at_moment, kill

from bigconst.commands.byobu import MARK, SCRIPT, byobu_directory, tmux_line

DEADLINE_S = 60
ODD = "a b#c%d\"e$f'(g)h\\i"
"""A directory's name with all that shell, tmux or printf could take for theirs."""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home that has not seen byobu; no variable leads elsewhere."""
    for name in ("BYOBU_CONFIG_DIR", "XDG_CONFIG_HOME", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    return path


@pytest.fixture
def stopped(place):
    """A scratch directory with a run that was killed."""
    kill(ON_DISK, at_moment(200))
    directory = place / ODD
    (place / "a").rename(directory)
    return directory


def run_script(home) -> str:
    """What byobu would show: the script's line as the format of printf, which is what byobu makes of it."""
    line = subprocess.run([home / ".byobu/bin" / SCRIPT], capture_output=True, text=True, check=True).stdout.strip()
    return subprocess.run(["sh", "-c", f'printf "{line}"'], capture_output=True, text=True, check=True).stdout


def command(capsys, *argv) -> tuple[int, str, str]:
    from bigconst.cli import main

    code = main(list(argv))
    return code, *capsys.readouterr()


def test_the_script_shows_the_run(home, stopped, capsys):
    assert command(capsys, "byobu-install", str(stopped))[0] == 0
    _, short, _ = command(capsys, "status", "--short", str(stopped))
    assert short.startswith("phi ") and "%" in short and len(short.strip()) < 60
    assert run_script(home) == short.strip()


def test_nothing_is_shown_without_a_run(home, place, capsys):
    assert command(capsys, "byobu-install", str(place / "a"))[0] == 0
    assert run_script(home) == ""


def test_the_scratch_directory_swap_is_the_default(home, place, capsys):
    code, _, err = command(capsys, "byobu-install")
    assert code == 2 and f"{place / 'files' / 'swap'} is not a directory; name" in err
    assert os.listdir(home) == []
    os.mkdir("swap")
    assert command(capsys, "byobu-install")[0] == 0
    assert str(place / "files" / "swap") in (home / ".byobu/bin" / SCRIPT).read_text()


def settings(home) -> dict:
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}


@pytest.mark.parametrize("statusrc", [None, "", "BYOBU_CHARMAP=UTF-8", "MONITORED_DISK=/mnt\n# \xe9\n"])
def test_twice_is_once_and_remove_leaves_what_was_there(home, place, capsys, statusrc):
    (home / ".byobu").mkdir()
    (home / ".byobu/status").write_text("screen_upper_left=color\n")
    if statusrc is not None:
        (home / ".byobu/statusrc").write_text(statusrc, encoding="latin-1")
    before = settings(home)
    assert command(capsys, "byobu-install", "../a")[0] == 0
    once = settings(home)
    assert command(capsys, "byobu-install", "../a")[0] == 0
    assert settings(home) == once and once.keys() == {f".byobu/bin/{SCRIPT}", ".byobu/statusrc"} | before.keys()
    assert os.access(home / ".byobu/bin" / SCRIPT, os.X_OK)
    assert command(capsys, "byobu-install", "../b")[0] == 0
    assert str(place / "b") in (home / ".byobu/bin" / SCRIPT).read_text()
    for _ in range(2):
        assert command(capsys, "byobu-remove")[0] == 0
        after = settings(home)
        left = after[".byobu/statusrc"].decode("latin-1").rstrip("\n")
        assert left == (statusrc or "").rstrip("\n") and after.keys() == {".byobu/statusrc"} | before.keys()


def test_byobu_that_was_never_started(home, place, capsys, monkeypatch):
    """Without a file `status` it would remove statusrc at its first start."""
    (place / "bin").mkdir()
    monkeypatch.setenv("PATH", str(place / "bin"))
    code, out, _ = command(capsys, "byobu-install", "../a")
    assert code == 0 and "byobu is not installed" in out
    assert settings(home).keys() == {f".byobu/bin/{SCRIPT}", ".byobu/statusrc"}
    (place / "bin/byobu").write_text("#!/bin/sh\n")
    (place / "bin/byobu").chmod(0o755)
    (place / "share/byobu/status").mkdir(parents=True)
    (place / "share/byobu/status/status").write_text("screen_upper_left=color\n")
    code, out, _ = command(capsys, "byobu-install", "../a")
    assert code == 0 and "within seconds" in out
    assert settings(home)[".byobu/status"] == b"screen_upper_left=color\n"


def test_another_script_of_that_name_stays(home, place, capsys):
    (home / ".byobu/bin").mkdir(parents=True)
    (home / ".byobu/bin" / SCRIPT).write_text("#!/bin/sh\necho mine\n")
    before = settings(home)
    for argv in (["byobu-install", "../a"], ["byobu-remove"]):
        code, out, err = command(capsys, *argv)
        assert code == 2 and out == "" and "was not made by bigconst; " in err
        assert settings(home) == before


def test_nothing_to_remove(home, capsys):
    code, out, _ = command(capsys, "byobu-remove")
    assert code == 0 and out.startswith("there is no ") and os.listdir(home) == []


def test_settings_that_cannot_be_written(home, place, capsys):
    (home / ".byobu").write_text("a file where the directory should be")
    code, out, err = command(capsys, "byobu-install", "../a")
    assert code == 3 and out == "" and err.count("\n") == 1 and "; " in err
    assert os.listdir(home) == [".byobu"]


def test_where_byobu_keeps_its_settings(home, tmp_path, monkeypatch):
    assert byobu_directory() == str(home / ".byobu")
    (home / ".local/share/byobu").mkdir(parents=True)
    assert byobu_directory() == str(home / ".local/share/byobu")
    (home / ".config/byobu").mkdir(parents=True)
    assert byobu_directory() == str(home / ".config/byobu")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "missing"))
    assert byobu_directory() == str(home / ".config/byobu")
    (tmp_path / "xdg").mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert byobu_directory() == str(tmp_path / "xdg" / "byobu")
    monkeypatch.setenv("BYOBU_CONFIG_DIR", str(tmp_path / "missing"))
    assert byobu_directory() == str(tmp_path / "xdg" / "byobu")
    monkeypatch.setenv("BYOBU_CONFIG_DIR", str(home))
    assert byobu_directory() == str(home)


# -- the real programs --------------------------------------------------------------------

def seen_on_a_terminal(argv, environment, wanted: str) -> bool:
    """Whether a program writes a text on its terminal before the deadline; it is ended then."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(argv[0], argv, environment)
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 30, 200, 0, 0))
        text, until_s = b"", time.monotonic() + DEADLINE_S
        while wanted.encode() not in text and time.monotonic() < until_s:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    text += os.read(terminal, 1 << 16)
                except OSError:     # it has ended
                    break
        return wanted.encode() in text
    finally:
        os.close(terminal)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.fixture
def terminals(home, tmp_path):
    """The environment of a tmux server of its own, which is ended at the end, if it was begun."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    sockets = tmp_path / "s"
    sockets.mkdir()
    # A user whom nobody has: byobu would take that one's directory in /dev/shm for its caches.
    environment = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "SHELL": "/bin/sh",
                   "USER": "bigconst-test", "TMUX_TMPDIR": str(sockets), "BYOBU_RUN_DIR": str(sockets)}
    yield environment
    subprocess.run(["tmux", "kill-server"], env=environment, capture_output=True)


def test_tmux_shows_it(terminals, stopped, tmp_path, capsys):
    _, short, _ = command(capsys, "status", "--short", str(stopped))
    _, out, _ = command(capsys, "byobu-install", str(stopped))
    line = out.splitlines()[-1]
    (tmp_path / "tmux.conf").write_text(f"set -g status-right-length 80\nset -g status-interval 1\n{line}\n")
    assert seen_on_a_terminal(["tmux", "-f", str(tmp_path / "tmux.conf"), "new-session", "sleep 600"], terminals,
                              short.strip())


def test_byobu_shows_it(terminals, stopped, home, capsys):
    if shutil.which("byobu-tmux") is None:
        pytest.skip("byobu is not installed")
    _, short, _ = command(capsys, "status", "--short", str(stopped))
    assert command(capsys, "byobu-install", str(stopped))[0] == 0
    assert seen_on_a_terminal(["byobu-tmux", "new-session", "sleep 600"], terminals, short.strip())


def test_the_line_of_tmux_is_plain_where_it_can_be():
    assert tmux_line(["bigconst", "status", "--short", "/mnt/a"]) == (
        'set -g status-right "#(bigconst status --short /mnt/a)"')
    assert MARK.startswith("#")
