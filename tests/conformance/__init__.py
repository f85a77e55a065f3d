"""Every implementation of a port against the port's suite."""
