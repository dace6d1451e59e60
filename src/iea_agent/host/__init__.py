"""Where we run: the machine, its files, its vault, its notices."""
