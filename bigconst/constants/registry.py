"""The registry of constants, from which commands, estimates, manifests, Python functions and documents know them.

A new one is a file beside this one, with its program and its entry, and a name in `_MODULES` (docs/design.md).
"""

from bigconst.base.constant import Constant
from bigconst.base.errors import UsageError
from bigconst.constants import catalan, e, gamma, golden, lemniscate, logarithm, ownseries, pi, sqrt, zeta3
from bigconst.constants.entry import Entry
from bigconst.plans.limits import BY

_MODULES = golden, sqrt, pi, e, logarithm, zeta3, catalan, lemniscate, gamma, ownseries
CONSTANTS: dict[str, Entry] = {module.ENTRY.word: module.ENTRY for module in _MODULES}
"""entries by their words, in the order in which --help shows them"""


def parse(text: str) -> Constant:
    """The constant of this name, like `phi`, `sqrt 2` or `zeta3 by wedeniwski`; raises UsageError for anything else."""
    word, _, rest = text.strip().partition(" ")
    if word in CONSTANTS:
        operand, _, formula = f" {rest}".partition(BY) if CONSTANTS[word].formulas else (rest, "", "")
        operands = [operand.strip()] if operand.strip() else []
        if len(operands) == (CONSTANTS[word].operand is not None):
            return CONSTANTS[word].constant(operands, formula or None)
    *most, last = [entry.word if entry.operand is None else f'"{entry.usage}" with {entry.operand.text}'
                   for entry in CONSTANTS.values()]
    #: A constant has the name of its command; one with a number is put in quotation marks, because of the space, like
    #: `"sqrt 2"`. `bigconst --help` lists the commands.
    raise UsageError(f"unknown constant {text[:80]!r}", f"it is {', '.join(most)}, or {last}")
