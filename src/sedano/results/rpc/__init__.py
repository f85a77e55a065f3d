"""Results as messages, sent over RabbitMQ to the process that asked: Celery's ``rpc://``."""
