"""The timeline of a run from its report, as PNG: the time of each stage, its share of waiting, and the disk traffic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bigconst.base.errors import UsageError
from bigconst.base.units import format_count, format_seconds
from bigconst.commands.picture import new_figure, png
from bigconst.runs.report import SCHEMA

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COMPUTE, WAIT, READ, WRITE = "#0072b2", "#e69f00", "#009e73", "#cc79a7"
"""colours that colour-blind people can tell apart, too"""

BAR_SHARE = 0.01
"""share of a run in memory that a level must take to get a bar of its own"""

LABEL_SHARE = 0.035
"""share of the width that a stage must take to get its name written"""

UNITS = ((2 * 86400.0, "days", 86400.0), (2 * 3600.0, "hours", 3600.0), (120.0, "minutes", 60.0), (0.0, "seconds", 1.0))
"""(length in seconds from which a run is shown in a unit, name of the unit, its seconds)"""


@dataclass(frozen=True)
class Timeline:
    """The course of a run, from its report."""

    title: str
    parts: tuple[Segment, ...]
    """parts of the run, in the order of time"""

    @property
    def end_s(self) -> float:
        """Seconds from the start of the run to the end of its last part."""
        return self.parts[-1].start_s + self.parts[-1].seconds


@dataclass(frozen=True)
class Segment:
    """A part of a run."""

    name: str
    start_s: float
    seconds: float
    wait_s: float = 0.0
    """part of these seconds that waited for disks"""
    read_bytes: int = 0
    written_bytes: int = 0


def timeline(report: object) -> Timeline:
    """The timeline of the run of a report; time that the report does not account for is the part "other".

    Raises UsageError for anything but a report of this program, and for the report of a run that took no time.
    """
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        #: Plot what `--json` of the run of a constant wrote.
        raise UsageError(f"this JSON is not a report ({SCHEMA})", "plot what --json of a run has written")
    try:
        parts, constant, digits = _segments(report), str(report["title"]), format_count(report["decimal_digits"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        #: As for "this JSON is not a report (…)".
        raise UsageError(f"the report is damaged at {str(error)[:60]}", "plot another one") from None
    if not parts:
        #: As for "this JSON is not a report (…)".
        raise UsageError("the report is of a run that took no time", "plot another one")
    return Timeline(f"{constant}, {digits} decimal digits", parts)


def _segments(report: dict) -> tuple[Segment, ...]:
    seconds = report["seconds"]
    parts = [("start", seconds["kernels_ready"], 0.0, 0, 0)]
    if report["stages"]:
        parts += [(stage["name"], stage["seconds"], stage["wait_seconds"], stage["read_bytes"],
                   stage["written_bytes"]) for stage in report["stages"]]
    else:
        parts += [(f"level, {level['words']:,} words", level["seconds"], 0.0, 0, 0) for level in report["levels"]]
        after_s = seconds["compute"] - sum(level["seconds"] for level in report["levels"])
        parts += [("after the levels", max(0.0, after_s), 0.0, 0, 0),
                  ("certificate", seconds["certificate"], 0.0, 0, 0), ("output", seconds["output"], 0.0, 0, 0)]
    rest = seconds["total"] - sum(part[1] for part in parts)
    parts.append(("other", max(0.0, rest), 0.0, 0, 0))
    found, at_s = [], 0.0
    for name, took_s, *more in parts:
        if not all(0 <= value < math.inf for value in (took_s, *more)):
            raise ValueError(name)
        if took_s > 0.0:
            found.append(Segment(name, at_s, took_s, *more))
            at_s += took_s
    return tuple(found)


def timeline_png(report: object) -> bytes:
    """The picture as PNG.  Raises the errors of `timeline`."""
    shown = timeline(report)
    parts, end_s = shown.parts, shown.end_s
    figure = new_figure()
    on_disk = any(part.read_bytes + part.written_bytes for part in parts)
    unit, unit_s = next((name, unit_s) for least, name, unit_s in UNITS if end_s >= least)
    if on_disk:
        first, last = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        _draw_shares(first, parts, unit_s)
        _draw_rates(last, parts, unit_s)
        first.set_xlim(0.0, end_s / unit_s)
    else:
        first = last = figure.subplots()
        _draw_bars(first, _long_ones(parts), unit_s)
        first.set_xlim(0.0, 1.1 * end_s / unit_s)
    last.set_xlabel(f"{unit} since the start")
    first.set_title(f"{shown.title}: {format_seconds(end_s)}", pad=14)
    return png(figure)


def _long_ones(parts: Sequence[Segment]) -> list[Segment]:
    """The parts, with neighbouring short ones joined into one."""
    end_s = parts[-1].start_s + parts[-1].seconds
    found: list[Segment] = []
    was_short = False
    for part in parts:
        is_short = part.seconds < BAR_SHARE * end_s
        if is_short and was_short:
            found[-1] = Segment("shorter parts", found[-1].start_s, found[-1].seconds + part.seconds)
        else:
            found.append(part)
        was_short = is_short
    return found


def _draw_bars(axes: Axes, parts: Sequence[Segment], unit_s: float) -> None:
    """Draw a bar for each part, one below the other."""
    rows = range(len(parts))
    axes.barh(rows, [part.seconds / unit_s for part in parts], left=[part.start_s / unit_s for part in parts],
              color=COMPUTE)
    for row, part in zip(rows, parts, strict=True):
        axes.annotate(format_seconds(part.seconds), ((part.start_s + part.seconds) / unit_s, row), (5, 0),
                      textcoords="offset points", va="center")
    axes.set_yticks(rows, [part.name for part in parts])
    axes.invert_yaxis()
    axes.grid(True, axis="x", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)


def _draw_shares(axes: Axes, parts: Sequence[Segment], unit_s: float) -> None:
    """Draw the shares of each stage that computed and waited."""
    left = [part.start_s / unit_s for part in parts]
    width = [part.seconds / unit_s for part in parts]
    waiting = [100.0 * min(1.0, part.wait_s / part.seconds) for part in parts]
    axes.bar(left, [100.0 - share for share in waiting], width, align="edge", color=COMPUTE, label="computing")
    axes.bar(left, waiting, width, [100.0 - share for share in waiting], align="edge", color=WAIT,
             label="waiting for disks")
    axes.legend(loc="lower right", framealpha=0.9)
    axes.set_ylim(0.0, 100.0)
    axes.set_ylabel("share of the time [%]")
    for name, start_s, seconds in _groups(parts):
        axes.axvline(start_s / unit_s, color="white", linewidth=1.0)
        if seconds >= LABEL_SHARE * (parts[-1].start_s + parts[-1].seconds):
            axes.text((start_s + seconds / 2) / unit_s, 50.0, name, rotation=90, ha="center", va="center",
                      color="white", fontsize=11, fontweight="bold")


def _groups(parts: Sequence[Segment]) -> list[tuple[str, float, float]]:
    """(name, start, seconds) of each group of parts, like that of the stages "level 2, u" and "level 2, v"."""
    groups: dict[str, list[Segment]] = {}
    for part in parts:
        groups.setdefault(part.name.partition(", ")[0], []).append(part)
    return [(name, members[0].start_s, sum(part.seconds for part in members)) for name, members in groups.items()]


def _draw_rates(axes: Axes, parts: Sequence[Segment], unit_s: float) -> None:
    """Draw the bytes that each part read and wrote per second."""
    edges = [part.start_s / unit_s for part in parts] + [(parts[-1].start_s + parts[-1].seconds) / unit_s]
    for name, colour, line, values in (("read", READ, "-", [part.read_bytes / part.seconds for part in parts]),
                                       ("written", WRITE, "--", [part.written_bytes / part.seconds for part in parts])):
        axes.stairs([value / 1e6 for value in values], edges, color=colour, linewidth=2.0, linestyle=line, label=name)
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("scratch [MB/s]")
    axes.grid(True, axis="y", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.legend(loc="upper left", framealpha=0.9)
