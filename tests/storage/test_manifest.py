"""The manifest: whatever happens to the newest generation, one that is whole is read, or none and an error says so."""

import errno
import os

import pytest

from bigconst.base import failpoints
from bigconst.base.errors import InputOutputError
from bigconst.storage.manifest import BAD, NAME, NEW, OLD_NAME, read_manifest, remove_manifest, write_manifest


@pytest.fixture
def written(tmp_path):
    """A directory with two generations."""
    for generation in (1, 2):
        write_manifest(str(tmp_path), {"generation": generation, "path": "é/\udcff"})
    return tmp_path


def test_two_generations(written):
    assert sorted(os.listdir(written)) == [NAME, OLD_NAME]
    assert read_manifest(str(written)) == {"generation": 2, "path": "é/\udcff"}
    (written / NAME).unlink()
    assert read_manifest(str(written))["generation"] == 1


def test_none(tmp_path):
    assert read_manifest(str(tmp_path)) is None


@pytest.mark.parametrize("damage", [lambda text: b"", lambda text: text[:-1], lambda text: text[:20],
                                    lambda text: text.replace(b"2", b"3"), lambda text: bytes(len(text)),
                                    lambda text: b"\xff" + text[1:]])
def test_damaged(written, damage):
    text = (written / NAME).read_bytes()
    (written / NAME).write_bytes(damage(text))
    assert read_manifest(str(written))["generation"] == 1
    assert (written / f"{NAME}.bad").read_bytes() == damage(text)
    assert sorted(os.listdir(written)) == [f"{NAME}.bad", OLD_NAME]
    write_manifest(str(written), {"generation": 3})
    assert read_manifest(str(written))["generation"] == 3


@pytest.mark.parametrize("names", [(NAME, OLD_NAME), (OLD_NAME,), (NAME,)])
def test_none_is_left(written, names):
    for name in (NAME, OLD_NAME):
        if name in names:
            (written / name).write_bytes(b"nonsense")
        else:
            (written / name).unlink()
    for _ in range(2):      # nobody begins anew because he asks twice
        with pytest.raises(InputOutputError, match=f"{written / names[0]} is damaged.*--discard") as caught:
            read_manifest(str(written))
        assert caught.value.exit_code == 3
        assert sorted(os.listdir(written)) == sorted(name + BAD for name in names)
    write_manifest(str(written), {"generation": 5})
    assert read_manifest(str(written))["generation"] == 5
    remove_manifest(str(written))
    assert os.listdir(written) == [] and read_manifest(str(written)) is None


def test_one_that_cannot_be_renamed_is_still_damaged(written, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "replace", refuse)
    (written / NAME).write_bytes(b"nonsense")
    assert read_manifest(str(written))["generation"] == 1
    (written / OLD_NAME).write_bytes(b"nonsense")
    for _ in range(2):
        with pytest.raises(InputOutputError, match="damaged"):
            read_manifest(str(written))


def test_another_format(written):
    text = (written / NAME).read_bytes()
    (written / NAME).write_bytes(text.replace(b"manifest/1", b"manifest/2"))
    with pytest.raises(InputOutputError, match="format bigconst-manifest/2, this program reads bigconst-manifest/1"):
        read_manifest(str(written))
    assert sorted(os.listdir(written)) == [NAME, OLD_NAME]      # nothing is wrong with it


@pytest.mark.parametrize("ended_at", range(3))
def test_interrupted_replacement(written, monkeypatch, ended_at):
    calls = iter(range(4))

    def replace(source, target, replace=os.replace):
        if next(calls) == ended_at:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace)
    try:
        write_manifest(str(written), {"generation": 3})
    except KeyboardInterrupt:
        pass
    monkeypatch.undo()
    assert read_manifest(str(written))["generation"] == (2 if ended_at < 2 else 3)
    write_manifest(str(written), {"generation": 4})
    assert read_manifest(str(written))["generation"] == 4
    remove_manifest(str(written))
    assert os.listdir(written) == []


def test_remove(written):
    (written / f"{NAME}{NEW}").touch()
    remove_manifest(str(written))
    assert os.listdir(written) == []
    remove_manifest(str(written))


# generation that is read afterwards, and names that are left
FAILURES = {
    "manifest.write=ENOSPC": (2, [NAME, OLD_NAME]),
    "manifest.write=short@1, manifest.write=EDQUOT@2": (2, [NAME, OLD_NAME]),
    "manifest.sync=EIO@1": (2, [NAME, OLD_NAME]),
    "manifest.rename=EIO@1": (2, [NAME, OLD_NAME]),
    "manifest.rename=EIO@2": (2, [OLD_NAME]),
    "manifest.sync=EIO@2": (3, [NAME, OLD_NAME]),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_replacement(written, failure):
    generation, left = FAILURES[failure]
    with failpoints.active(failure), pytest.raises(InputOutputError) as caught:
        write_manifest(str(written), {"generation": 3})
    name = failure.rpartition("=")[2].partition("@")[0]
    assert str(caught.value).startswith(f"cannot write {written / NAME}: {os.strerror(getattr(errno, name))}; ")
    assert "resume" in str(caught.value) and caught.value.exit_code == (4 if "write" in failure else 3)
    assert sorted(os.listdir(written)) == left
    assert read_manifest(str(written))["generation"] == generation
    write_manifest(str(written), {"generation": 4})
    assert read_manifest(str(written))["generation"] == 4


def test_short_writes_are_continued(written):
    with failpoints.active("manifest.write=short"):
        write_manifest(str(written), {"generation": 3})
    assert read_manifest(str(written))["generation"] == 3


@pytest.mark.parametrize("failure", ["truncate", "flip:1000", "flip:5"])
def test_a_replacement_that_a_disk_has_spoiled(written, failure):
    with failpoints.active(f"manifest.write={failure}"):
        write_manifest(str(written), {"generation": 3, "ballast": "-" * 1000})
    assert read_manifest(str(written))["generation"] == 2
    assert sorted(os.listdir(written)) == [NAME + BAD, OLD_NAME]


def test_errors_name_the_file(tmp_path):
    with pytest.raises(InputOutputError, match="no/bigconst.manifest: No such"):
        write_manifest(str(tmp_path / "no"), {})
    (tmp_path / NAME).mkdir()
    with pytest.raises(InputOutputError, match="cannot read"):
        read_manifest(str(tmp_path))
