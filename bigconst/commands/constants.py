"""`bigconst constants`: what can be computed, and what proves it."""

import argparse
import json

from bigconst.base.screen import write
from bigconst.constants.registry import CONSTANTS

_EPILOG = """\
examples:
  bigconst constants
  bigconst constants --json         the same for programs

The cost is processor time for 10^7 digits, beside that of pi.  A proof is a
certificate, which `bigconst verify` checks in one pass over the digits; its
size is that for 10^7 digits.
"""
DIGITS = 10**7


def add(commands: argparse._SubParsersAction) -> None:
    """Declare the command on an argparse subparsers object."""
    parser = commands.add_parser(
        "constants",
        help="what can be computed, by which formula, and what proves it",
        description="List the constants: formula, source, digits a term, cost and proof.",
        epilog=_EPILOG,
    )
    parser.add_argument("--json", action="store_true", help="print a list of objects")


def run(arguments: argparse.Namespace) -> int:
    """Print them."""
    from bigconst.constants.planning import make_plan

    found = []
    for entry in CONSTANTS.values():
        for way in entry.ways:
            size = None
            if entry.operand is None or entry.operand.example:
                constant = entry.constant([entry.operand.example] if entry.operand else [], way.name or None)
                size = round(make_plan(constant, DIGITS, 10, 1, 1 << 60).certificate_bytes / DIGITS, 2) or None
            found.append({"constant": entry.usage, "title": entry.help.removeprefix("digits of "),
                          "name": way.name, "formula": way.formula, "source": way.source,
                          "digits_per_term": way.digits_per_term, "cost": way.cost, "proof": way.proof,
                          "proof_bytes_per_digit": size})
    if arguments.json:
        write(json.dumps(found, indent=2))
        return 0
    shown = ""
    for each in found:
        if each["constant"] != shown:
            shown = each["constant"]
            write(f"{shown:<14}{each['title']}")
        rows = {"formula": each["formula"], "source": each["source"],
                "speed": f"{each['digits_per_term']}; costs {each['cost']:.2g} of pi",
                "proof": each["proof"] + (f", {size} byte a digit" if (size := each["proof_bytes_per_digit"]) else "")}
        for i, (name, text) in enumerate(rows.items()):
            write(f"  {each['name'] if i == 0 else '':<12}{name:<9}{text}")
    return 0
