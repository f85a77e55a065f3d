"""Results in Redis or Valkey, where and as Celery keeps them."""
