"""The connection agent of Impact emploi association: what ships to the clerk's PC."""

__version__ = "0.1.0"
