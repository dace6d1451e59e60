"""Exit codes of the commands (docs/administration.md lists them)."""

FINE, FAILED, USAGE, NOT_RUNNING, REFUSED, TIMED_OUT = range(6)
