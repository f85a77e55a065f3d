"""Real Celery without servers: what it publishes, and what it stores of groups, is taken down instead.

Used by the tests of canvas shapes. Messages go through kombu's memory transport, as to workers.
"""

import json
from typing import Any, NamedTuple
from uuid import uuid4

from celery import Celery
from celery.backends.redis import RedisBackend


class CapturedMessage(NamedTuple):
    """A message as it lies in the broker."""

    headers: dict[str, Any]
    body: list[Any]


class CapturingBackend(RedisBackend):
    """Celery's rules for chords on Redis; what it would send to the server is kept here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sizes: dict[str, int] = {}
        self.saved: dict[str, Any] = {}

    def set_chord_size(self, group_id: str, chord_size: int) -> None:
        self.sizes[group_id] = chord_size

    def _set_chord_key(self, key: bytes, value: Any) -> None:
        self.saved[key.decode().removeprefix("celery-taskset-meta-")] = json.loads(value)["result"]

    def on_task_call(self, producer: Any, task_id: str) -> dict[str, Any]:
        return {}

    def add_pending_result(self, result: Any, weak: bool = False, start_drainer: bool = True) -> Any:
        return result


class CapturedCelery:
    """A Celery application, and what it has published."""

    def __init__(self) -> None:
        self.app = Celery("captured", broker="memory://", set_as_current=False)
        self.app.conf.update(
            result_backend=f"{__name__}:CapturingBackend",
            task_default_queue=f"captured-{uuid4().hex}",
            broker_connection_retry_on_startup=False,
        )

    @property
    def backend(self) -> CapturingBackend:
        """The store that takes down what it is told."""
        backend = self.app.backend
        assert isinstance(backend, CapturingBackend)
        return backend

    def take(self) -> tuple[list[CapturedMessage], dict[str, int], dict[str, Any]]:
        """What was published since the last look: messages, sizes of chords, saved groups."""
        messages = []
        with self.app.connection_for_read() as connection:
            channel = connection.default_channel
            self.app.amqp.queues[self.app.conf.task_default_queue](channel).declare()
            while (message := channel.basic_get(self.app.conf.task_default_queue, no_ack=True)) is not None:
                messages.append(CapturedMessage(dict(message.headers), json.loads(message.body)))
        sizes, saved = dict(self.backend.sizes), dict(self.backend.saved)
        self.backend.sizes.clear()
        self.backend.saved.clear()
        return messages, sizes, saved
