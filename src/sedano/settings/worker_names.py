"""The names of settings about workers and the scheduler. Read by ``celery_names`` alone."""

from typing import Final

from sedano.settings import parsers
from sedano.settings.sections import LOG_FORMAT, TASK_LOG_FORMAT
from sedano.settings.setting import Setting, no_effect, own, refused, works

PREFETCH: Final = "a node fetches what its free slots need, by how long tasks take"
FORKING: Final = "children are forked by a process that has no threads, in milliseconds"
OWN_LOOP: Final = "a worker of Sedano is built of other parts, so the class would not be used; take it out"
KEPT_IN_BROKER: Final = "when entries were run is kept in the broker, where all schedulers see it"
NO_CONTROL: Final = "this version has no remote control yet"

WORKER: Final[tuple[Setting, ...]] = (
    works("worker_concurrency", "worker", "concurrency", parsers.CONCURRENCY),
    works("worker_pool", "worker", "pool", parsers.POOL),
    own("worker_async_concurrency", "worker", "async_concurrency", parsers.integer(at_least=1)),
    works("worker_max_tasks_per_child", "worker", "max_tasks_per_child", parsers.COUNT_OR_NONE),
    works("worker_max_memory_per_child", "worker", "max_memory_per_child", parsers.COUNT_OR_NONE),
    works(
        "worker_disable_rate_limits",
        "worker",
        "disable_rate_limits",
        parsers.BOOLEAN,
        old="CELERY_DISABLE_RATE_LIMITS",
    ),
    works("worker_soft_shutdown_timeout", "worker", "soft_shutdown_timeout", parsers.duration(), celery=0.0),
    own("worker_lease", "worker", "lease", parsers.duration(at_least=0.1)),
    works("worker_log_format", "worker", "log_format", parsers.TEXT, celery=LOG_FORMAT),
    works("worker_task_log_format", "worker", "task_log_format", parsers.TEXT, celery=TASK_LOG_FORMAT),
    works("worker_log_datefmt", "worker", "log_datefmt", parsers.TEXT),
    works("worker_task_log_datefmt", "worker", "task_log_datefmt", parsers.TEXT),
    works("worker_log_color", "worker", "log_color", parsers.BOOLEAN),
    works("worker_hijack_root_logger", "worker", "hijack_root_logger", parsers.BOOLEAN, celery=True),
    works(
        "worker_redirect_stdouts",
        "worker",
        "redirect_stdouts",
        parsers.BOOLEAN,
        celery=True,
        old="CELERY_REDIRECT_STDOUTS",
    ),
    works(
        "worker_redirect_stdouts_level",
        "worker",
        "redirect_stdouts_level",
        parsers.LOG_LEVEL,
        old="CELERY_REDIRECT_STDOUTS_LEVEL",
    ),
    refused("worker_agent", OWN_LOOP),
    refused("worker_consumer", OWN_LOOP, default="celery.worker.consumer:Consumer"),
    refused("worker_autoscaler", OWN_LOOP, default="celery.worker.autoscale:Autoscaler"),
    refused(
        "worker_direct",
        "a node has no queue of its own; name a queue with -Q instead",
        default=False,
        old="CELERY_WORKER_DIRECT",
    ),
    no_effect("worker_prefetch_multiplier", PREFETCH, default=4, fine=(1,)),
    no_effect("worker_disable_prefetch", PREFETCH, default=False, fine=(True,)),
    no_effect("worker_eta_task_limit", "tasks that are not due yet wait in the broker, not in a worker"),
    no_effect("worker_enable_prefetch_count_reduction", PREFETCH, default=True),
    no_effect(
        "worker_detect_quorum_queues",
        "messages wait for their time alike in front of quorum and classic queues",
        default=True,
    ),
    no_effect(
        "worker_deduplicate_successful_tasks",
        "a settled task is not delivered again",
        default=False,
        fine=(True,),
    ),
    no_effect(
        "worker_cancel_long_running_tasks_on_connection_loss",
        "a node keeps running its tasks and settles them when the broker is back, unless its lease ran out",
        default=False,
    ),
    no_effect(
        "worker_enable_soft_shutdown_on_idle",
        "an idle node has nothing to wait for",
        default=False,
        fine=(True,),
    ),
    no_effect(
        "worker_enable_remote_control",
        NO_CONTROL,
        default=True,
        fine=(False,),
        old="CELERY_ENABLE_REMOTE_CONTROL",
    ),
    no_effect(
        "worker_send_task_events",
        "this version has no monitor to send events to yet",
        default=False,
        old="CELERY_SEND_EVENTS",
    ),
    no_effect("worker_state_db", "there is nothing to keep between two starts"),
    no_effect(
        "worker_lost_wait",
        "a child's death is noticed at once",
        default=10.0,
        old="CELERYD_WORKER_LOST_WAIT",
    ),
    no_effect("worker_pool_putlocks", "children take work only while they have a free slot", default=True),
    no_effect("worker_pool_restarts", NO_CONTROL, default=False),
    no_effect("worker_pool_start_method", FORKING, default="fork"),
    no_effect("worker_proc_alive_timeout", FORKING, default=4.0),
    no_effect("worker_timer", "the parent has no timer to replace"),
    no_effect("worker_timer_precision", "the parent has no timer to replace", default=1.0),
)

BEAT: Final[tuple[Setting, ...]] = (
    works("beat_schedule", "schedule", "entries", parsers.SCHEDULE),
    works("beat_max_loop_interval", "schedule", "longest_pause", parsers.duration(), celery=0),
    works("beat_cron_starting_deadline", "schedule", "cron_starting_deadline", parsers.SECONDS_OR_NONE),
    no_effect(
        "beat_scheduler",
        "there is one scheduler, which keeps what it knows in the broker",
        default="celery.beat:PersistentScheduler",
    ),
    no_effect("beat_schedule_filename", KEPT_IN_BROKER, default="celerybeat-schedule"),
    no_effect("beat_sync_every", KEPT_IN_BROKER, default=0),
    no_effect("beat_enable_remote_control", NO_CONTROL, default=False),
    no_effect("beat_remote_control_max_tick_age", NO_CONTROL),
)
