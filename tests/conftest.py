"""Fixtures for every room of tests."""

from __future__ import annotations

pytest_plugins = ["tests.worlds"]
