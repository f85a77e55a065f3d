"""``import celery.app.base``."""

from sedano import Celery

App = Celery

__all__ = ["App", "Celery"]
