"""Loads the application as the options say, and makes the node's plan from its settings and tasks.

Called in the zygote (and by a solo node in its own process): this is where user code is imported.
"""

import logging
import os
import sys
from pathlib import Path

from sedano import ids, signals
from sedano.app import Sedano
from sedano.cli.find_app import find_app, import_tasks_of
from sedano.errors import ConfigurationError
from sedano.execution.host import Host
from sedano.loading import load_object
from sedano.log import TASK_LOGGER
from sedano.monitoring import log_lines
from sedano.monitoring.logging_setup import LogFormats, redirect_output, set_up_logging
from sedano.settings.sections import WorkerSettings
from sedano.worker.options import NodeOptions
from sedano.worker.plan import NodePlan, TaskTraits


def load(options: NodeOptions) -> tuple[Host, NodePlan]:
    """The application and its plan, both in this process."""
    app = load_application(options)
    return app, make_plan(app, options)


def load_application(options: NodeOptions) -> Sedano:
    """Import the application, its tasks and all, and set up this process for it."""
    if options.workdir is not None:
        os.chdir(options.workdir)
    app = find_app(options.app)
    given = {"broker_url": options.broker_url, "result_backend": options.result_backend}
    app.conf.override({**options.overrides, **{name: url for name, url in given.items() if url is not None}})
    import_tasks_of(app, options.include)
    if os.environ.get("DJANGO_SETTINGS_MODULE") and not options.skip_checks:
        for warning in load_object("sedano.contrib.django.startup:run_checks")():
            sys.stderr.write(f"{warning}\n")
    settings = app.settings
    set_up = signals.setup_logging.send(
        None,
        loglevel=options.loglevel,
        logfile=options.logfile,
        format=settings.worker.log_format,
        colorize=False,
    )
    if not set_up:
        set_up_logging(
            options.loglevel,
            logfile=options.logfile,
            formats=_log_formats(settings.worker),
            hijack_root=settings.worker.hijack_root_logger,
        )
        about = {
            "loglevel": options.loglevel,
            "logfile": options.logfile,
            "format": settings.worker.log_format,
            "colorize": False,
        }
        signals.after_setup_logger.send(None, logger=logging.getLogger(), **about)
        signals.after_setup_task_logger.send(None, logger=logging.getLogger(TASK_LOGGER), **about)
    if settings.worker.redirect_stdouts:
        redirect_output(settings.worker.redirect_stdouts_level)
    log_lines.attach(app.announcer)
    return app


def _log_formats(worker: WorkerSettings) -> LogFormats:
    return LogFormats(
        worker=worker.log_format,
        worker_dates=worker.log_datefmt,
        task=worker.task_log_format,
        task_dates=worker.task_log_datefmt,
        color=worker.log_color,
    )


def make_plan(app: Sedano, options: NodeOptions) -> NodePlan:
    """What the parent needs to know.

    Raises:
        ConfigurationError: options and settings do not make a node that could work.
    """
    settings = app.settings
    worker = settings.worker
    pool = options.pool or worker.pool
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
        tasks={
            name: TaskTraits(
                acks_late=bool(task.acks_late),
                ignore_result=bool(task.ignore_result),
                is_coroutine=task.is_coroutine,
                time_limit=task.time_limit,
                soft_time_limit=task.soft_time_limit,
                store_errors_even_if_ignored=bool(task.store_errors_even_if_ignored),
            )
            for name, task in app.tasks.items()
        },
        pool=pool,
        concurrency=1 if pool == "solo" else options.concurrency or worker.concurrency or usable_cpus(),
        async_concurrency=worker.async_concurrency,
        max_tasks_per_child=options.max_tasks_per_child or worker.max_tasks_per_child,
        max_memory_per_child=options.max_memory_per_child or worker.max_memory_per_child,
        time_limit=options.time_limit or settings.tasks.time_limit,
        soft_time_limit=options.soft_time_limit or settings.tasks.soft_time_limit,
        max_crashes=settings.tasks.max_crashes,
        lease=worker.lease.total_seconds(),
        soft_shutdown_timeout=worker.soft_shutdown_timeout.total_seconds(),
        log_formats=_log_formats(worker),
        watched_files=tuple(_own_files()) if options.reload else (),
        warnings=(*app.conf.warnings, *_vain_receivers()),
    )
    check_limits(plan)
    return plan


def check_limits(plan: NodePlan) -> None:
    """Limits that contradict each other, or that the pool cannot keep, are errors at the start."""
    limited = [
        ("", plan.time_limit, plan.soft_time_limit),
        *((f"task {n}: ", t.time_limit, t.soft_time_limit) for n, t in plan.tasks.items()),
    ]
    for where, hard, soft in limited:
        if hard and soft and soft > hard:
            raise ConfigurationError(
                f"{where}soft_time_limit ({soft} s) is longer than time_limit ({hard} s)."
            )
        if plan.pool == "solo" and (hard or soft):
            raise ConfigurationError(
                f"{where}the solo pool cannot keep time limits, because nothing watches the one process. "
                "Remove the limit, or use --pool prefork."
            )


def usable_cpus() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _vain_receivers() -> list[str]:
    return [
        f"{signal.name}: this version never sends this signal, so its receivers are not called."
        for signal in signals.NOT_SENT
        if signal.has_listeners()
    ]


def _queues(app: Sedano, options: NodeOptions) -> tuple[str, ...]:
    tasks = app.settings.tasks
    chosen = options.queues or tasks.queues or (tasks.default_queue,)
    queues = tuple(dict.fromkeys(q for q in chosen if q not in options.exclude_queues))
    if not queues:
        raise ConfigurationError("No queue is left to consume: every one of them is excluded.")
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
