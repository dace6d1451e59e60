"""The agent's world on loopback, with a switch to break each part; never shipped to a clerk's PC."""
