"""The settings as the rest of the package reads them: frozen, typed, in the units they are used in.

Made once by ``sedano.settings.reading`` from what the user wrote; which name a user writes for a field is in
``sedano.settings.celery_names``. Nothing here knows a setting's name, and nothing below the application
knows anything but these classes.
"""

from collections.abc import Mapping
from datetime import timedelta, tzinfo
from types import MappingProxyType
from typing import Any, Final

import msgspec

from sedano.queues.definition import QueueDefinition

EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})

#: Between the attempts to publish, in seconds; Celery's own figures.
PUBLISH_RETRY_POLICY: Final[Mapping[str, Any]] = MappingProxyType(
    {"max_retries": 3, "interval_start": 0, "interval_max": 1, "interval_step": 0.2}
)

LOG_FORMAT: Final = "[%(asctime)s: %(levelname)s/%(processName)s] %(message)s"
TASK_LOG_FORMAT: Final = (
    "[%(asctime)s: %(levelname)s/%(processName)s] %(task_name)s[%(task_id)s]: %(message)s"
)


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where messages go."""

    #: None means the embedded default, a database beside the program.
    url: str | None = None
    #: Options of the broker that the URL names.
    transport_options: Mapping[str, Any] = EMPTY
    #: How long opening a connection may take.
    connection_timeout: timedelta = timedelta(seconds=4)
    #: How long one ``delay()`` may take in all, retries included, before it raises BrokerUnavailable.
    publish_timeout: timedelta = timedelta(seconds=2)
    #: How long a connection may be silent before either side gives it up; zero: for ever.
    heartbeat: timedelta = timedelta(seconds=120)
    #: ``PLAIN``, ``AMQPLAIN`` or ``EXTERNAL``; None leaves it to the driver.
    login_method: str | None = None
    #: Whether to connect by TLS, or its options.
    use_ssl: bool | Mapping[str, Any] = False
    #: Which of several servers is tried next; None means ``round-robin``.
    failover_strategy: str | None = None
    #: The kind of the queues that messages wait in until they are due.
    native_delayed_delivery_queue_type: str = "quorum"


class ResultSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where results go and how they are written."""

    #: None means beside the broker where the broker can hold results; "disabled" means nowhere.
    backend: str | None = None
    #: Options of the store that the URL names.
    transport_options: Mapping[str, Any] = EMPTY
    #: How long a result is kept; None means for ever.
    expires: timedelta | None = timedelta(days=1)
    #: How long the members of a chord are counted; None means as long as results are kept.
    chord_expires: timedelta | None = None
    #: Whether a result carries its task's name, arguments, worker, retries and queue.
    extended: bool = False
    serializer: str = "json"
    #: How documents are compressed, by its name; None leaves them as they are.
    compression: str | None = None
    #: Whether results that are sent as messages outlive a restart of the server.
    persistent: bool | None = None
    #: Serializers whose results may be read; where it is not set, those of the tasks.
    accept_content: frozenset[str] = frozenset({"json"})


class TaskSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How tasks are published and run, unless the task or the call says otherwise."""

    default_queue: str = "celery"
    #: ``classic`` or ``quorum``: of the default queue, where no queues are described.
    default_queue_type: str = "classic"
    #: None means the default queue's name.
    default_exchange: str | None = None
    default_exchange_type: str = "direct"
    #: None means the default queue's name.
    default_routing_key: str | None = None
    #: The queues a node serves when it is given none; None means the default queue alone.
    queues: tuple[QueueDefinition, ...] | None = None
    #: Whether queues that are named and not described are made, and how.
    create_missing_queues: bool = True
    create_missing_queue_type: str = "classic"
    create_missing_queue_exchange_type: str | None = None
    #: The highest priority of queues that do not say.
    queue_max_priority: int | None = None
    #: Whatever ``task_routes`` was: a dict, a list of routers, a callable, a dotted path, or None.
    routes: Any = None
    #: Whatever ``task_annotations`` was: a dict, an object, a list of both, or None.
    annotations: Any = None
    default_priority: int | None = None
    #: 2 is persistent, 1 transient.
    default_delivery_mode: int = 2
    inherit_parent_priority: bool = False

    serializer: str = "json"
    #: Serializers (or content types) whose messages may be read.
    accept_content: frozenset[str] = frozenset({"json"})
    compression: str | None = None
    #: Bytes of headers and body; a larger message is refused when it is published.
    max_message_size: int = 8 * 1024 * 1024
    #: How deep the printed form of arguments goes.
    repr_maxlevels: int = 3
    publish_retry: bool = True
    publish_retry_policy: Mapping[str, Any] = PUBLISH_RETRY_POLICY
    #: Django: hold ``delay()`` back until the transaction it was called in has committed.
    publish_on_commit: bool = True

    acks_late: bool = True
    #: Whether a task's message goes when it has failed, or run past its hard limit. None: as that for both.
    acks_on_failure_or_timeout: bool = True
    acks_on_failure: bool | None = None
    acks_on_timeout: bool | None = None
    #: How often a task may take its process with it before it is buried.
    max_crashes: int = 3
    #: Seconds.
    time_limit: float | None = None
    #: Seconds.
    soft_time_limit: float | None = None
    #: How often each task may start, as in ``rate_limit.seconds_per_start``.
    default_rate_limit: str | float | None = None
    track_started: bool = False
    ignore_result: bool = False
    store_errors_even_if_ignored: bool = False

    #: Whether a chord's errbacks are linked to the members of its header, too.
    allow_error_cb_on_chord_header: bool = False

    always_eager: bool = False
    eager_propagates: bool = False
    store_eager_result: bool = False


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a node works."""

    #: Slots, where the pool does not say how many; None means one for each usable CPU.
    concurrency: int | None = None
    #: "prefork", "threads", "asyncio", "solo"; or several with numbers: "prefork=2,threads=200".
    pool: str = "prefork"
    #: ``async def`` tasks that one child runs at a time, where "asyncio" is not among the pools.
    async_concurrency: int = 100
    max_tasks_per_child: int | None = None
    #: KiB of resident memory.
    max_memory_per_child: int | None = None
    #: Let every task start at once, whatever its rate limit.
    disable_rate_limits: bool = False
    #: How long a draining node waits for running tasks before it requeues them.
    soft_shutdown_timeout: timedelta = timedelta(seconds=25)
    #: A node that has not renewed its lease for this long is taken for dead.
    lease: timedelta = timedelta(seconds=10)

    log_format: str = LOG_FORMAT
    task_log_format: str = TASK_LOG_FORMAT
    log_datefmt: str | None = None
    task_log_datefmt: str | None = None
    #: None means where the output is a terminal.
    log_color: bool | None = None
    hijack_root_logger: bool = False
    redirect_stdouts: bool = False
    #: A level of the logging module, such as ``WARNING``.
    redirect_stdouts_level: str = "WARNING"


class ScheduleSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What runs by itself, and when."""

    #: Name -> the entry, as ``beat.entry`` reads it.
    entries: Mapping[str, Any] = {}
    #: How long a scheduler sleeps at the most; zero leaves it to the scheduler.
    longest_pause: timedelta = timedelta()
    #: How late the run of a crontab may start. Seconds; None: at any time.
    cron_starting_deadline: float | None = None


class AppSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What concerns the application as a whole."""

    #: None means UTC, or local time where ``enable_utc`` is off.
    timezone: tzinfo | None = None
    enable_utc: bool = True
    #: Modules that a worker imports when it starts.
    imports: tuple[str, ...] = ()
    include: tuple[str, ...] = ()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of one application.

    >>> Settings().tasks.acks_late
    True
    """

    broker: BrokerSettings = BrokerSettings()
    results: ResultSettings = ResultSettings()
    tasks: TaskSettings = TaskSettings()
    worker: WorkerSettings = WorkerSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    app: AppSettings = AppSettings()
