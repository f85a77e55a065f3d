"""``import celery.contrib.abortable``."""

from sedano.contrib.abortable import ABORTED, AbortableAsyncResult, AbortableTask

__all__ = ["ABORTED", "AbortableAsyncResult", "AbortableTask"]
