"""Runs on disk in which something is damaged on purpose.

Such a run is a trial.  Seed and number of a trial decide all of it, and it computes in one thread, so that it can be
repeated.  Trials take place in a process of their own, since they may crash or hang.
"""

import argparse
import contextlib
import multiprocessing
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bigconst.base.errors import BigconstError, ChecksumError
from bigconst.cli import main
from bigconst.runs import kernels
from bigconst.storage.volume import Volume

HARMLESS, REPAIRED, STOPPED, WRONG, UNNOTICED, CRASHED, HUNG = OUTCOMES = (
    "harmless", "repaired", "stopped", "WRONG FILE", "UNNOTICED", "crashed", "hung")
BAD = (WRONG, UNNOTICED, HUNG)
"""Outcomes that must not occur.  A process that crashes is none of them: it leaves no file."""

TRIAL_S = 180
"""Seconds after which a trial hangs; an undisturbed run takes one."""
DIGITS = 10**6
THREE_PASSES = 5 * 10**6
"""Digits whose transforms take three passes in a workspace of 1 MiB."""
CHECKS = (
    ("holds a word out of range", "range of words"), ("the text does not have", "residue of the text"),
    ("a character that is not a digit", "characters of the text"), ("packed wrongly", "packed words"),
    ("does not have the residue of its parts", "residue of a sum"), ("within its bounds", "bound of the remainder"),
    ("does not prove its digits", "identity of the ladder"),
    ("parameters are out of their bounds", "parameters of the ladder"),
    ("a number of the certificate changed", "residue of the certificate"), ("does not fit its words", "carry of a sum"),
    ("integer part", "integer part"), ("round-off", "round-off"), ("checksum", "checksum"),
    ("is not what was written", "checksum"), ("wrong with words of every size", "residue"), ("residue", "residue"),
    ("wrong value", "residue of a part"),
)
"""Parts of messages, and the check that each comes from; the first that fits counts."""


def check_of(error: BaseException) -> str:
    """The name of the check that raised an error."""
    if isinstance(error, ChecksumError):
        return "checksum"
    if not isinstance(error, BigconstError):
        return f"{type(error).__name__}"
    return next((name for part, name in CHECKS if part in str(error)), str(error)[:40])


# --- runs ------------------------------------------------------------------------------


class FilePair:
    """Text and certificate of a run, written into memory."""

    def __init__(self, plan, folder: Path):
        self.paths = folder / "digits.txt", folder / "digits.txt.cert"
        self.files = [_Target(path, size) for path, size in
                      zip(self.paths, (plan.text_bytes, plan.certificate_bytes), strict=True)]

    def contents(self) -> tuple[bytes, bytes]:
        """Bytes of the text and of the certificate."""
        return tuple(bytes(target.data) for target in self.files)

    def write(self) -> Path:
        """Write both as files, and return the path of the text."""
        for path, target in zip(self.paths, self.files, strict=True):
            path.write_bytes(target.data)
        return self.paths[0]


class _Target:
    def __init__(self, path: Path, size: int):
        self.path, self.data = path, bytearray(size)

    def write_at(self, offset: int, data) -> None:
        self.data[offset:offset + len(data)] = data


@contextlib.contextmanager
def journaled(folder: Path, volume) -> Iterator:
    """A recorder with a journal in `folder`, as commands use it."""
    from bigconst.runtime.checkpoint import Checkpoint

    checkpoint = Checkpoint.create(str(folder), {})
    try:
        yield checkpoint.recorder(volume.sync)
    finally:
        checkpoint.remove()


def make_plan(digits: int, base: int, narrow: bool = False, constant: str = "phi"):
    """The plan of a run on disk in a workspace of 1 MiB; `narrow` takes four digits a word, as long transforms do."""
    from bigconst.arithmetic import diskplanner
    from bigconst.constants import planning
    from bigconst.constants.registry import parse

    longest = dict(diskplanner.FULL_WORDS_MAX)
    diskplanner._shape.cache_clear()
    if narrow:
        diskplanner.FULL_WORDS_MAX[10, 5] = diskplanner.FULL_WORDS_MAX[16, 4] = 1 << 10
    try:
        made = planning.make_plan(parse(constant), digits, base, 1, 1 << 60, workspace_bytes=1 << 20, disk="ssd")
        assert made.disk is not None
        return made
    finally:
        diskplanner.FULL_WORDS_MAX.update(longest)
        diskplanner._shape.cache_clear()


def carry_out(plan, folder: Path, lane_volume, emit: Callable) -> FilePair:
    """Carry out a plan below `folder`, on the volume that lane_volume(directories, size_bytes, stripe_bytes) makes."""
    from bigconst.constants import engine

    folder.mkdir(parents=True, exist_ok=True)
    files = FilePair(plan, folder)
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    with (lane_volume([scratch], plan.disk.scratch_bytes, plan.disk.stripe_bytes) as volume,
          journaled(folder, volume) as recorder):
        engine.run(plan, files.files[0], emit, files.files[1], volume, recorder)
    return files


def plan_of(chance: random.Random, digits: int | None, three_passes: bool = True):
    """The name of a kind of plan that `chance` draws, and a plan of it."""
    kind = chance.choices(["decimal", "hexadecimal", "narrow", "pi", "e", "three passes"],
                          [5, 3, 2, 3, 2, 1 if three_passes else 0])[0]
    size = digits or (THREE_PASSES if kind == "three passes" else DIGITS)
    return kind, make_plan(size, 16 if kind == "hexadecimal" else 10, kind == "narrow",
                           kind if kind in ("pi", "e") else "phi")


# --- trials in processes ------------------------------------------------------------------


def trials(part: str, arguments: argparse.Namespace, folder: Path, count: int) -> list[dict]:
    """Trials until there were `count` flips or corruptions; a row for each trial."""
    kernels.load(kernels.DIGITS, kernels.DISK)
    found: list[dict] = []
    first = arguments.trial or 0
    with contextlib.ExitStack() as stack:
        worker = None
        while arguments.trial is None or not found:
            if sum(weight(trial) for trial in found) >= count:
                break
            if worker is None:
                worker = stack.enter_context(contextlib.closing(_Worker(part, arguments, folder)))
            trial = worker.trial(first + len(found))
            found.append(trial)
            if trial["outcome"] in (CRASHED, HUNG):
                worker.close()
                worker = None
    return found


def weight(trial: dict) -> int:
    """The number of flips or corruptions in a trial."""
    return len(trial["flips"]) if "flips" in trial else 1


class _Worker:
    """A process that carries out trials."""

    def __init__(self, part: str, arguments: argparse.Namespace, folder: Path):
        context = multiprocessing.get_context("fork")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_work, daemon=True,
                                        args=(theirs, part, arguments.seed, arguments.digits, folder))
        self._process.start()
        theirs.close()

    def trial(self, number: int) -> dict:
        """Carry out trial `number`, and return its row; ends this program if the process failed without a crash."""
        self._ours.send(number)
        try:
            if self._ours.poll(TRIAL_S):
                return self._ours.recv() | {"trial": number}
            return {"trial": number, "outcome": HUNG}
        except (EOFError, ConnectionResetError):
            self._process.join()
            if self._process.exitcode >= 0:
                sys.exit(f"trial {number} failed: its process ended with exit code {self._process.exitcode}")
            return {"trial": number, "outcome": CRASHED, "message": f"signal {-self._process.exitcode}"}

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._ours.close()


def _work(pipe, part: str, seed: int, digits: int | None, folder: Path) -> None:
    """What the process does: carry out the trials whose numbers it receives, and send their rows."""
    import corruptions
    import flips

    trial = flips.Flips(digits, folder) if part == "flips" else corruptions.Corruptions(digits, folder)
    while True:
        try:
            number = pipe.recv()
        except EOFError:
            return
        pipe.send(trial.carry_out(random.Random(f"{part} {seed} {number}"), number))


class Rights:
    """The right files of plans."""

    def __init__(self, folder: Path):
        self._folder, self._known = folder, {}

    def of(self, plan) -> tuple[bytes, bytes]:
        """Text and certificate of a plan: digits that are computed in memory, and the certificate of a run on disk that
        nothing disturbs, which proves them."""
        from bigconst.constants import engine, planning

        if plan.fingerprint not in self._known:
            in_memory = planning.make_plan(plan.constant, plan.decimal_digits, plan.base, 1, 1 << 60)
            files = FilePair(in_memory, self._folder)
            engine.run(in_memory, files.files[0], lambda event: None, files.files[1])
            text, _ = files.contents()
            files = carry_out(plan, self._folder / "undisturbed", Volume, lambda event: None)
            if files.contents()[0] != text or main(["verify", str(files.write())]) != 0:
                raise AssertionError("a run that nothing disturbs is wrong")
            self._known[plan.fingerprint] = files.contents()
            shutil.rmtree(self._folder / "undisturbed", ignore_errors=True)
        return self._known[plan.fingerprint]
