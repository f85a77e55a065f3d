"""A call of a task as Celery's producers send it to RabbitMQ."""

from typing import Any, Final

_TASK_ID: Final = "01a20426-e4cd-79d1-a47f-0622253a942e"

BODY: Final = b'[[1, 2], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'

HEADERS: Final[dict[str, Any]] = {
    "lang": "py",
    "task": "bench_app.noop",
    "id": _TASK_ID,
    "shadow": None,
    "eta": None,
    "expires": None,
    "group": None,
    "group_index": None,
    "retries": 0,
    "timelimit": [None, None],
    "root_id": _TASK_ID,
    "parent_id": None,
    "argsrepr": "(1, 2)",
    "kwargsrepr": "{}",
    "origin": "gen1@host",
    "ignore_result": False,
    "replaced_task_nesting": 0,
    "stamped_headers": None,
    "stamps": {},
}

#: Persistent.
PROPERTIES: Final[dict[str, Any]] = {
    "content_type": "application/json",
    "content_encoding": "utf-8",
    "delivery_mode": 2,
    "correlation_id": _TASK_ID,
}
