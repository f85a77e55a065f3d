"""The parts of ``BrokerConformance``, one for each side of the port."""
