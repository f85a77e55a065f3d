"""Celery's task for tests, ``celery.ping``: importing this module registers it."""

from sedano.current import shared_task


@shared_task(name="celery.ping")
def ping() -> str:
    """Say that a worker works."""
    return "pong"
