"""The connection agent of Impact emploi association: what ships to the clerk's PC."""

import os
import sys

if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    # "python -m" puts the current folder first: what lies there by chance must not be imported from now on
    del sys.path[0]

__version__ = "0.1.0"

BUILT = "2026-11-23"
"""The day of this build: no clock of a PC is believed to be earlier."""

IS_CHECKOUT = os.path.exists(os.path.join(os.path.dirname(__file__), "checkout.txt"))
"""Whether this is the developer's source tree: no wheel contains that file."""
