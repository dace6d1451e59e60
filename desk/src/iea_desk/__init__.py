"""The support desk's side: requests, passwords of the day, the register.

It does not ship with the agent.
"""
