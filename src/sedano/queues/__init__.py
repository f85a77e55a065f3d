"""Queues and exchanges, as users describe them and as brokers declare them. Never talks to a broker."""
