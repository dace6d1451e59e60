"""What we know: pure values and decisions.

No clock, disk, network, threads, logging or randomness.
"""
