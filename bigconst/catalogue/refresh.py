"""Refreshing the catalogue: a newer list is fetched whole, checked whole, and only then renamed into place."""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime

from bigconst.base.errors import InputOutputError, UsageError
from bigconst.base.units import format_bytes, format_count
from bigconst.catalogue import files, vantage
from bigconst.catalogue.tables import INSTANCES, SPOT, day_of, encode, parse
from bigconst.storage.durable import WriteFailpoints, replace_file
from bigconst.storage.lock import FileLock

MOST_BYTES = 1 << 30
"""Longest list that is read."""
TIMEOUT_S = 60

FEWEST_INSTANCES = 10
"""Fewest instances of a public list; with fewer, its format must have changed."""

HOME_REGION = "us-east-1"
"""Prices of this region are always stored, besides those of regions that the catalogue already has."""

_HEAD = "# Written by bigconst estimate --refresh.\n"
_LOCK_NAME = "refresh.lock"
_PLACES = WriteFailpoints("catalogue.write", "catalogue.sync", "catalogue.rename")
_REMEDY = "see that its disk has room and that it may be written"


def refresh(source: str, note: Callable[[str], None]) -> str:
    """Replace the refreshed part of the catalogue by `source`, and return a line that says so.

    `source` is a path or an http(s) address of a file in the columns of instances.csv, or of the list that
    bigconst.catalogue.vantage reads; `note` receives a line before a download.  Raises InputOutputError when it cannot
    be read, and UsageError, with the place, when something in it is wrong; nothing has changed then.  Also raises
    InputOutputError when the new files cannot be written; each of them is then either the old or the new one, whole.
    """
    regions, newest = _present()
    stays = f"the catalogue of {newest} stays in use"
    if source.lower().startswith(("http://", "https://")):
        note(f"fetching {source}")
        data, day = _fetched(source, stays)
    else:
        data, day = _local(source, stays)
    remedy = f"correct it, {stays}"
    if data[:100].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{"):
        # A date in the future comes from a wrong clock, and would take precedence over all later prices.
        listed, spot = vantage.records(data, source, regions, min(day, _today()).isoformat(), remedy)
        if (count := len({row.type for row in listed})) < FEWEST_INSTANCES:
            #: As for "…, line 1: it is not a list of instances".
            raise UsageError(f"{source} has prices of {count} instances in {', '.join(sorted(regions))}, and at least "
                             f"{FEWEST_INSTANCES} are expected", remedy)
        new = {"spot.csv": encode(SPOT, spot, _HEAD), "instances.csv": encode(INSTANCES, listed, _HEAD)}
        parse(SPOT, new["spot.csv"], source, remedy)
    else:
        new = {"instances.csv": data}
    rows = parse(INSTANCES, new["instances.csv"], source, remedy)
    if not rows:
        #: As for "…, line 1: it is not a list of instances".
        raise UsageError(f"{source} has no instances", remedy)
    _write(new)
    count = len({(row.provider, row.type.lower()) for row in rows})
    of = max(rows, key=lambda row: day_of(row.price_date)).price_date
    return (f"{format_count(count)} instance{'s' if count > 1 else ''} from {source}"
            f"{f', prices of {of},' if of else ''} {'are' if count > 1 else 'is'} now in the catalogue")


def _today() -> date:
    return datetime.now(UTC).date()


def _present() -> tuple[set[str], str]:
    """AWS regions that the catalogue has, and the newest date of its prices."""
    rows, spot = files.packaged_rows("instances.csv", INSTANCES), files.packaged_rows("spot.csv", SPOT)
    try:
        rows = rows + (files.refreshed_rows("instances.csv", INSTANCES) or [])
        spot = spot + (files.refreshed_rows("spot.csv", SPOT) or [])
    except (UsageError, InputOutputError):
        pass                                # a damaged file is about to be replaced
    regions = {row.region for row in (*rows, *spot) if row.provider == vantage.PROVIDER and row.region}
    return regions | {HOME_REGION}, max(rows, key=lambda row: day_of(row.price_date)).price_date


def _local(path: str, stays: str) -> tuple[bytes, date]:
    try:
        with open(path, "rb") as file:
            data, modified_s = file.read(MOST_BYTES + 1), os.fstat(file.fileno()).st_mtime
    except (OSError, ValueError) as error:      # a NUL byte in the path is a ValueError
        raise InputOutputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}", stays) from error
    return _not_too_long(data, path, stays), datetime.fromtimestamp(modified_s, UTC).date()


def _fetched(address: str, stays: str) -> tuple[bytes, date]:
    import email.utils
    import http.client
    import urllib.request

    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as response:
            data = response.read(MOST_BYTES + 1)
            length, modified = (response.headers.get(name) for name in ("Content-Length", "Last-Modified"))
    except (OSError, http.client.HTTPException, ValueError) as error:
        #: The network, a proxy or the address is the cause. The list can be fetched elsewhere and given to `--refresh`
        #: as a file.
        raise InputOutputError(f"cannot reach {address}: {getattr(error, 'reason', None) or error}", stays) from error
    _not_too_long(data, address, stays)
    if length is not None and length != str(len(data)):
        #: As for "…, line 1: it is not a list of instances".
        raise InputOutputError(f"{address} ended after {format_count(len(data))} of {length} bytes", stays)
    try:
        return data, email.utils.parsedate_to_datetime(modified).date()
    except (TypeError, ValueError):
        return data, _today()


def _not_too_long(data: bytes, name: str, stays: str) -> bytes:
    if len(data) > MOST_BYTES:
        #: As for "…, line 1: it is not a list of instances".
        raise InputOutputError(f"{name} is longer than {format_bytes(MOST_BYTES)}", stays)
    return data


def _write(new: dict[str, bytes]) -> None:
    """Write files in the order given, one refresh at a time.

    Instances come last, since spot prices mean nothing without them.
    """
    directory = os.path.dirname(files.refreshed_path(_LOCK_NAME))
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        #: The directory of the catalogue cannot be made: see its parent, or set `XDG_CACHE_HOME`.
        raise InputOutputError(f"cannot make {directory}: {error.strerror}", _REMEDY) from error
    with FileLock(files.refreshed_path(_LOCK_NAME), directory, _REMEDY, wait=True):
        for name, data in new.items():
            replace_file(files.refreshed_path(name), data, _PLACES, _REMEDY)
