"""What the parent needs to know of the application, which it never imports.

Made by the zygote after it has imported the application; sent to the parent in MessagePack.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from sedano.execution.slot_kind import SlotKind
from sedano.monitoring.logging_setup import LogFormats
from sedano.rate_limit import RateLimit
from sedano.settings.wiring import Wiring
from sedano.worker.posts import Post


class TaskTraits(msgspec.Struct, frozen=True, array_like=True):
    """What the parent must know of a task to admit and to place its messages."""

    acks_late: bool
    ignore_result: bool
    is_coroutine: bool
    #: Seconds.
    time_limit: float | None
    soft_time_limit: float | None
    store_errors_even_if_ignored: bool
    #: None where it may start at any time, or where this node keeps no limits.
    rate_limit: RateLimit | None = None
    #: The kind of slot that the task asks for; None leaves it to the node.
    pool: SlotKind | None = None
    #: Whether it is done with when it has run past its hard limit; otherwise it is tried again.
    acks_on_timeout: bool = True


class NodePlan(msgspec.Struct, frozen=True, kw_only=True):
    """One node's work: where from, which tasks, how many at once, under which limits."""

    name: str
    app_name: str
    broker_url: str
    broker_options: Mapping[str, Any]
    #: Seconds.
    publish_timeout: float
    #: None: results are not stored.
    result_url: str | None
    result_options: Mapping[str, Any]
    #: Seconds; None keeps results for good.
    result_expires: float | None
    result_serializer: str
    #: Relative paths in URLs start here.
    base_dir: str
    queues: tuple[str, ...]
    tasks: Mapping[str, TaskTraits]
    #: As ``--pool`` names it.
    pool: str
    posts: tuple[Post, ...]
    max_tasks_per_child: int | None
    #: KiB of resident memory.
    max_memory_per_child: int | None
    #: Seconds.
    time_limit: float | None
    soft_time_limit: float | None
    max_crashes: int
    #: Seconds a node may be silent before others take its work over.
    lease: float
    #: Seconds running tasks get after SIGTERM.
    soft_shutdown_timeout: float
    log_formats: LogFormats
    #: Files whose change means that the application is another one (``--reload``).
    watched_files: tuple[str, ...]
    #: For a broker or a result store with exchanges.
    wiring: Wiring | None = None
    #: Said once at the start, such as settings without effect.
    warnings: tuple[str, ...] = ()
