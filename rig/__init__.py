"""The Windows programs under Wine: build, prefix, desktop, the demonstration, the tour and the measurements."""
