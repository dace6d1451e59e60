"""The support desk's side: keys and passwords of the day, and the PCs' register.

It does not ship with the agent.
"""
