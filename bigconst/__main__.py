"""`python -m bigconst` is the command `bigconst`."""

import sys

from bigconst.cli import main

sys.exit(main())
