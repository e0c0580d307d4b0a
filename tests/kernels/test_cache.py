"""Compiled kernels on disk: what is damaged is replaced, what can be read is used, what cannot be written is not."""

import os
import pickle
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import xxhash

from bigconst.base.errors import UsageError
from bigconst.kernels import cache, jit


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache directory that is not there yet, of a process that knows no kernels."""
    monkeypatch.setattr(cache, "CACHE_DIR", tmp_path / "bigconst/kernels-0")
    new_process(monkeypatch)
    return tmp_path / "bigconst/kernels-0"


def new_process(monkeypatch):
    monkeypatch.setattr(cache, "_modules", {})
    monkeypatch.setattr(cache, "refusal", "")


def compiled(constants=(1,)) -> list[bool]:
    """Import a module with kernels of one text, one for each constant; True for those that had to be compiled."""
    def plus(constant):
        @jit.kernel("int64(int64)")
        def add(x):
            return x + constant
        return add

    kernels = [plus(constant) for constant in constants]
    assert [kernel(5) for kernel in kernels] == [5 + constant for constant in constants]
    cache.mark_compiled(MODULE)
    return [bool(kernel.stats.cache_misses) for kernel in kernels]


MODULE = __name__.rpartition(".")[2]
ROOT = str(Path(jit.__file__).parents[2])


def test_kernels_are_compiled_once(folder, monkeypatch):
    assert cache.is_cold(MODULE)
    assert compiled((1, 10)) == [True, True]
    assert not cache.is_cold(MODULE)
    new_process(monkeypatch)
    assert not cache.is_cold(MODULE) and compiled((1, 10)) == [False, False]
    assert os.listdir(folder) == [f"{MODULE}.kernels"] and cache.refusal == ""


@pytest.mark.parametrize("damage", [
    lambda stored: b"", lambda stored: stored[:7], lambda stored: stored[:-1], lambda stored: stored[:4096],
    lambda stored: bytes(len(stored)), lambda stored: stored[:len(stored) // 2].ljust(len(stored), b"\0"),
    lambda stored: os.urandom(5000), lambda stored: stored + b"\n",
    lambda stored: stored[:3000] + bytes([stored[3000] ^ 4]) + stored[3001:],
    lambda stored: pickle.dumps(("0.68", {})), lambda stored: stored[16:],
])
def test_what_is_damaged_is_compiled_again_and_replaced(folder, monkeypatch, damage):
    compiled()
    file = folder / f"{MODULE}.kernels"
    file.write_bytes(damage(file.read_bytes()))
    new_process(monkeypatch)
    assert compiled() == [True]
    new_process(monkeypatch)
    assert compiled() == [False]


def test_kernels_of_a_killed_process_are_used(folder, monkeypatch):
    """All but the last were stored, and something half written is left."""
    compiled((1, 10))
    file = folder / f"{MODULE}.kernels"
    entries = dict(list(pickle.loads(file.read_bytes()[16:]).items())[:1])
    data = pickle.dumps(entries)
    file.write_bytes(xxhash.xxh3_128_digest(data) + data)
    (folder / f"{MODULE}.0123").write_bytes(b"half")
    new_process(monkeypatch)
    assert cache.is_cold(MODULE)
    assert compiled((1, 10)) == [False, True]


def test_what_another_process_stores_meanwhile_is_used(folder, monkeypatch):
    compiled()
    shutil.move(folder, folder.with_name("elsewhere"))
    new_process(monkeypatch)
    assert cache.is_cold(MODULE)
    shutil.move(folder.with_name("elsewhere"), folder)
    assert not cache.is_cold(MODULE) and compiled() == [False]


@pytest.mark.parametrize("obstacle, reason", [
    (lambda folder: folder.parent.write_bytes(b""), "Not a directory"),
    (lambda folder: (folder.parent.mkdir(), folder.write_bytes(b"")), "File exists"),
    (lambda folder: folder.parent.symlink_to("nowhere"), "File exists"),
    (lambda folder: folder.parent.symlink_to("bigconst"), "Too many levels of symbolic links"),
])
def test_where_nothing_can_be_written_kernels_are_compiled_in_memory(folder, monkeypatch, obstacle, reason):
    obstacle(folder)
    assert cache.is_cold(MODULE) and not cache.can_store()
    assert cache.refusal == f"{folder}: {reason}"
    cache.refusal = ""
    assert compiled() == [True]
    assert cache.refusal == f"{folder}: {reason}"
    assert not cache.is_cold(MODULE)        # of this process
    new_process(monkeypatch)
    assert cache.is_cold(MODULE)


def refuse(number):
    def call(*_arguments, **_options):
        raise OSError(number, os.strerror(number))

    return call


def test_a_full_disk_has_no_room_for_kernels(folder, monkeypatch):
    monkeypatch.setattr(os, "posix_fallocate", refuse(28))
    assert not cache.can_store() and cache.refusal == f"{folder}: No space left on device"
    assert os.listdir(folder) == []


def test_nothing_half_written_stays_on_a_full_disk(folder, monkeypatch):
    assert cache.can_store()
    monkeypatch.setattr(cache.Path, "replace", refuse(28))
    assert compiled() == [True]
    assert os.listdir(folder) == [] and cache.refusal == f"{folder}: No space left on device"


def test_a_cache_that_can_only_be_read_is_used(folder, monkeypatch):
    compiled()
    for call in ("mkdir", "write_bytes", "replace"):
        monkeypatch.setattr(cache.Path, call, refuse(30))
    new_process(monkeypatch)
    assert not cache.is_cold(MODULE) and compiled() == [False] and cache.refusal == ""
    assert not cache.can_store() and cache.refusal == f"{folder}: Read-only file system"


def test_each_processor_has_its_own_kernels(monkeypatch):
    """Machines with different processors may share a home directory."""
    codegen = type(cache.cpu_target.target_context.codegen())
    names = {cache.sources_hash()}
    for processor in ("haswell", "skylake-avx512"):
        monkeypatch.setattr(codegen, "magic_tuple", lambda self, name=processor: ("x86_64", name, "+avx2"))
        names.add(cache.sources_hash())
    assert len(names) == 3


def test_old_versions_are_removed(folder):
    old, young, other = (folder.with_name(name) for name in ("kernels-1", "kernels-2", "speeds"))
    for each in (old, young, other):
        each.mkdir(parents=True)
    for each in (old, other):
        os.utime(each, (0, 0))
    compiled()
    assert sorted(os.listdir(folder.parent)) == ["kernels-0", "kernels-2", "speeds"]


def test_numba_has_to_compile(monkeypatch):
    monkeypatch.setattr(cache.numba.config, "DISABLE_JIT", 1)
    with pytest.raises(UsageError, match="NUMBA_DISABLE_JIT.*; unset NUMBA_DISABLE_JIT"):
        runpy.run_path(cache.__file__)


def test_a_command_whose_numba_may_not_compile(tmp_path):
    (tmp_path / "pi.txt").write_text("3.14159\n")
    done = subprocess.run([sys.executable, "-m", "bigconst", "find", "pi.txt", "415"], cwd=tmp_path, text=True,
                          capture_output=True, env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": ROOT,
                                                                           "BIGCONST_CACHE": str(tmp_path / "cold")})
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "unset NUMBA_DISABLE_JIT" in done.stderr
