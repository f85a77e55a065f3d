"""The limit that a task's attributes ask for: ``rate_limit`` and ``rate_limit_scope``.

Called when a worker starts and by ``sedano check``: settings and annotations have their say until then.
"""

from typing import TYPE_CHECKING, Any

from sedano.errors import ConfigurationError
from sedano.rate_limit import EXPECTED, RateLimit, seconds_per_start

if TYPE_CHECKING:
    from sedano.tasks.task import Task


def rate_limit_of(task: "Task[..., Any]") -> RateLimit | None:
    """How often the task may start; None means at any time.

    Raises:
        ConfigurationError: One of the attributes says something else.
    """
    written, scope = task.rate_limit, task.rate_limit_scope
    try:
        seconds = seconds_per_start(written)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"task {task.name}: rate_limit: expected {EXPECTED}, got {written!r}."
        ) from error
    if scope not in ("worker", "cluster"):
        raise ConfigurationError(
            f"task {task.name}: rate_limit_scope: expected 'worker' or 'cluster', got {scope!r}."
        )
    if seconds is None:
        return None
    text = "".join(str(written).split())
    if "/" not in text:
        text += "/s"
    return RateLimit(seconds, scope == "cluster", text)
