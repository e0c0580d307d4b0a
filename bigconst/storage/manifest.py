"""The text file that says what run a scratch directory holds: checksummed, replaced atomically, two generations.

    bigconst-manifest/1 xxh3 0123456789abcdef
    { ...JSON... }

What the fields mean is not known here.
"""

import contextlib
import json
import os

import xxhash

from bigconst.base.errors import InputOutputError
from bigconst.storage.durable import BAD, NEW, WriteFailpoints, replace_file

NAME = "bigconst.manifest"
OLD_NAME = "bigconst.manifest.old"
FORMAT = "bigconst-manifest/1"
_PLACES = WriteFailpoints("manifest.write", "manifest.sync", "manifest.rename")
_REMEDY = "see that its disk is there and has room, then resume"


def write_manifest(directory: str, fields: dict) -> None:
    """Replace the manifest of a directory; the one before stays as the older generation.  Raises InputOutputError."""
    body = json.dumps(fields, indent=1).encode() + b"\n"
    text = f"{FORMAT} xxh3 {xxhash.xxh3_64_hexdigest(body)}\n".encode() + body
    replace_file(os.path.join(directory, NAME), text, _PLACES, _REMEDY, older=os.path.join(directory, OLD_NAME),
                 scratch=True)


def read_manifest(directory: str) -> dict | None:
    """The newest manifest of a directory that is whole; None where there is none.

    A damaged one is renamed to .bad.  Raises InputOutputError, now and in later calls, when all generations there
    are damaged, and for a manifest of another format.
    """
    damaged = []
    for name in (NAME, OLD_NAME):
        path = os.path.join(directory, name)
        try:
            with open(path, "rb") as file:
                head, _, body = file.read().partition(b"\n")
        except FileNotFoundError:
            if os.path.lexists(path + BAD):
                damaged.append(path)
            continue
        except OSError as error:
            raise InputOutputError(f"cannot read {path}: {error.strerror}", _REMEDY) from error
        words = head.decode("ascii", "replace").split()
        if len(words) == 3 and words[0] != FORMAT and words[0].startswith("bigconst-manifest/"):
            raise InputOutputError(f"{path} is of the format {words[0]}, this program reads {FORMAT}",
                                   "resume it with the version of bigconst that began it, or remove it with --discard")
        if words == [FORMAT, "xxh3", xxhash.xxh3_64_hexdigest(body)]:
            return json.loads(body)
        with contextlib.suppress(OSError):
            os.replace(path, path + BAD)
        damaged.append(path)
    if damaged:
        # A run was interrupted here: whoever takes this for an empty directory would write over its scratch.
        #: Both copies of the manifest are lost, so nobody knows what the scratch means. Go on from the `--checkpoint`
        #: directory, or remove what is left with `--discard`.
        raise InputOutputError(f"{damaged[0]} is damaged and has no older generation",
                               "remove what is left of the run with --discard")
    return None


def remove_manifest(directory: str) -> None:
    """Remove both generations, damaged or not, and what an interrupted replacement left."""
    for name in (NAME, OLD_NAME):
        for suffix in ("", NEW, BAD):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(directory, name + suffix))
