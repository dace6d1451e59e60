"""A plugin of pytest: httpx's continuation in the place of httpx.

For `make test-httpx2`. Everything in the process that imports httpx and httpcore gets httpx2 and httpcore2 (docs/decisions/0014).
"""

from __future__ import annotations

import httpx2

httpx2.alias_httpx()


def pytest_report_header() -> str:
    """Say what runs in the place of httpx."""
    return f"httpx is httpx2 {httpx2.__version__}"
