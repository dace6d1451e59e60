"""The only door to wx. Each dialog is a process of its own."""
