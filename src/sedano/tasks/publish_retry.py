"""How often, and how quickly, publishing is tried again: ``task_publish_retry_policy``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from sedano.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRetry:
    """Pauses that grow by a step, up to a longest one. Celery's figures, in seconds.

    >>> list(PublishRetry(max_retries=3).pauses())
    [0.0, 0.2, 0.4]
    """

    #: None means as often as the publish deadline allows.
    max_retries: int | None = 3
    interval_start: float = 0.0
    interval_step: float = 0.2
    interval_max: float = 1.0

    @classmethod
    def from_policy(cls, policy: Mapping[str, Any]) -> "PublishRetry":
        """Read a policy as users write it; keys that only Celery's connections know are left out."""
        known = {name: policy[name] for name in cls.__slots__ if name in policy}
        for name, value in known.items():
            if isinstance(value, bool) or not isinstance(value, int | float | None) or (value or 0) < 0:
                raise ConfigurationError(f"retry_policy: {name}: expected a number, got {value!r}")
        return cls(**known)

    def pauses(self) -> Iterator[float]:
        """How long to wait before each further try."""
        tries = count() if self.max_retries is None else iter(range(int(self.max_retries)))
        for number in tries:
            yield round(min(self.interval_max, self.interval_start + number * self.interval_step), 6)
