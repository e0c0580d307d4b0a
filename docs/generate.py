"""Write docs/troubleshooting.md and the tables of constants and options in README.md from the sources of the program.

    python docs/generate.py [--check]

`make docs` runs it; with --check it changes nothing, and exits 1 where a file is not what it would write.  Messages
and what to do about them are found by tests/messages.py; exit codes are those of bigconst.base.errors; constants are
those of the registry, and options those that all of them have.  Sections, their first sentences, and what argparse
says stand here.

The second column of a message is what the comment with `#:` at its place in the sources says, else its remedy.  One
comment is enough where several places make the same message.  A comment `As for "…".` puts a message into the row of
the one that it names.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from messages import VARIES, Message, messages  # noqa: E402

from bigconst.base.errors import EXIT_CODES  # noqa: E402
from bigconst.cli import build_parser  # noqa: E402
from bigconst.constants.registry import CONSTANTS  # noqa: E402

PAGE = ROOT / "docs" / "troubleshooting.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- written by docs/generate.py -->\n\n", "\n<!-- end -->\n"
"""What stands around these tables in README.md."""

HEAD = """\
<!-- Written by docs/generate.py from the sources: change them, then `make docs`. -->

# What an error message means, and what to do

An error is one line on standard error, `bigconst: what is wrong; what to do`. This page has every one of them, by
topic: search it for a part of the line that is neither a name nor a number. `…` stands for what varies. The line itself
ends with the first thing to do; here is what else there is to know. `--debug` shows where in the program an error came
from.
"""

ARGPARSE = {
    "the following arguments are required: …": "Name what is missing; `--digits` has no default.",
    "unrecognized arguments: …": "The option is misspelt or belongs to another command. Options are written out: "
                                 "`--dig` is not `--digits`.",
    "argument …: invalid choice: …": "There are only those that the message or `--help` lists.",
    "argument …: invalid int value: …": "There are only those that the message or `--help` lists.",
    "argument …: expected one argument": "A value is missing behind the option. One that begins with `-` is written "
                                         "`--option=-value`.",
    "argument …: not allowed with argument …": "The two contradict each other: leave one out.",
}
"""What argparse says, and what to do; the sources of the program have no such messages."""


@dataclass(frozen=True)
class Section:
    """A section of the page: the messages of some error classes, wherever they are made, and those of some files."""

    title: str
    intro: str = ""
    files: tuple[str, ...] = ()
    """files and folders below bigconst/, in the order of the page; the longest that fits a file counts"""
    kinds: tuple[str, ...] = ()
    """error classes, which come before files"""


SECTIONS = (
    Section("Command line", """\
What argparse says ends with `bigconst … --help shows examples`. So does everything about the value of an option, which
begins with `argument --option:`.""",
            ("commands/options.py", "base/units.py", "constants/registry.py", "commands/compute.py", "runs/compute.py",
             "runs/request.py", "runs/eventsfile.py", "base/screen.py", "cli.py", "kernels")),
    Section("Memory and room", """\
What a run needs is planned before it begins; `--plan` prints the plan. The message has both what is needed and what
there is.""", kinds=("DoesNotFit", "DiskFull")),
    Section("Files", """\
Digits and certificates are written under a temporary name and renamed when they are whole: after an error the file that
was there before is still there. [file-formats.md](file-formats.md) says what a file keeps that is replaced.""",
            ("storage/atomicfile.py", "storage/regularfile.py", "storage/digitfile.py", "storage/zstfile.py",
             "storage/ycdfile.py", "storage/ycdformat.py", "storage/durable.py")),
    Section("Reading digits", """\
What `digits`, `find`, `stats`, `hash`, `compare` and `plot` say, and `verify` and `certify` of a file that is not
digits; positions count from 1, the first digit after the point.""",
            ("storage/layouts.py", "reading", "commands/find.py", "commands/compare.py")),
    Section("Scratch disks", files=("runs/lanes.py", "runs/scratch.py", "storage", "runtime")),
    Section("Resuming", """\
[resuming.md](resuming.md) says what is kept where. A command that is refused has changed nothing.""",
            ("runs/interrupted.py", "runs/start.py", "runs/levels.py", "storage/manifest.py", "storage/journal.py",
             "runtime/levelstore.py")),
    Section("Interrupted", "The exit code is 75 where something was kept, else 130.", kinds=("Interrupted",)),
    Section("Faults and damaged data", """\
[faults.md](faults.md) says what is checked and repeated: a wrong result is caught, and computed again. A fault ends a
run only when repeating did not help; everything finished is kept. One fault is a cosmic ray. More than one is memory,
power or cooling.""", ("arithmetic", "constants"), kinds=("ChecksumError",)),
    Section("Certificates and verification", files=("proof", "plans/certificate.py", "runs/certify.py",
                                                    "commands/verify.py", "commands/certify.py")),
    Section("Tests of Mersenne numbers", files=("commands/mersenne.py", "plans", "runs/mersenne.py",
                                                "runs/mersenneproof.py", "mersenne")),
    Section("Work queue", """\
Lines of `worktodo.txt` that are not understood, or ask for what does not fit, are passed over and kept. They are said
on standard error with their number, what is wrong and what to do, and at the end the exit code is 2.
[mersenne.md](mersenne.md#work-files) says which lines are worked on.""",
            ("commands/work.py", "runs/mersennequeue.py", "runs/cluster.py", "runs/clusterqueue.py",
             "runs/clusterpart.py")),
    Section("Self-tests and stress tests", """\
A machine that fails one of these makes mistakes: do not trust it, however well it seems to work.""",
            ("commands/selftest.py", "commands/warmup.py", "commands/stress.py", "stress")),
    Section("Benchmark, estimates and catalogue",
            files=("commands/estimate.py", "runs/estimate.py", "runs/speeds.py", "runs/market.py", "catalogue")),
    Section("Pictures and byobu", files=("commands/picture.py", "commands/plot.py", "commands/plottimeline.py",
                                         "commands/byobu.py")),
    Section("From Python", """\
Functions of the package raise the classes of `bigconst.base.errors` with the messages of this page, and those that no
command line can have:""", ("api.py",)),
    Section("Failing on purpose", files=("base/failpoints.py",)),
)


class Wrong(Exception):
    """The sources do not say what the page needs."""


@dataclass(frozen=True, order=True)
class Place:
    """Where a row stands: its section, which of the section's files it is from, and the line there."""

    section: int
    file: int
    name: str
    line: int


@dataclass
class Row:
    """Messages, and what to do about all of them."""

    place: Place
    advice: str
    texts: list[str] = field(default_factory=list)


def place(message: Message) -> Place:
    """Where the row of a message stands."""
    for number, section in enumerate(SECTIONS):
        if message.kind in section.kinds:
            return Place(number, 0, message.file, message.line)
    fitting = [(len(file), number, at) for number, section in enumerate(SECTIONS)
               for at, file in enumerate(section.files) if message.file == file or message.file.startswith(f"{file}/")]
    if not fitting:
        raise Wrong(f"docs/generate.py has no section for {message.place}")
    _, number, at = max(fitting)
    return Place(number, at, message.file, message.line)


def rows(found: list[Message]) -> list[Row]:
    """One for each message, in the order of the page, but for those that go with another."""
    by_text: dict[str, list[Message]] = {}
    for message in found:
        by_text.setdefault(message.text, []).append(message)
    made: dict[str, Row] = {}
    others: list[tuple[str, str, Message]] = []
    for text, same in by_text.items():
        told = {message.advice: message for message in same if message.advice}
        if len(told) > 1:
            raise Wrong(f"{text}: two comments with different advice, " +
                        " and ".join(message.place for message in told.values()))
        for advice, message in told.items():
            if other := re.fullmatch(r'As for "(.+)"\.', advice):
                others.append((text, other[1], message))
            else:
                made[text] = Row(place(message), _cell(advice), [text])
        if not told:
            made[text] = Row(min(map(place, same)), _from_remedies(same), [text])
    for text, other, message in others:
        if other not in made:
            raise Wrong(f"{message.place}: there is no message {other!r} with advice")
        made[other].texts.append(text)
    return sorted(made.values(), key=lambda row: row.place)


def _from_remedies(same: list[Message]) -> str:
    remedies = list(dict.fromkeys(message.remedy for message in same if message.remedy != VARIES))
    if not all(remedies) or not remedies:
        raise Wrong(f"{same[0].place}: {same[0].text!r} has no remedy; write a comment with #: above it")
    return " ".join(map(_sentence, remedies))


def joined(every: list[Row]) -> list[Row]:
    """One row for all of a section that have the same advice."""
    found: dict[tuple[int, str], Row] = {}
    for row in every:
        same = found.setdefault((row.place.section, row.advice), row)
        if same is not row:
            same.texts += row.texts
    return list(found.values())


# -- Markdown ---------------------------------------------------------------------------


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _commands() -> str:
    known = build_parser()._subparsers._group_actions[0].choices
    return "|".join(sorted(known, key=len, reverse=True))


_CODE = re.compile("|".join((
    r"`[^`]+`",
    r"--[a-z][a-z-]*[a-z](?: (?:[A-Z]+\b|…\w*|\w+\.\w+|-(?= )))?",
    rf"bigconst (?:{_commands()})\b(?: --[a-z-]+[a-z])*",
    r"\w*\.(?:hex\.)?(?:txt|zst|ycd|cert|png|toml)\b",
    r"\b\d+(?:(?:_\d+)+|[KMGT](?:i?B(?:/s)?)?|e\d+)\b|\b\d{7,}\b",
)))
"""What is code in a text of the program: what it quotes, options, commands, names of files, counts and sizes."""


def marked(text: str) -> str:
    """A text of the program, which is no Markdown, as a cell of a table."""
    cells, end = [], 0
    for code in _CODE.finditer(text):
        cells += [_plain(text[end:code.start()]), f"`{code[0].strip('`')}`"]
        end = code.end()
    return _cell("".join([*cells, _plain(text[end:])]))


def _plain(text: str) -> str:
    text = re.sub(r"([*<\[\]]|\b_|_\b)", r"\\\1", text)
    return re.sub(r"docs/(\S+\.md)\b", r"[\1](\1)", text)


def _sentence(remedy: str) -> str:
    text = marked(remedy)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def table(*columns: str, body: list[tuple[str, ...]]) -> str:
    """A table with these columns."""
    lines = ["".join(f"| {cell} " if cell else "| " for cell in cells) + "|\n" for cells in (columns, *body)]
    return lines[0] + "|" + "---|" * len(columns) + "\n" + "".join(lines[1:])


def troubleshooting() -> str:
    """The page."""
    text = HEAD + "\n" + table("exit code", "what happened", "what a script should do",
                               body=[(str(code), *said) for code, said in EXIT_CODES.items()])
    every = [Row(Place(0, -1, "argparse", line), _cell(advice), [said])
             for line, (said, advice) in enumerate(ARGPARSE.items())] + rows(messages())
    for number, section in enumerate(SECTIONS):
        here = joined([row for row in every if row.place.section == number])
        if not here:
            raise Wrong(f"there are no messages for the section {section.title!r}")
        text += f"\n## {section.title}\n\n" + (f"{section.intro}\n\n" if section.intro else "")
        text += table("message", "what to do", body=[
            ("<br>".join(f"`{_cell(each)}`" for each in row.texts), row.advice) for row in here])
    return text


# -- constants and options --------------------------------------------------------------


def constants() -> str:
    """The table of the constants."""
    return table("command", "computes", "certificate", body=[
        (f"`bigconst {entry.usage}`", entry.help + (f", {entry.operand.text}" if entry.operand else ""),
         "none" if not (entry.operand and entry.operand.example is None)
         and entry.constant([entry.operand.example] if entry.operand else []).number is None else "yes")
        for entry in CONSTANTS.values()])


_DEFAULT = re.compile(r" \(default:? (.+)\)$")


def options() -> str:
    """The table of the options of a constant, those that are required first and those of all commands last."""
    word = next(iter(CONSTANTS))
    parser = build_parser(word)._subparsers._group_actions[0].choices[word]
    actions = [action for action in parser._actions if action.option_strings and action.dest != "help"]
    actions.sort(key=lambda action: (not action.required, action.dest == "debug"))
    return table("option", "meaning", "default", body=[_option(action) for action in actions])


def _option(action: argparse.Action) -> tuple[str, str, str]:
    value = "|".join(map(str, action.choices)) if action.choices else action.metavar if action.nargs != 0 else None
    text = action.help.replace("%%", "%")
    default = _DEFAULT.search(text)
    meaning = text[:default.start()] if default else text
    return (f"`{_cell(' '.join(filter(None, (action.option_strings[-1], value))))}`",
            marked(meaning).replace("](", "](docs/"),
            "required" if action.required else marked(default[1]) if default else "")


def readme() -> str:
    """README.md with the tables as they should be."""
    before, begin, rest = README.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise Wrong(f"README.md lacks the lines {BEGIN.strip()} and {END.strip()} around the tables")
    return before + begin + constants() + "\n" + options() + end + after


# -- the program ------------------------------------------------------------------------


def differing() -> Iterator[tuple[Path, str]]:
    """The files that are not what the sources say, and what they should hold."""
    for path, text in ((PAGE, troubleshooting()), (README, readme())):
        if path.read_text() != text:
            yield path, text


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Write docs/troubleshooting.md and the tables in README.md.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where a file would change")
    check = parser.parse_args(argv).check
    try:
        changed = list(differing())
    except Wrong as wrong:
        print(f"docs/generate.py: {wrong}", file=sys.stderr)
        return 1
    for path, text in changed:
        print(f"{path.relative_to(ROOT)} is {'not what the sources say: run make docs' if check else 'written anew'}")
        if not check:
            path.write_text(text)
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
