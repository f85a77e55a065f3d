"""``import celery.contrib.django.task``: every task waits for the commit here."""

from sedano import Task

DjangoTask = Task

__all__ = ["DjangoTask"]
