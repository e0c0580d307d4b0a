"""The size of all pictures, and their conversion to PNG."""

from __future__ import annotations

import importlib.util
import io
from typing import TYPE_CHECKING

from bigconst.base.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE_INCHES, DOTS_PER_INCH = (10.0, 7.0), 100
"""1000 x 700 pixels"""


def check_library(what: str) -> None:
    """Raise UsageError where matplotlib is not installed; `what` is the option that needs it, like --plot."""
    if importlib.util.find_spec("matplotlib") is None:
        #: `pip install 'bigconst[plot]'`, into the environment that bigconst is in.
        raise UsageError(f"{what} needs matplotlib", "install it with pip install 'bigconst[plot]'")


def new_figure() -> Figure:
    """An empty matplotlib figure, which needs no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()
