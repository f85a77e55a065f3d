"""What the brokers and stores on SQL databases share: the tables, named statements, connections, wake-ups."""
