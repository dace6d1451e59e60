"""``python -m iea_desk`` is the command `iea-desk`."""

import sys

from iea_desk.entry_point import main

sys.exit(main())
