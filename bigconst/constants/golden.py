"""The golden ratio, (1 + sqrt 5)/2 = (1 + 5/sqrt 5)/2."""

from bigconst.base.constant import Root
from bigconst.constants.bounds import Bounds
from bigconst.constants.entry import Entry, Way
from bigconst.constants.roots import (
    LADDER_PROOF,
    LADDER_SOURCE,
    LADDER_SPEED,
    ladder_algorithm,
    proved,
    root_by_ladder,
)


def golden(machine, bounds: Bounds) -> None:
    """The digits of the golden ratio, and their proof."""
    root_by_ladder(machine, bounds, Root("phi", 5), x_of_golden, z_of_golden)


def x_of_golden(machine, bounds: Bounds, y):
    """(1 + 5y)/2 for y near 1/sqrt 5."""
    return machine.sum("x", [(5, y, 0), (1, None, bounds.words)], bounds.words + 1, halved=True)


def z_of_golden(machine, bounds: Bounds, x, **cut):
    """sqrt 5 = 2x - 1, to be squared."""
    return machine.view("z", x, 2, minus_at=bounds.words, **cut)


PHI = proved(Root("phi", 5), ladder_algorithm(5), golden, z_of_golden)

ENTRY = Entry(
    "phi",
    "digits of the golden ratio",
    "Compute the golden ratio (1 + sqrt 5)/2 = 1.618... to N digits after the point.",
    """\
  bigconst phi --digits 1e8                      100 million digits into phi.txt
  bigconst phi --digits 1e8 --base 16            the same precision in hexadecimal, into phi.hex.txt
  bigconst phi --digits 1e9 --output phi.txt.zst compressed: 0.43 byte a digit
  bigconst phi --digits 1e9 --output phi.ycd     as y-cruncher writes them: 0.42 byte a digit
  bigconst phi --digits 1000 --output -          digits on the screen
  bigconst phi --digits 2e9 --plan               memory and transforms, without computing
  bigconst phi --digits 2e12 --swap /mnt         with a scratch directory for what memory does not hold
  bigconst phi --digits 2e12 --swap /mnt --checkpoint /data
                                                 with copies of finished levels on a disk that is safer
""",
    (Way("1/sqrt 5 by Newton's iteration of third order, phi = (1 + 5/sqrt 5)/2", LADDER_SOURCE, LADDER_SPEED, 0.03,
         LADDER_PROOF),),
    lambda: PHI,
)
