"""The application of a play: what the workers import, and the runner publishes with.

The environment says which library, where its broker is, and where its results are, if elsewhere.
"""

import os
from typing import Any, Final

from tests.interop.scenarios.library import library
from tests.interop.scenarios.observing import observe
from tests.interop.scenarios.tasks import declare

LIBRARY: Final = library(os.environ["SCENARIO_LIBRARY"])
URL: Final = os.environ["SCENARIO_URL"]
RESULTS: Final = os.environ.get("SCENARIO_RESULTS", URL)

#: What both libraries are told.
SETTINGS: Final[dict[str, Any]] = {
    "result_extended": True,
    # Ours is the default, Celery's is not: what is compared is what is meant to be the same.
    "task_acks_late": True,
    "worker_prefetch_multiplier": 1,
    "broker_connection_retry_on_startup": True,
    "task_annotations": {"sc.annotated": {"max_retries": 9, "time_limit": 50.0}},
    "task_routes": {"sc.routed": {"queue": "other"}},
}

app: Final = LIBRARY.top.Celery("scenarios", broker=URL, backend=RESULTS)
app.conf.update(SETTINGS)
if LIBRARY.name == "sedano":
    # Five libraries play at once.
    app.conf.update({"broker_publish_timeout": 20.0})
declare(LIBRARY, app)
observe(LIBRARY)
