"""``import celery.contrib.django``."""

__all__: list[str] = []
