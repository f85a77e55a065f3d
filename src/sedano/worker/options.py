"""What the command line says of one node."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOptions:
    """Options of ``sedano worker``; None means: as the application's settings say.

    Encodes to JSON (``msgspec.json``): the parent hands it to the process that imports the application.
    """

    #: As given to ``-A``: ``proj``, ``proj.celery``, ``proj.celery:app``; None finds it (Django, cwd).
    app: str | None = None
    broker_url: str | None = None
    result_backend: str | None = None
    #: Settings given on the command line, by name (``task_track_started=1``); values as text.
    overrides: Mapping[str, str] = field(default_factory=dict)
    workdir: str | None = None

    #: ``%h``, ``%n``, ``%d`` are expanded; see ``ids.node_name``.
    name: str | None = None
    #: The queues to consume; None means the default queue and those of ``task_queues``.
    queues: tuple[str, ...] | None = None
    exclude_queues: tuple[str, ...] = ()
    #: Further modules to import.
    include: tuple[str, ...] = ()

    pool: str | None = None
    concurrency: int | None = None
    max_tasks_per_child: int | None = None
    #: KiB of resident memory.
    max_memory_per_child: int | None = None
    #: Seconds.
    time_limit: float | None = None
    soft_time_limit: float | None = None

    loglevel: str = "WARNING"
    logfile: str | None = None
    pidfile: str | None = None
    #: Delete what waits in the queues before starting.
    purge: bool = False
    #: Start anew when a module of the application changes.
    reload: bool = False
    #: Run a scheduler beside it.
    beat: bool = False
    #: Skip Django's system checks.
    skip_checks: bool = False
