"""Brokers: where messages wait. The port, its values, and one package per broker."""
