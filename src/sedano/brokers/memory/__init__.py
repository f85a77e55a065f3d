"""Messages in this process's memory: the same semantics as the other brokers, for tests."""
