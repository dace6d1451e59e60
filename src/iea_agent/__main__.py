"""``python -m iea_agent``: the same as the command ``iea-agent``."""

import sys

from iea_agent.cli import main

sys.exit(main())
