"""A picture of cost against time for machines of the catalogue, as PNG."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from bigconst.commands.estimateshow import name_of
from bigconst.commands.picture import new_figure, png

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.transforms import Bbox

    from bigconst.runs.market import Market

STYLES = {"aws": ("o", "#d55e00"), "gcp": ("s", "#0072b2"), "azure": ("^", "#009e73"), "oci": ("D", "#cc79a7"),
          "own": ("P", "#000000")}
"""(marker, colour) of each provider, which colour-blind people can tell apart, too"""

LEAST_RANGE = 6
"""least ratio of the largest value of an axis to its smallest"""

_NEAR = ((6, 4, "left", "bottom"), (-6, 4, "right", "bottom"), (6, -4, "left", "top"), (-6, -4, "right", "top"),
         (0, 9, "center", "bottom"), (0, -9, "center", "top"))
"""(right, up, alignments) of a label beside its mark, in typographic points, in the order in which they are tried"""

_FAR = tuple((right * distance, up * distance, horizontal, vertical) for distance in (25, 50, 80, 120)
             for right, horizontal in ((-1, "right"), (1, "left")) for up, vertical in ((-1, "top"), (1, "bottom")))
"""positions farther away, for labels that would find no other"""
_LINE = {"arrowstyle": "-", "color": "#777777", "linewidth": 0.8}
"""style of the line from a mark to a label that is farther away"""


def plot_png(market: Market) -> bytes:
    """The picture as PNG.

    Machines that no other one beats in cost and time are joined by a line and labelled; others are labelled where there
    is room.

    Raises DoesNotFit where there is no machine to show.
    """
    from bigconst.base.errors import DoesNotFit

    if not market.offers:
        #: None of the machines can do it: the table without `--plot` says what each lacks.
        raise DoesNotFit("there is no machine to plot", "leave out --plot: the table says what they lack")
    from matplotlib.ticker import LogLocator, NullFormatter

    figure = new_figure()
    axes = figure.add_subplot()
    points = [(offer.whole.hours, offer.whole.usd) for offer in market.offers]
    axes.set(xscale="log", yscale="log", xlabel="hours", ylabel="US dollars", title=_title(market))
    for axis, limit, values in ((axes.xaxis, axes.set_xlim, [p[0] for p in points]),
                                (axes.yaxis, axes.set_ylim, [p[1] for p in points])):
        low, high = _limits(min(values), max(values))
        limit(low, high)
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 1000 * low else (1.0,)))
        axis.set_major_formatter(lambda value, _: f"{value:,g}")
        axis.set_minor_formatter(NullFormatter())
    axes.grid(True, which="major", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    front = [points[i] for i in market.front]
    axes.plot(*zip(*front, strict=True), color="#555555", linewidth=1.2, linestyle="--", zorder=2,
              label="no other is cheaper and faster")
    for provider, (marker, colour) in STYLES.items():
        mine = [points[i] for i, offer in enumerate(market.offers) if offer.instance.provider == provider]
        if mine:
            axes.scatter(*zip(*mine, strict=True), marker=marker, color=colour, s=46, zorder=3, label=provider,
                         edgecolors="white", linewidths=0.6)
    axes.legend(loc="best", framealpha=0.9)
    figure.draw_without_rendering()
    _label(figure.canvas.get_renderer(), axes, market, points)
    return png(figure)


def _title(market: Market) -> str:
    what = "spot prices" if market.wishes.is_spot else "prices on demand"
    verified = ", verified" if market.offers[0].checked is not None else ""
    return f"{market.job.title}{verified}: {what}, {date.today().isoformat()}"


def _limits(low: float, high: float) -> tuple[float, float]:
    """The limits of an axis, with room for labels, and wide enough for some ticks."""
    room = max((high / low) ** 0.12, (LEAST_RANGE * low / high) ** 0.5)
    return low / room, high * room


def _label(renderer: RendererAgg, axes: Axes, market: Market, points: list[tuple[float, float]]) -> None:
    """Write names beside marks so that none covers another name or a mark.

    Names of machines on the front come first, in bold, and farther away where there is no room; then come the others
    for which there is room.
    """
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

    taken = [Bbox.from_extents(x - 5, y - 5, x + 5, y + 5) for x, y in axes.transData.transform(points)]
    taken.append(axes.get_legend().get_window_extent())
    inside = axes.get_window_extent()
    names = [offer.instance.name for offer in market.offers]
    rest = [i for i in range(len(points)) if i not in market.front]
    line_boxes = _on_line(axes.transData.transform([points[i] for i in market.front]))
    for i in (*market.front, *rest):
        is_on_front = i in market.front
        name = names[i] if names.count(names[i]) == 1 else name_of(market.offers[i].instance)
        style = {"fontsize": 9, "fontweight": "bold"} if is_on_front else {"fontsize": 8}
        positions = [(*each, None) for each in _NEAR] + [(*each, _LINE) for each in _FAR if is_on_front]
        for right, up, horizontal, vertical, line in positions:
            text = axes.annotate(name, points[i], (right, up), textcoords="offset points", ha=horizontal, va=vertical,
                                 arrowprops=line, zorder=4, **style)
            text.update_positions(renderer)
            box = Text.get_window_extent(text, renderer)        # without its line
            others = taken[:i] + taken[i + 1:] + ([] if is_on_front else line_boxes)
            if _is_within(box, inside) and not any(map(box.overlaps, others)):
                taken.append(box)
                break
            text.remove()


def _on_line(dots: np.ndarray) -> list[Bbox]:
    """Small boxes along the line through `dots`."""
    import numpy as np
    from matplotlib.transforms import Bbox

    spots = [start + share * (stop - start) for start, stop in zip(dots, dots[1:], strict=False)
             for share in np.linspace(0, 1, 50)]
    return [Bbox.from_extents(x - 1, y - 1, x + 1, y + 1) for x, y in spots]


def _is_within(box: Bbox, frame: Bbox) -> bool:
    return frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
