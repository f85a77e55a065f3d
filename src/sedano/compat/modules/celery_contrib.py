"""``import celery.contrib``."""

from typing import Final

__all__: list[str] = []

_REFUSED: Final = {
    "methods": "It is no part of Celery 5 either.",
    "migrate": "Messages of another broker are worked off by a worker of that broker.",
    "rdb": "Run one worker with `sedano worker --pool solo`, and call breakpoint() in the task.",
    "sphinx": "The docstrings of tasks are read by sphinx.ext.autodoc as they are.",
}
