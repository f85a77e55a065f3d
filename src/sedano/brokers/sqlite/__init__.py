"""The embedded default broker: messages in a SQLite file."""
