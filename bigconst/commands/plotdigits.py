"""A picture of digits: how often each occurs, and a walk with a step for each digit of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bigconst.base.units import format_count
from bigconst.commands.picture import new_figure, png
from bigconst.commands.reading import PassLine
from bigconst.reading.source import DigitText
from bigconst.reading.walk import walk
from bigconst.runs.kernels import READING, load

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bigconst.reading.statistics import Statistics

SHADES = ((1, "#cccccc"), (2, "#e6e6e6"), (3, "#f4f4f4"))
"""(standard deviations, colour of the band within them)"""


def digits_png(path: str, threads: int) -> bytes:
    """The picture of a digit file, in two passes over it.  Raises InputOutputError when it is no digit file."""
    load(READING)
    from bigconst.reading.statistics import measure

    with DigitText(path) as text:
        with PassLine(2 * text.digits) as done:
            statistics = measure(text, threads, done)
            points = walk(text, threads, lambda digits: done(text.digits + digits))
        figure = new_figure()
        bars, plane = figure.subplots(1, 2, width_ratios=(2, 3))
        _draw_frequencies(bars, statistics)
        _draw_walk(figure, plane, points, text.digits)
        figure.suptitle(f"{text.path.rpartition('/')[2]}: {format_count(text.digits)} digits of base {text.base}")
    return png(figure)


def _draw_frequencies(axes: Axes, statistics: Statistics) -> None:
    """Draw how far the count of each digit is above the mean, in standard deviations of random digits."""
    base = statistics.base
    sigmas = [statistics.sigmas(d) for d in range(base)]
    for width, colour in reversed(SHADES):
        axes.axvspan(-width, width, color=colour, zorder=0)
    axes.barh(range(base), sigmas, color="#0072b2", height=0.7, zorder=2)
    axes.axvline(0.0, color="#555555", linewidth=1.0, zorder=3)
    axes.set_yticks(range(base), [format(d, "x") for d in range(base)])
    axes.invert_yaxis()
    reach = max(3.2, 1.05 * max(abs(sigma) for sigma in sigmas))
    axes.set_xlim(-reach, reach)
    axes.set_ylabel("digit")
    axes.set_xlabel("count above the mean [standard deviations]")
    p = statistics.tests[0].p
    axes.set_title("frequencies" + ("" if p is None else f", chi-square p = {p:.3f}"), fontsize=11)


def _draw_walk(figure: Figure, axes: Axes, points: np.ndarray, digits: int) -> None:
    """Draw the walk, coloured by position."""
    from matplotlib.collections import LineCollection
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    corners = np.column_stack([points.real, points.imag])
    lines = LineCollection(np.stack([corners[:-1], corners[1:]], axis=1), cmap="viridis", linewidths=0.7)
    lines.set_array(np.linspace(0, digits, len(points) - 1))
    axes.add_collection(lines)
    axes.autoscale_view()
    axes.set_aspect("equal", adjustable="datalim")
    for point, name, marker in ((corners[0], "first digit", "o"), (corners[-1], "last digit", "s")):
        axes.plot(*point, marker, color="#d55e00", markersize=7, label=name, zorder=3, linestyle="none")
    axes.legend(loc="best", framealpha=0.9)
    axes.set_xlabel("steps to the right: 0 goes there, other digits anticlockwise")
    axes.set_ylabel("steps up")
    axes.set_title("a walk of one step a digit", fontsize=11)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, integer=True))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(True, color="#eeeeee", linewidth=0.8)
    axes.set_axisbelow(True)
    bar = figure.colorbar(lines, ax=axes, location="bottom", shrink=0.9, aspect=40)
    bar.set_label("digits after the point")
    ends = [0, digits // 2, digits]
    bar.set_ticks(ends, labels=[format_count(end) for end in ends])
