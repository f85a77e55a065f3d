"""``import celery.contrib.testing.tasks``: importing it registers the task."""

from sedano.testing.ping import ping

__all__ = ["ping"]
