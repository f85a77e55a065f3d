"""The names of settings about tasks and about the application. Read by ``celery_names`` alone."""

from typing import Final

from sedano.settings import parsers
from sedano.settings.setting import NoEffect, Setting, no_effect, own, refused, works

NO_EXCHANGES: Final = NoEffect(
    "a message goes straight to the queue it names; of the brokers only RabbitMQ has exchanges"
)
NO_DECLARING: Final = NoEffect("it is for RabbitMQ; on other brokers queues need not be declared")
CRASHES: Final = "a task whose process dies runs again, at most task_max_crashes times"

APP: Final[tuple[Setting, ...]] = (
    works("accept_content", "tasks", "accept_content", parsers.CONTENT, old="CELERY_ACCEPT_CONTENT"),
    works("timezone", "app", "timezone", parsers.TIME_ZONE, old="CELERY_TIMEZONE"),
    works("enable_utc", "app", "enable_utc", parsers.BOOLEAN),
    works("imports", "app", "imports", parsers.MODULES, old="CELERY_IMPORTS"),
    works("include", "app", "include", parsers.MODULES, old="CELERY_INCLUDE"),
)

TASK: Final[tuple[Setting, ...]] = (
    works("task_default_queue", "tasks", "default_queue", parsers.TEXT),
    works("task_queues", "tasks", "queues", parsers.QUEUES),
    works(
        "task_default_queue_type",
        "tasks",
        "default_queue_type",
        parsers.QUEUE_TYPE,
        without_exchanges=NO_DECLARING,
    ),
    works("task_default_exchange", "tasks", "default_exchange", parsers.TEXT, without_exchanges=NO_EXCHANGES),
    works(
        "task_default_exchange_type",
        "tasks",
        "default_exchange_type",
        parsers.TEXT,
        without_exchanges=NO_EXCHANGES,
    ),
    works(
        "task_default_routing_key",
        "tasks",
        "default_routing_key",
        parsers.TEXT,
        without_exchanges=NO_EXCHANGES,
    ),
    works(
        "task_create_missing_queues",
        "tasks",
        "create_missing_queues",
        parsers.BOOLEAN,
        without_exchanges=NO_DECLARING,
    ),
    works(
        "task_create_missing_queue_type",
        "tasks",
        "create_missing_queue_type",
        parsers.QUEUE_TYPE,
        without_exchanges=NO_DECLARING,
    ),
    works(
        "task_create_missing_queue_exchange_type",
        "tasks",
        "create_missing_queue_exchange_type",
        parsers.TEXT,
        without_exchanges=NO_EXCHANGES,
    ),
    works(
        "task_queue_max_priority",
        "tasks",
        "queue_max_priority",
        parsers.integer(at_least=1, at_most=255),
        without_exchanges=NoEffect("it is for RabbitMQ; on other brokers priorities work without it"),
    ),
    works("task_routes", "tasks", "routes", parsers.ROUTES),
    works("task_annotations", "tasks", "annotations", parsers.ANYTHING),
    works("task_default_priority", "tasks", "default_priority", parsers.integer(at_least=0, at_most=255)),
    works("task_default_delivery_mode", "tasks", "default_delivery_mode", parsers.DELIVERY_MODE),
    works("task_inherit_parent_priority", "tasks", "inherit_parent_priority", parsers.BOOLEAN),
    works("task_serializer", "tasks", "serializer", parsers.SERIALIZER, old="CELERY_TASK_SERIALIZER"),
    works("task_compression", "tasks", "compression", parsers.TEXT, old="CELERY_MESSAGE_COMPRESSION"),
    own("task_max_message_size", "tasks", "max_message_size", parsers.integer(at_least=1)),
    works("task_repr_maxlevels", "tasks", "repr_maxlevels", parsers.integer(at_least=1)),
    works("task_publish_retry", "tasks", "publish_retry", parsers.BOOLEAN, old="CELERY_TASK_PUBLISH_RETRY"),
    works(
        "task_publish_retry_policy",
        "tasks",
        "publish_retry_policy",
        parsers.RETRY_POLICY,
        old="CELERY_TASK_PUBLISH_RETRY_POLICY",
    ),
    own("task_publish_on_commit", "tasks", "publish_on_commit", parsers.BOOLEAN),
    works("task_acks_late", "tasks", "acks_late", parsers.BOOLEAN, celery=False),
    own("task_max_crashes", "tasks", "max_crashes", parsers.integer(at_least=0)),
    works("task_time_limit", "tasks", "time_limit", parsers.TIME_LIMIT, old="CELERYD_TASK_TIME_LIMIT"),
    works(
        "task_soft_time_limit",
        "tasks",
        "soft_time_limit",
        parsers.TIME_LIMIT,
        old="CELERYD_TASK_SOFT_TIME_LIMIT",
    ),
    works("task_default_rate_limit", "tasks", "default_rate_limit", parsers.RATE),
    works("task_track_started", "tasks", "track_started", parsers.BOOLEAN),
    works("task_ignore_result", "tasks", "ignore_result", parsers.BOOLEAN),
    works("task_store_errors_even_if_ignored", "tasks", "store_errors_even_if_ignored", parsers.BOOLEAN),
    works("task_always_eager", "tasks", "always_eager", parsers.BOOLEAN),
    works(
        "task_eager_propagates",
        "tasks",
        "eager_propagates",
        parsers.BOOLEAN,
        old="CELERY_EAGER_PROPAGATES_EXCEPTIONS",
    ),
    works("task_store_eager_result", "tasks", "store_eager_result", parsers.BOOLEAN),
    works("task_acks_on_failure_or_timeout", "tasks", "acks_on_failure_or_timeout", parsers.BOOLEAN),
    works("task_acks_on_failure", "tasks", "acks_on_failure", parsers.BOOLEAN),
    works("task_acks_on_timeout", "tasks", "acks_on_timeout", parsers.BOOLEAN),
    refused(
        "task_protocol",
        "messages are published in protocol 2 (those in protocol 1 are still read); take it out",
        default=2,
        old="CELERY_TASK_PROTOCOL",
    ),
    no_effect("task_reject_on_worker_lost", CRASHES, fine=(True,)),
    no_effect("task_retry_on_worker_lost", CRASHES, default=False, fine=(True,)),
    no_effect("task_remote_tracebacks", "a traceback is kept as text", default=False),
    no_effect(
        "task_send_sent_event",
        "this version has no monitor to send events to yet",
        default=False,
        old="CELERY_SEND_TASK_SENT_EVENT",
    ),
    works("task_allow_error_cb_on_chord_header", "tasks", "allow_error_cb_on_chord_header", parsers.BOOLEAN),
)
