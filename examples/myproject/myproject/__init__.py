"""The project package; it loads the task queue's app together with Django."""

from .celery import app as celery_app

__all__ = ("celery_app",)
