"""The one place that sees every room and wires them."""
