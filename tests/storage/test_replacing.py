"""A file that is replaced stays what it was to others: behind its links, with its owner, its rights and attributes."""

import errno
import os
import stat
import struct

import pytest

from bigconst.base.errors import InputOutputError, UsageError
from bigconst.storage import durable
from bigconst.storage.atomicfile import AtomicFile
from bigconst.storage.durable import NEW, NO_FAILPOINTS, append_line, replace_file

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
USER_OBJ, USER, GROUP_OBJ, MASK, OTHER = 1, 2, 4, 16, 32


def small(path):
    replace_file(path, b"new", NO_FAILPOINTS, "mend it")


def digits(path):
    with AtomicFile(path, 3, force=True) as file:
        file.write_at(0, b"new")
        file.commit()


@pytest.fixture(params=[small, digits])
def replace(request):
    """A way in which a file of the program is replaced."""
    return request.param


@pytest.fixture
def old(tmp_path):
    """A file that is there."""
    (tmp_path / "place").mkdir()
    path = tmp_path / "place/old"
    path.write_text("old")
    return path


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def left(path):
    """Names of all files in the directory of `path` but those that belong there."""
    return [name for name in os.listdir(path.parent) if name not in ("old", "link", "chain", "a", "b")]


# --- links ---------------------------------------------------------------------------

@pytest.mark.parametrize("target", ["place/old", "{old}", "chain"])
def test_a_link_stays_a_link(replace, old, tmp_path, target):
    (tmp_path / "chain").symlink_to("place/old")
    link = tmp_path / "link"
    link.symlink_to(target.format(old=old))
    replace(str(link))
    assert link.is_symlink() and old.read_text() == link.read_text() == "new"
    assert left(old) == [] and left(link) == ["place"]


def test_a_link_to_what_is_not_there_yet(replace, old, tmp_path):
    old.unlink()
    (tmp_path / "link").symlink_to("place/old")
    replace(str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink() and old.read_text() == "new"


@pytest.mark.parametrize("target, why", [("link", "Too many levels of symbolic links"), ("chain", "Too many levels"),
                                         ("place", "Is a directory|is a directory"), ("no/a", "No such file")])
def test_a_link_that_leads_to_no_file(replace, old, tmp_path, target, why):
    (tmp_path / "chain").symlink_to("link")
    (tmp_path / "link").symlink_to(target)
    with pytest.raises((InputOutputError, UsageError), match=why):
        replace(str(tmp_path / "link"))
    assert os.readlink(tmp_path / "link") == target and left(old) == []


def test_a_line_is_appended_behind_a_link(old, tmp_path):
    (tmp_path / "link").symlink_to("place/old")
    append_line(str(tmp_path / "link"), "line", NO_FAILPOINTS, "mend it")
    assert old.read_text() == "old\nline\n"


# --- rights --------------------------------------------------------------------------

@pytest.mark.parametrize("bits", [0o600, 0o640, 0o604, 0o666, 0o2660, 0o755])
def test_the_mode_stays(replace, old, bits):
    old.chmod(bits)
    replace(str(old))
    assert mode(old) == bits and old.read_text() == "new"


def test_a_new_file_has_the_mode_of_any_other(replace, tmp_path):
    (tmp_path / "a").touch()
    replace(str(tmp_path / "b"))
    assert mode(tmp_path / "b") == mode(tmp_path / "a")


def test_what_is_private_is_never_readable(old, monkeypatch):
    old.chmod(0o600)
    monkeypatch.setattr(durable, "_DESCRIPTORS", "/no/descriptors")
    with AtomicFile(old, 3, force=True) as file:
        assert mode(file.part) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays(replace, old):
    os.chown(old, 12345, 23456)
    old.chmod(0o4660)
    replace(str(old))
    found = os.stat(old)
    assert (found.st_uid, found.st_gid, mode(old)) == (12345, 23456, 0o4660)


@pytest.mark.parametrize("refused, bits", [(lambda uid, gid: uid != -1, 0o664), (lambda uid, gid: True, 0o644)])
def test_what_we_may_not_give_gives_nobody_more(replace, old, monkeypatch, refused, bits):
    """The owner alone, or the group as well, cannot stay: then the group is another, with the rights of all others."""
    old.chmod(0o6664)
    chown = os.fchown

    def fchown(fd, uid, gid):
        if refused(uid, gid):
            raise PermissionError(errno.EPERM, "Operation not permitted")
        chown(fd, uid, gid)

    monkeypatch.setattr(os, "fchown", fchown)
    replace(str(old))
    assert mode(old) == bits and old.read_text() == "new"


def acl(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NONE = 0xFFFFFFFF
FOR_A_USER = acl((USER_OBJ, 6, NONE), (USER, 6, 4711), (GROUP_OBJ, 0, NONE), (MASK, 6, NONE), (OTHER, 0, NONE))


def set_attribute(path, name, value):
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"no {name} here: {error.strerror}")


def test_access_control_lists_and_attributes_stay(replace, old):
    set_attribute(old, "user.comment", b"mine")
    set_attribute(old, ACCESS, FOR_A_USER)
    replace(str(old))
    assert os.getxattr(old, "user.comment") == b"mine" and os.getxattr(old, ACCESS) == FOR_A_USER
    assert mode(old) == 0o660       # the mask


def test_an_access_control_list_that_cannot_stay_opens_nothing(replace, old, monkeypatch):
    set_attribute(old, ACCESS, FOR_A_USER)

    def refuse(*_):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", refuse)
    replace(str(old))
    assert mode(old) == 0o600


def test_the_list_of_the_directory_is_for_new_files(replace, old):
    old.chmod(0o640)
    set_attribute(old.parent, DEFAULT, FOR_A_USER)
    replace(str(old))
    replace(str(old.parent / "b"))
    assert ACCESS not in os.listxattr(old) and mode(old) == 0o640
    assert ACCESS in os.listxattr(old.parent / "b")


def test_a_file_that_we_may_not_write_is_not_replaced(replace, old, monkeypatch):
    """A rename would need no right to it."""
    old.chmod(0o444)
    reopen = os.open

    def not_for_writing(path, flags, *rest, **named):
        if os.fspath(path) == str(old) and flags & os.O_WRONLY:
            raise PermissionError(errno.EACCES, "Permission denied")      # root is not asked
        return reopen(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", not_for_writing)
    with pytest.raises(InputOutputError, match=f"cannot .* {old}: Permission denied; m"):
        replace(str(old))
    assert old.read_text() == "old" and left(old) == []


def test_a_file_of_somebody_else_in_a_directory_like_tmp(replace, old, monkeypatch):
    old.parent.chmod(0o1777)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(InputOutputError, match=f"cannot .* {old}: Operation not permitted; m"):
        replace(str(old))
    assert old.read_text() == "old" and left(old) == []


# --- meanwhile -----------------------------------------------------------------------

def test_what_became_of_the_file_meanwhile(old):
    """The digits take hours: the rights are those that the file has at the end."""
    with AtomicFile(old, 3, force=True) as file:
        file.write_at(0, b"new")
        old.unlink()
        old.write_text("another")
        old.chmod(0o606)
        file.commit()
    assert mode(old) == 0o606 and old.read_text() == "new"


def test_what_a_killed_process_left(old, tmp_path):
    (tmp_path / "precious").write_text("precious")
    for leave in (lambda path: path.write_text("half"), lambda path: path.symlink_to(tmp_path / "precious")):
        leave(old.parent / f"old{NEW}")
        small(str(old))
        assert old.read_text() == "new" and left(old) == []
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize("name", ["a" * 255, "\N{GREEK SMALL LETTER PHI}" * 127, "{}%s{0}"])
def test_a_name_that_leaves_no_room_for_another(replace, tmp_path, name):
    """The digits have no name until all is computed, and then one that is longer."""
    for _ in range(2):
        replace(str(tmp_path / name))
        assert os.listdir(tmp_path) == [name]


# --- without /proc -------------------------------------------------------------------

def test_without_descriptors_in_proc(tmp_path, monkeypatch):
    """A file without a name could not be named at the end, when all is computed: this is decided at the start."""
    monkeypatch.setattr(durable, "_DESCRIPTORS", "/no/descriptors")
    with AtomicFile(tmp_path / "a", 3) as file:
        assert os.listdir(tmp_path) == [os.path.basename(file.part)]
        file.write_at(0, b"new")
        file.commit()
    assert (tmp_path / "a").read_text() == "new" and os.listdir(tmp_path) == ["a"]
    with pytest.raises(RuntimeError), AtomicFile(tmp_path / "b", 3):
        raise RuntimeError
    assert os.listdir(tmp_path) == ["a"]


# --- a limit on the length of files --------------------------------------------------

def test_a_file_that_becomes_too_long(tmp_path):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:        # SIGXFSZ does not end the process
        with pytest.raises(InputOutputError, match=r"a: File too large; .*`ulimit -f`") as reserved:
            AtomicFile(tmp_path / "a", 8192)
        with pytest.raises(InputOutputError, match=r"a: File too large; .*`ulimit -f`"):
            replace_file(str(tmp_path / "a"), bytes(8192), NO_FAILPOINTS, "mend it")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert reserved.value.exit_code == 3 and os.listdir(tmp_path) == []
