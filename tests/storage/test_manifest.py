"""The manifest: whatever happens to the newest generation, one that is whole is read, or none and an error says so."""

import os

import pytest

from bigconst.errors import InputOutputError
from bigconst.storage.manifest import NAME, OLD_NAME, read_manifest, remove_manifest, write_manifest


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


def test_both_damaged(written):
    for name in (NAME, OLD_NAME):
        (written / name).write_bytes(b"nonsense")
    with pytest.raises(InputOutputError, match="damaged") as caught:
        read_manifest(str(written))
    assert caught.value.exit_code == 3 and str(written / NAME) in str(caught.value)
    assert sorted(os.listdir(written)) == [f"{NAME}.bad", f"{OLD_NAME}.bad"]


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
    (written / f"{NAME}.new").touch()
    remove_manifest(str(written))
    assert os.listdir(written) == []
    remove_manifest(str(written))


def test_errors_name_the_file(tmp_path):
    with pytest.raises(InputOutputError, match="no/bigconst.manifest: No such"):
        write_manifest(str(tmp_path / "no"), {})
    (tmp_path / NAME).mkdir()
    with pytest.raises(InputOutputError, match="cannot read"):
        read_manifest(str(tmp_path))
