"""The task queue's app, wired exactly as one wires Celery: only the import differs."""

import os

from sedano import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "myproject.settings")

app = Celery("myproject")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.task(bind=True)
def debug_task(self):
    """Print the request of the running task."""
    print(f"Request: {self.request!r}")
