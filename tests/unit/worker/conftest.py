"""Plans, deliveries and jobs for the worker's unit tests."""

from typing import Any

from sedano.brokers.delivery import Delivery
from sedano.execution.job import Job
from sedano.message.celery_v2 import encode
from sedano.message.task_message import TaskMessage
from sedano.monitoring.logging_setup import LogFormats
from sedano.worker.plan import NodePlan, TaskTraits
from sedano.worker.posts import posts_for

TRAITS = TaskTraits(
    acks_late=True,
    ignore_result=False,
    is_coroutine=False,
    time_limit=None,
    soft_time_limit=None,
    store_errors_even_if_ignored=False,
)


def traits(**changes: Any) -> TaskTraits:
    values = {name: getattr(TRAITS, name) for name in TaskTraits.__struct_fields__}
    return TaskTraits(**{**values, **changes})


def plan(**changes: Any) -> NodePlan:
    values: dict[str, Any] = {
        "name": "w@host",
        "app_name": "proj",
        "broker_url": "memory://",
        "broker_options": {},
        "publish_timeout": 2.0,
        "result_url": "memory://",
        "result_options": {},
        "result_expires": 60.0,
        "result_serializer": "json",
        "base_dir": ".",
        "queues": ("celery",),
        "tasks": {"short": TRAITS, "long": TRAITS, "nap": traits(is_coroutine=True)},
        "pool": "prefork",
        "max_tasks_per_child": None,
        "max_memory_per_child": None,
        "time_limit": None,
        "soft_time_limit": None,
        "max_crashes": 3,
        "lease": 10.0,
        "soft_shutdown_timeout": 25.0,
        "log_formats": LogFormats(),
        "watched_files": (),
    }
    pools = changes.pop("pools", None) or {"prefork": changes.pop("concurrency", 2)}
    values["posts"] = posts_for(pools, coroutines_each=changes.pop("async_concurrency", 3))
    return NodePlan(**{**values, **changes})


def delivery(tag: int = 1, task: str = "short", *, crashes: int = 0, **message: Any) -> Delivery:
    envelope = encode(TaskMessage(id=f"id-{tag}", task=task, **message))
    return Delivery(tag, f"id-{tag}", task, "celery", envelope, crashes=crashes)


def job(tag: int = 1, task: str = "short", **fields: Any) -> Job:
    crashes, args = fields.pop("crashes", 0), fields.pop("args", ())
    return Job(delivery(tag, task, crashes=crashes, args=args), **fields)
