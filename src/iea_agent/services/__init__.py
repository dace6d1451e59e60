"""What the agent does over the network.

The layers stand in ``.importlinter``: ``https.py`` is the only door to httpx, ``updates.py`` the only one to python-tuf.
"""
