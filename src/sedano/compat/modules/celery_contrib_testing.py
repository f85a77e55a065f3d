"""``import celery.contrib.testing``."""

from typing import Final

__all__: list[str] = []

_REFUSED: Final = {
    "manager": "Wait with result.get(timeout=...), or use sedano.testing.run_until_idle.",
    "mocks": "Publish the call, and look at it with sedano.testing.published.",
}
