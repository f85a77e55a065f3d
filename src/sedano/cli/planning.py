"""Loads the application as the options say, and makes the node's plan from its settings and tasks.

Called in the zygote (and by a solo node in its own process): this is where user code is imported.
"""

import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from sedano import ids, signals
from sedano.app import Sedano
from sedano.cli.app_logging import level_number, log_formats, set_up_app_logging
from sedano.cli.find_app import find_app, import_tasks_of
from sedano.cli.pool_limits import check_limits, check_slots
from sedano.errors import ConfigurationError
from sedano.execution.slot_kind import ASYNCIO, PREFORK, THREADS
from sedano.loading import load_object
from sedano.monitoring import log_lines
from sedano.monitoring.logging_setup import redirect_output
from sedano.queues.queue_table import QueueTable
from sedano.settings.pools import read_pools
from sedano.settings.sections import WorkerSettings
from sedano.settings.wiring import wiring_for
from sedano.tasks.acknowledging import acks_on_timeout
from sedano.tasks.rate_limits import rate_limit_of
from sedano.tasks.task import Task
from sedano.tasks.worker_view import worker_of
from sedano.worker import start_signals
from sedano.worker.options import NodeOptions
from sedano.worker.plan import NodePlan, TaskTraits
from sedano.worker.posts import places, posts_for


def load(options: NodeOptions) -> tuple[Sedano, NodePlan]:
    """The application and its plan, both in this process."""
    app = load_application(options)
    set_up(app, options)
    return app, make_plan(app, options)


def load_application(options: NodeOptions) -> Sedano:
    """Import the application, its tasks and all; receivers of ``celeryd_init`` may change its settings."""
    if options.workdir is not None:
        os.chdir(options.workdir)
    app = find_app(options.app)
    given = {"broker_url": options.broker_url, "result_backend": options.result_backend}
    app.conf.override({**options.overrides, **{name: url for name, url in given.items() if url is not None}})
    import_tasks_of(app, options.include)
    if os.environ.get("DJANGO_SETTINGS_MODULE") and not options.skip_checks:
        for warning in load_object("sedano.contrib.django.startup:run_checks")():
            sys.stderr.write(f"{warning}\n")
    worker = worker_of(app, ids.node_name(options.name))
    worker.learn(loglevel=level_number(options.loglevel), logfile=options.logfile, pidfile=options.pidfile)
    start_signals.configuring(worker, app.conf, _as_celerys(options))
    return app


def set_up(app: Sedano, options: NodeOptions) -> None:
    """Set up this process for the application: its logging, and what receivers of ``worker_init`` do."""
    plan = make_plan(app, options)
    worker = worker_of(app, plan.name)
    concurrency = places(plan.posts, PREFORK) + places(plan.posts, THREADS) or 1
    worker.learn(pool_cls=plan.pool, concurrency=concurrency, queues=plan.queues)
    start_signals.initializing(worker)
    set_up_app_logging(app.settings.worker, options.loglevel, logfile=options.logfile)
    if app.settings.worker.redirect_stdouts:
        redirect_output(app.settings.worker.redirect_stdouts_level)
    log_lines.attach(app.announcer)
    start_signals.set_up(worker, app.conf)


def _as_celerys(options: NodeOptions) -> dict[str, Any]:
    """The options of the command line, as receivers of ``celeryd_init`` know them."""
    names = (
        "concurrency",
        "exclude_queues",
        "include",
        "logfile",
        "max_memory_per_child",
        "max_tasks_per_child",
        "pidfile",
        "pool",
        "purge",
        "queues",
        "soft_time_limit",
        "time_limit",
    )
    return {"loglevel": level_number(options.loglevel), **{name: getattr(options, name) for name in names}}


def make_plan(app: Sedano, options: NodeOptions) -> NodePlan:
    """What the parent needs to know.

    Raises:
        ConfigurationError: options and settings do not make a node that could work.
        NotSupported: it is to have a scheduler, whose claims nothing can hold.
    """
    settings = app.settings
    if options.beat:
        _ = app.ticks
    worker = settings.worker
    pool, pools = _pools(options, worker)
    has_coroutines = any(task.is_coroutine for task in app.tasks.values())
    plan = NodePlan(
        name=ids.node_name(options.name),
        app_name=app.main or "",
        broker_url=app.broker_url,
        broker_options=dict(settings.broker.transport_options),
        publish_timeout=settings.broker.publish_timeout.total_seconds(),
        result_url=app.result_url,
        result_options=dict(settings.results.transport_options),
        result_expires=settings.results.expires.total_seconds() if settings.results.expires else None,
        result_serializer=settings.results.serializer,
        base_dir=str(app.base_dir),
        queues=_queues(app, options),
        tasks={name: traits_of(task) for name, task in app.tasks.items()},
        pool=pool,
        posts=posts_for(pools, coroutines_each=worker.async_concurrency if has_coroutines else 0),
        max_tasks_per_child=options.max_tasks_per_child or worker.max_tasks_per_child,
        max_memory_per_child=options.max_memory_per_child or worker.max_memory_per_child,
        time_limit=options.time_limit or settings.tasks.time_limit,
        soft_time_limit=options.soft_time_limit or settings.tasks.soft_time_limit,
        max_crashes=settings.tasks.max_crashes,
        lease=worker.lease.total_seconds(),
        soft_shutdown_timeout=worker.soft_shutdown_timeout.total_seconds(),
        log_formats=log_formats(worker),
        watched_files=tuple(_own_files()) if options.reload else (),
        wiring=wiring_for(settings, app.broker_url, app.result_url),
        warnings=(*app.conf.warnings, *_vain_receivers()),
    )
    check_limits(plan)
    return msgspec.structs.replace(plan, warnings=(*plan.warnings, *check_slots(plan)))


def traits_of(task: Task[..., Any]) -> TaskTraits:
    """What the parent needs to know of one task."""
    return TaskTraits(
        acks_late=bool(task.acks_late),
        ignore_result=bool(task.ignore_result),
        is_coroutine=task.is_coroutine,
        time_limit=task.time_limit,
        soft_time_limit=task.soft_time_limit,
        store_errors_even_if_ignored=bool(task.store_errors_even_if_ignored),
        rate_limit=None if task.app.settings.worker.disable_rate_limits else rate_limit_of(task),
        # A class of the user's may mean something else by it. Which word it is, check_slots judges.
        pool=task.pool if isinstance(task.pool, str) else None,  # type: ignore[arg-type]
        acks_on_timeout=acks_on_timeout(task),
    )


def _pools(options: NodeOptions, worker: WorkerSettings) -> tuple[str, dict[str, int]]:
    """The pools as they are named, and how many slots each has."""
    name = options.pool or worker.pool
    pools = read_pools(name)
    if options.concurrency and any(number is not None for number in pools.values()):
        raise ConfigurationError(
            f"--concurrency {options.concurrency}: leave it out, the pools have their numbers: {name}."
        )
    given = options.concurrency or worker.concurrency
    slots = {
        pool: number or given or (worker.async_concurrency if pool == ASYNCIO else usable_cpus())
        for pool, number in pools.items()
    }
    return name, {PREFORK: 1} if "solo" in slots else slots


def usable_cpus() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _vain_receivers() -> list[str]:
    return [
        f"{signal.name}: receivers of this signal are never called: {why}."
        for signal, why in signals.NOT_SENT.items()
        if signal.has_listeners()
    ]


def _queues(app: Sedano, options: NodeOptions) -> tuple[str, ...]:
    tasks = app.settings.tasks
    described = tasks.queues or ()
    aliases = {queue.alias: queue.name for queue in described if queue.alias}
    chosen = options.queues or [queue.name for queue in described] or (tasks.default_queue,)
    excluded = {aliases.get(name, name) for name in options.exclude_queues}
    queues = tuple(dict.fromkeys(name for q in chosen if (name := aliases.get(q, q)) not in excluded))
    if not queues:
        raise ConfigurationError(
            "No queue is left to consume: every one is excluded. Exclude fewer (-X), or name others (-Q)."
        )
    wiring = wiring_for(app.settings, app.broker_url)
    if wiring is not None:
        table = QueueTable(wiring.queues)
        for name in queues:
            table.find(name)  # some may not be made
    return queues


def _own_files() -> list[str]:
    """The files of the modules that belong to the application rather than to an installed package."""
    installed = tuple(
        os.path.realpath(path) for path in {sys.prefix, sys.base_prefix, str(Path(os.__file__).parent)}
    )
    found: list[str] = []
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if name and name.endswith(".py") and not os.path.realpath(name).startswith(installed):
            found.append(name)
    return sorted(found)
