"""The one place that sees every room and wires them: the installation, the resident agent, the windows."""
