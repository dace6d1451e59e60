"""Makes what a person installs: the program folder, the launchers and the setup.

Runs in the Linux Python; ``python -m installer`` lists the commands. Nothing of it ships.
"""
