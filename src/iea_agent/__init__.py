"""The connection agent of Impact emploi association: what ships to the clerk's PC."""

__version__ = "0.1.0"

BUILT = "2026-11-23"
"""The day of this build: no clock of a PC is believed to be earlier."""
