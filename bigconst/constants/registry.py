"""The registry of constants, from which commands, estimates, manifests, Python functions and documents know them.

A new one is a file beside this one, with its program and its entry, and a name in `CONSTANTS` (docs/design.md).
"""

from bigconst.base.constant import Constant
from bigconst.base.errors import UsageError
from bigconst.constants import e, golden, pi, sqrt
from bigconst.constants.entry import Entry

CONSTANTS: dict[str, Entry] = {entry.word: entry for entry in (golden.ENTRY, sqrt.ENTRY, pi.ENTRY, e.ENTRY)}
"""entries by their words, in the order in which --help shows them"""


def parse(text: str) -> Constant:
    """The constant of this name, like `phi` or `sqrt 2`; raises UsageError for anything else."""
    word, *numbers = text.split() or [""]
    if word in CONSTANTS and CONSTANTS[word].takes(numbers):
        return CONSTANTS[word].make(*map(int, numbers))
    *most, last = [entry.word if entry.values is None else f'"{entry.usage}" with {entry.values_text}'
                   for entry in CONSTANTS.values()]
    #: A constant has the name of its command; one with a number is put in quotation marks, because of the space, like
    #: `"sqrt 2"`. `bigconst --help` lists the commands.
    raise UsageError(f"unknown constant {text[:80]!r}", f"it is {', '.join(most)}, or {last}")
