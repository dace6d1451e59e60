"""The servers that the agent meets, on loopback, with a switch for each fault.

Knows no agent, and never ships to a clerk's PC.
"""
