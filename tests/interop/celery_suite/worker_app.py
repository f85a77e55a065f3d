"""The application of the worker that runs the tasks of Celery's integration tests."""

import os
from typing import Final

from tests.interop.celery_suite import stand_ins

stand_ins.install()

from celery import Celery  # noqa: E402
from t.integration.tasks import ClassBasedAutoRetryTask  # noqa: E402

app: Final = Celery(
    "suite", set_as_current=False, broker=os.environ["TEST_BROKER"], backend=os.environ["TEST_BACKEND"]
)
app.conf.update(result_extended=True)
app.register_task(ClassBasedAutoRetryTask())
#: Its limits contradict each other, so a worker that has it does not start.
CONTRADICTORY: Final = "t.integration.tasks.soft_time_limit_must_exceed_time_limit"
del app.tasks[CONTRADICTORY]
