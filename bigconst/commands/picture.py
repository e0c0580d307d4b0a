"""What all pictures have in common: size, and how they become PNG."""

import importlib.util
import io
from typing import Any

from bigconst.base.errors import UsageError

SIZE_INCHES, DOTS_PER_INCH = (10.0, 7.0), 100
"""1000 x 700 pixels"""


def check_library(what: str) -> None:
    """Raise UsageError where pictures cannot be drawn; `what` needs it, like --plot."""
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError(f"{what} needs matplotlib", "install it with pip install 'bigconst[plot]'")


def new_figure() -> Any:
    """An empty matplotlib figure, which needs no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Any) -> bytes:
    """The figure as a PNG file."""
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()
