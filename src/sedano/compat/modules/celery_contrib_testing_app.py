"""``import celery.contrib.testing.app``."""

from typing import Final

from sedano.testing.celery_app import TestApp, Trap, set_trap, setup_default_app

__all__ = ["TestApp", "Trap", "set_trap", "setup_default_app"]

_REFUSED: Final = {
    "DEFAULT_TEST_CONFIG": "TestApp keeps everything in memory. Give it other settings as config=...",
    "UnitLogging": "An application sets up no logging in tests. Use pytest's caplog.",
}
