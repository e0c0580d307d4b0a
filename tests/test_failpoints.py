"""Failpoints, and runs on disk that fail at each of them: message, exit code, what is left, and how they go on.

What ends a process ends a fork of this one; other failures, and what goes on, are in this one.  The environment is told
to processes of their own.
"""

import errno
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from certificates import proves
from interrupted_runs import (
    DIGITS,
    ON_DISK,
    at_failpoints,
    bigconst,
    check_finished,
    contents,
    kill,
    kill_once,
    same,
)
from test_cli import ENVIRONMENT, PYTHON, one_line

from bigconst.base import failpoints
from bigconst.base.errors import UsageError
from bigconst.base.failpoints import ACTIONS, NAMES, VARIABLE, Rule, parse
from bigconst.cli import main
from bigconst.runtime.checkpoint import JOURNAL_NAME
from bigconst.storage.journal import read_journal
from bigconst.storage.lane import DATA_NAME
from bigconst.storage.manifest import BAD, FORMAT, NAME, NEW, OLD_NAME, read_manifest, write_manifest

# --- the module ------------------------------------------------------------------------

SPECS = {
    "": (),
    " , ": (),
    "lane.read=EIO": (Rule("lane.read", "fail", errno.EIO),),
    "lane.read=EIO@3": (Rule("lane.read", "fail", errno.EIO, None, 3, 3),),
    "lane.read=EIO@3-": (Rule("lane.read", "fail", errno.EIO, None, 3),),
    "lane.write=flip:12345@7-9": (Rule("lane.write", "flip", 12345, None, 7, 9),),
    "output.write[/a, b/c]=short": (Rule("output.write", "short", 0, "/a, b/c"),),
    "lane.sync[d]=sleep:0.5@1, manifest.rename=kill@2,":
        (Rule("lane.sync", "sleep", 0.5, os.path.abspath("d"), 1, 1), Rule("manifest.rename", "kill", 0, None, 2, 2)),
}


@pytest.mark.parametrize("spec", SPECS)
def test_parse(spec):
    assert parse(spec) == SPECS[spec]


@pytest.mark.parametrize("spec, why", [
    ("lane.read", "it is not NAME"), ("lane.read=EIO@", "it is not NAME"), ("lane.read[=EIO", "it is not NAME"),
    ("lane.read[]=EIO", "it is not NAME"), ("lane.read=EIO@x", "it is not NAME"), ("=EIO", "it is not NAME"),
    ("lane.raed=EIO", "there is no lane.raed"), ("lane.read=EOI", "there is no action EOI"),
    ("lane.read=errorcode", "there is no action errorcode"), ("lane.read=torn", "torn makes no sense there"),
    ("lane.sync=short", "short makes no sense there"), ("lane.read=EIO:5", "EIO takes no argument"),
    ("lane.read=flip:0.5", "0.5 is not a number"), ("lane.read=sleep:x", "x is not a number"),
    ("lane.read=EIO@0", "counted from 1"), ("lane.read=EIO@3-2", "counted from 1"),
])
def test_what_cannot_be_read(spec, why):
    with pytest.raises(UsageError) as caught, failpoints.active(f"lane.sync=EIO, {spec}"):
        pass
    assert f"{VARIABLE}: {spec!r}: " in str(caught.value) and why in str(caught.value)
    assert all(name in str(caught.value) for name in (*NAMES, *ACTIONS, "errno"))
    assert not failpoints.ACTIVE


def test_every_name_is_a_place():
    module = Path(failpoints.__file__)
    text = "".join(path.read_text() for path in module.parents[1].rglob("*.py") if path != module)
    assert [name for name in NAMES if text.count(f'"{name}"') != 1] == []


def test_calls_are_counted_for_each_rule():
    with failpoints.active("lane.sync=EIO@2, lane.sync[/a]=EPERM@1-2, lane.sync[/a/]=sleep:0") as rules:
        assert failpoints.hit("journal.sync", "/a") == [] and failpoints.hit("lane.sync", "/ab") == []
        with pytest.raises(OSError, match="Input/output"):
            failpoints.hit("lane.sync", "/a/b")
        with pytest.raises(PermissionError):
            failpoints.hit("lane.sync", "/a")
        failpoints.hit("lane.sync", "/a/b")
        assert [rule.calls for rule in rules] == [4, 3, 3]
        with failpoints.active(""):
            assert not failpoints.ACTIVE
        assert failpoints.ACTIVE is rules
    assert not failpoints.ACTIVE


def test_threads_count_together():
    failed = []

    def work():
        for _ in range(2000):
            try:
                failpoints.hit("lane.sync", "")
            except OSError:
                failed.append(1)

    with failpoints.active("lane.sync=EIO@5001-5100") as (rule,):
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert rule.calls == 16000 and len(failed) == 100


def test_a_wrong_environment_is_one_line(tmp_path):
    found = subprocess.run([*PYTHON, "phi", "--digits", "100", "--output", str(tmp_path / "a")], text=True,
                           env={**ENVIRONMENT, VARIABLE: "lane.raed=EIO"}, capture_output=True, timeout=120)
    assert found.returncode == 2 and found.stderr.count("\n") == 1
    assert found.stderr.startswith(f"bigconst: {VARIABLE}: 'lane.raed=EIO': there is no")
    assert os.listdir(tmp_path) == []


def test_the_environment_is_read_by_the_import():
    found = subprocess.run([sys.executable, "-c", "from bigconst.base.failpoints import ACTIVE; print(ACTIVE)"],
                           env={**ENVIRONMENT, VARIABLE: "lane.sync=EIO@3"}, text=True, capture_output=True, check=True)
    assert found.stdout == f"{parse('lane.sync=EIO@3')}\n"


# --- runs on disk that fail -------------------------------------------------------------


def fail(failures, capsys):
    """Exit code, the error on stderr, and how often each rule was asked, of the command with these failures."""
    capsys.readouterr()
    with failpoints.active(failures) as rules:
        code = main(ON_DISK.split())
    err = capsys.readouterr().err
    line = err.splitlines()[-1]         # before it there is only progress
    assert line.startswith("bigconst: ") and err.count("bigconst: ") == 1
    return code, line, [rule.calls for rule in rules]


def check_kept(place, files=0):
    """The scratch of a run that can be resumed, and so many files beside it."""
    left = os.listdir(place / "a")
    assert DATA_NAME in left and {NAME, OLD_NAME} & set(left) and NAME + NEW not in left
    assert len(os.listdir(place / "files")) == files


def check_resumes(place, in_memory):
    assert bigconst("resume ../a") == 0
    check_finished(place, in_memory)


def test_nothing_is_called_when_nothing_is_set(place, in_memory, monkeypatch):
    for name in ("hit", "read", "write"):
        monkeypatch.setattr(failpoints, name, None)
    assert bigconst(ON_DISK) == 0
    check_finished(place, in_memory)


def test_a_full_disk_at_the_start(place, capsys):
    code, line, _ = fail("lane.reserve=ENOSPC", capsys)
    assert code == 4
    assert f"cannot resize {place / 'a' / DATA_NAME} to " in line and "No space left" in line and "--swap" in line
    assert os.listdir(place / "a") == os.listdir(place / "files") == []


SCRATCH, JOURNAL, MANIFEST = (rf"{{a}}/{name}" for name in (DATA_NAME, rf"{JOURNAL_NAME}\.\d+", NAME))
LASTING = {
    "journal.append=ENOSPC@60-": rf"cannot write {JOURNAL}: No space left .*; make room there, .*resume",
    "journal.append=EIO@20": rf"cannot write {JOURNAL}: Input/output error; .*resume",
    "lane.sync=EIO@25": rf"cannot write {SCRATCH}: Input/output error; .*dmesg",
    "journal.sync=EIO@25": rf"cannot write {JOURNAL}: Input/output error; .*resume",
    "lane.read=EIO@150-": rf"cannot read {SCRATCH} at offset \d+: Input/output error.*; ",
    "lane.write=EIO@150-": rf"cannot write {SCRATCH} at offset \d+: Input/output error; .*dmesg",
    "lane.write=ENODEV@50-": rf"cannot write {SCRATCH} at offset \d+: No such device; .*dmesg",
    "lane.write=ENOSPC@150-": rf"cannot write {SCRATCH} at offset \d+: No space left .*; make room there, .*resume",
    "lane.sync=EDQUOT@25-": rf"cannot write {SCRATCH}: Disk quota exceeded; make room there, .*resume",
    "manifest.write=ENOSPC@4-": rf"cannot write {MANIFEST}: No space left .*; make room there, .*resume",
    "manifest.sync=EIO@7-": rf"cannot write {MANIFEST}: Input/output error; .*resume",
    "manifest.rename=EIO@8-": rf"cannot write {MANIFEST}: Input/output error; .*resume",
}
"""What goes wrong for good, and the message."""


@pytest.mark.parametrize("failures", LASTING)
def test_an_error_keeps_what_is_finished(place, in_memory, failures, capsys):
    code, line, calls = fail(failures, capsys)
    assert code == (4 if re.search("ENOSPC|EDQUOT", failures) else 3) or failures.startswith("lane.read") and code == 5
    assert re.search(LASTING[failures].replace("{a}", str(place / "a")), line)
    assert ".sync=EIO@25" not in failures or calls == [25]        # a sync that failed is not asked for again
    check_kept(place)
    check_resumes(place, in_memory)


KILLED = {
    "journal.append=torn@60": {NAME, OLD_NAME},
    "journal.sync=kill@25": {NAME, OLD_NAME},
    "lane.write=torn@150": {NAME, OLD_NAME},
    "lane.sync=kill@25": {NAME, OLD_NAME},
    "manifest.write=torn@4": {NAME, NAME + NEW, OLD_NAME},
    "manifest.rename=kill@7": {NAME, NAME + NEW, OLD_NAME},
    "manifest.rename=kill@4": {NAME + NEW, OLD_NAME},
    "manifest.rename=kill@8": {NAME + NEW, OLD_NAME},
    "manifest.rename=kill@10": {NAME + NEW, OLD_NAME},
    "manifest.sync=kill@8": {NAME, OLD_NAME},
    "output.write=torn@2": {NAME, OLD_NAME},
    "output.sync=kill@1": {NAME, OLD_NAME},
    "output.rename=kill@1": {NAME, OLD_NAME},
}
"""Where the process ends, and what is left of the manifest: between its two renames it has only the old name."""


def manifests(directory):
    return {name for name in os.listdir(directory) if name.startswith(NAME)}


@pytest.mark.parametrize("failures", KILLED)
def test_a_kill_keeps_what_is_finished(place, in_memory, failures):
    kill(ON_DISK, at_failpoints(failures))
    assert manifests(place / "a") == KILLED[failures]
    if failures == "journal.append=torn@60":
        path, = (place / "a").glob(f"{JOURNAL_NAME}.*")
        *_, (_, end) = read_journal(str(path))
        assert end < path.stat().st_size
    if failures == "output.rename=kill@1":      # finished, it has a name that is not yet its own: that one is to go
        parts = os.listdir(place / "files")
        assert parts and all(re.fullmatch(r"phi\.txt(\.cert)?\.[0-9a-f]{8}\.part", part) for part in parts)
    check_resumes(place, in_memory)


def test_a_kill_before_the_first_manifest_has_its_name(place, in_memory, capsys):
    kill(ON_DISK, at_failpoints("manifest.rename=kill@2"))
    assert manifests(place / "a") == {NAME + NEW}
    capsys.readouterr()
    assert bigconst("resume ../a") == 2
    assert "holds no run" in one_line(capsys)
    assert os.listdir(place / "files") == []
    assert bigconst(ON_DISK) == 0
    check_finished(place, in_memory)


# --- the manifest ----------------------------------------------------------------------


@pytest.fixture
def killed(place):
    """A run in ../a, killed after the first generation of its manifest."""
    kill_once(place, ON_DISK, at_failpoints("journal.append=kill@60"))
    assert manifests(place / "a") == {NAME, OLD_NAME}
    return place


@pytest.mark.parametrize("failures", ["manifest.write=truncate@4, manifest.sync=kill@8",
                                      "manifest.write=truncate@5, manifest.sync=kill@10"])
def test_a_truncated_manifest(place, in_memory, failures, capsys):
    kill(ON_DISK, at_failpoints(failures))
    assert manifests(place / "a") == {NAME, OLD_NAME}
    capsys.readouterr()
    assert bigconst("status ../a") == 0
    assert manifests(place / "a") == {NAME + BAD, OLD_NAME}
    check_resumes(place, in_memory)


@pytest.mark.parametrize("name", [NAME, OLD_NAME])
def test_one_generation_is_lost(killed, in_memory, name):
    (killed / "a" / name).unlink()
    check_resumes(killed, in_memory)


def check_refused(place, code, words, capsys):
    """Neither `resume` nor the command itself touches a run that they do not understand."""
    before = contents(place / "a")
    capsys.readouterr()
    for command in ("resume ../a", "resume ../a", ON_DISK):
        assert bigconst(command) == code
        line = one_line(capsys)
        assert "--discard" in line and all(word in line for word in words)
        assert same(contents(place / "a"), before)


def check_discarded(place, in_memory):
    assert bigconst(f"{ON_DISK} --discard") == 0
    check_finished(place, in_memory)


def test_both_generations_are_damaged(killed, in_memory, capsys):
    for name in (NAME, OLD_NAME):
        (killed / "a" / name).write_bytes((killed / "a" / name).read_bytes()[:100])
    assert bigconst("status ../a") == 3
    assert manifests(killed / "a") == {NAME + BAD, OLD_NAME + BAD}
    check_refused(killed, 3, [f"a/{NAME} is damaged"], capsys)
    check_discarded(killed, in_memory)


def test_a_manifest_of_another_format(killed, in_memory, capsys):
    path = killed / "a" / NAME
    path.write_bytes(path.read_bytes().replace(FORMAT.encode(), b"bigconst-manifest/99"))
    check_refused(killed, 3, [f"a/{NAME} ", "bigconst-manifest/99", FORMAT], capsys)
    check_discarded(killed, in_memory)


def test_a_manifest_of_another_version(killed, in_memory, capsys):
    directory = str(killed / "a")
    fields = read_manifest(directory)
    for other in ({"version": "99.0", "plan": "0"}, {"version": "0.0.1", "plan": None}):
        write_manifest(directory, fields | other)
        check_refused(killed, 2, [directory, f"bigconst {other['version']}"], capsys)
    write_manifest(directory, fields | {"version": "99.0"})     # with the same plan
    check_resumes(killed, in_memory)


# --- the files -------------------------------------------------------------------------

FILES = {
    "output.write[phi.txt]=EIO": ("cannot write {files}/phi.txt: Input/output error", 0),
    "output.write[phi.txt]=ENOSPC": ("cannot write {files}/phi.txt: No space left on device", 0),
    "output.write[phi.txt.cert]=ENOSPC": ("cannot write {files}/phi.txt.cert: No space left on device", 0),
    "output.sync=EIO@1": ("cannot write {files}/phi.txt: Input/output error", 0),
    "output.rename=EACCES@1": ("cannot rename to {files}/phi.txt: Permission denied", 1),
}
"""What goes wrong with them, the message, and how many are left."""


@pytest.mark.parametrize("failures", FILES)
def test_files_that_cannot_be_written(place, in_memory, failures, capsys):
    message, files = FILES[failures]
    code, line, calls = fail(failures, capsys)
    assert code == 3 and ("@1" not in failures or calls == [1])
    assert message.format(files=place / "files") in line
    check_kept(place, files)
    for part in (place / "files").iterdir():        # it was finished, and is not ours any more
        assert str(part) in line and "the finished file is" in line
        assert same(part.read_bytes(), in_memory(DIGITS)["phi.txt"])
        part.unlink()
    check_resumes(place, in_memory)


@pytest.mark.parametrize("failures, message", [
    ("output.rename=EACCES@2", "cannot rename to {files}/phi.txt.cert: Permission denied; the finished file is"),
    ("output.sync=EIO@3", "cannot write {files}/phi.txt.cert: Input/output error; make room"),
    ("output.sync=EIO@2", "cannot sync the directory of {files}/phi.txt: Input/output error; the file is there"),
])
def test_digits_are_there_and_the_certificate_is_not(place, in_memory, failures, message, capsys):
    code, line, _ = fail(failures, capsys)
    assert code == 3 and message.format(files=place / "files") in line
    assert same((place / "files/phi.txt").read_bytes(), in_memory(DIGITS)["phi.txt"])
    for part in (place / "files").glob("*.part"):
        assert proves(in_memory(DIGITS)["phi.txt"], part.read_bytes())
        part.unlink()
    check_kept(place, 1)
    check_resumes(place, in_memory)     # over what is there: it is its own


def test_no_room_for_the_files(place, capsys):
    code, line, _ = fail("output.reserve=ENOSPC@2", capsys)
    assert code == 3 and f"for {place / 'files/phi.txt.cert'}: No space left on device; make room" in line
    assert os.listdir(place / "a") == os.listdir(place / "files") == []
