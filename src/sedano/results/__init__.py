"""Results: what became of tasks. The port, its values, Celery's documents, and one module per store."""
