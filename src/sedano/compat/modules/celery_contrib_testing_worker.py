"""``import celery.contrib.testing.worker``."""

from typing import Final

from sedano.testing.worker_thread import start_worker

__all__ = ["start_worker"]

_OWN: Final = "start_worker gives a worker of Sedano's own kind. Tests can wait with result.get(timeout=...)."

_REFUSED: Final = dict.fromkeys(
    (
        "TestWorkController",
        "WORKER_LOGLEVEL",
        "setup_app_for_worker",
        "test_worker_started",
        "test_worker_starting",
        "test_worker_stopped",
    ),
    _OWN,
)
