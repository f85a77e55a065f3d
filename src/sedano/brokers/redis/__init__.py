"""Messages in Redis or Valkey, in Celery's own layout."""
