"""Which of the places that make an error of the program has no test provoked?

    python tests/provoked.py DIR

prints them, one `file:line: message` each.  It exits 1 if there are any and no
test was skipped that might have come there on another machine.  DIR is what
BIGCONST_PROVOKED named while the tests ran: each process of pytest writes into
it the places from which it and its forks made errors (see conftest.py).  What
other programs make that tests start is not seen, so every place needs a test
that comes there in a process of pytest.
"""

import argparse
import ast
import functools
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "BIGCONST_PROVOKED"
SKIPPED = "skipped"
"""File in that directory with the names of tests that were skipped."""
ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "bigconst"


@dataclass(frozen=True)
class Place:
    """A call of an error class: its file below bigconst/ and the lines it takes up, from the first to the last."""

    file: str
    lines: range
    call: ast.Call

    def __str__(self) -> str:
        return f"bigconst/{self.file}:{self.lines[0]}: {ast.unparse(self.call)}"


def error_classes(package: Path = PACKAGE) -> set[str]:
    """The names of the classes whose calls are looked for: those of errors.py, and argparse's for an option's value."""
    body = ast.parse((package / "base/errors.py").read_text()).body
    return {node.name for node in body if isinstance(node, ast.ClassDef)} | {"ArgumentTypeError"}


def places(package: Path = PACKAGE) -> Iterator[Place]:
    """All calls of error classes in the package, in the order of files and lines."""
    names = error_classes(package)
    for path in sorted(package.rglob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text()))
                 if isinstance(node, ast.Call) and makes_error(node.func, names)]
        for call in sorted(calls, key=lambda call: call.lineno):
            yield Place(str(path.relative_to(package)), range(call.lineno, call.end_lineno + 1), call)


def makes_error(function: ast.expr, names: set[str]) -> bool:
    """Whether it is one of the classes, one or another of them, or the class of an error at hand."""
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in names
        case ast.IfExp(body=body, orelse=other):
            return makes_error(body, names) or makes_error(other, names)
        case ast.Call(func=ast.Name(id="type"), args=[ast.Name(id="error")]):
            return True
    return False


def record(directory: Path) -> None:
    """From now on note where errors of the program are made, in this process and its forks, in a file of their own."""
    from bigconst.base.errors import BigconstError

    directory.mkdir(parents=True, exist_ok=True)
    # Tests put others in the place of os.open and os.write, and end forks at any moment.
    file = os.open(directory / f"{os.getpid()}.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    write, seen, inside = os.write, set(), f"{PACKAGE}{os.sep}"

    def note(path: str, line: int) -> None:
        if path.startswith(inside) and (path, line) not in seen:
            seen.add((path, line))
            write(file, f"{path.removeprefix(inside)}:{line}\n".encode())

    def noting(make):
        @functools.wraps(make)
        def init(self, *arguments, **named):
            frame = sys._getframe(1)
            while frame.f_code.co_filename == f"{inside}base/errors.py":
                frame = frame.f_back
            note(frame.f_code.co_filename, frame.f_lineno)
            make(self, *arguments, **named)
        return init

    for kind in (BigconstError, argparse.ArgumentTypeError):
        kind.__init__ = noting(kind.__init__)


def note_skipped(directory: Path, test: str, why: tuple) -> None:
    """Remember that a test was skipped for what the machine lacks, like "no right to mount".

    `why` is pytest's (file, line, reason).  Other reasons, like programs that are not installed, cost no errors.
    """
    if str(why[-1]).removeprefix("Skipped: ").startswith("no "):
        with open(directory / SKIPPED, "a") as file:
            file.write(f"{test}\n")


def unprovoked(directory: Path, package: Path = PACKAGE) -> list[Place]:
    """The places that no process has written into the directory."""
    seen = set()
    for path in directory.glob("*.txt"):
        seen.update(path.read_text().split())
    return [place for place in places(package) if not any(f"{place.file}:{line}" in seen for line in place.lines)]


def main(argv: list[str]) -> int:
    if len(argv) != 1 or not Path(argv[0]).is_dir():
        print("usage: python tests/provoked.py DIR, which BIGCONST_PROVOKED named for the tests", file=sys.stderr)
        return 2
    left = unprovoked(Path(argv[0]))
    for place in left:
        print(place)
    print(f"{len(left)} of {len(list(places()))} places that make an error are provoked by no test")
    if left and (skipped := Path(argv[0]) / SKIPPED).exists():
        print("maybe by one of those that were skipped here:", *sorted(set(skipped.read_text().split())), sep="\n")
        return 0
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
