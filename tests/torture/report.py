"""Tables and JSON files of the torture programs: those of the benchmark programs, found from here."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from _common import Column, Report, Section, make_parser  # noqa: E402

__all__ = ["Column", "Report", "Section", "make_parser"]
