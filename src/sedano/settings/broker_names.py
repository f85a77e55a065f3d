"""The names of settings about brokers, events and remote control. Read by ``celery_names`` alone."""

from typing import Final

from sedano.settings import parsers
from sedano.settings.setting import Setting, no_effect, own, refused, works

POOLING: Final = "every process has one connection of its own"
RECONNECTING: Final = (
    "a node always reconnects, however long that takes; publishing has broker_publish_timeout"
)
AMQP: Final = "it concerns RabbitMQ, which this version does not speak"
ONE_URL: Final = "one broker_url serves publishing and claiming in this version; set that"
IN_THE_URL: Final = "write it into broker_url"
NO_CONTROL: Final = "this version has no remote control yet"
NO_EVENTS: Final = "this version has no monitor to send events to yet"

BROKER: Final[tuple[Setting, ...]] = (
    works("broker_url", "broker", "url", parsers.BROKER_URL),
    works("broker_transport_options", "broker", "transport_options", parsers.OPTIONS),
    works("broker_connection_timeout", "broker", "connection_timeout", parsers.duration()),
    own("broker_publish_timeout", "broker", "publish_timeout", parsers.duration()),
    refused("broker_read_url", ONE_URL),
    refused("broker_write_url", ONE_URL),
    refused("broker_transport", "the scheme of broker_url names the broker"),
    refused("broker_host", IN_THE_URL),
    refused("broker_port", IN_THE_URL),
    refused("broker_user", IN_THE_URL),
    refused("broker_password", IN_THE_URL),
    refused("broker_vhost", IN_THE_URL),
    no_effect("broker_connection_retry", RECONNECTING, default=True),
    no_effect("broker_connection_retry_on_startup", RECONNECTING, fine=(True,)),
    no_effect("broker_connection_max_retries", RECONNECTING, default=100),
    no_effect("broker_channel_error_retry", RECONNECTING, default=False, fine=(True,)),
    no_effect("broker_failover_strategy", "there is one broker_url"),
    no_effect("broker_heartbeat", AMQP, default=120),
    no_effect("broker_heartbeat_checkrate", AMQP, default=3.0),
    no_effect("broker_login_method", AMQP),
    no_effect("broker_native_delayed_delivery_queue_type", AMQP, default="quorum"),
    no_effect("broker_pool_limit", POOLING, default=10),
    no_effect("broker_pool_acquire_timeout", POOLING),
    no_effect("broker_use_ssl", "no broker of this version is reached over a network", default=False),
)

CONTROL: Final[tuple[Setting, ...]] = (
    no_effect("control_queue_ttl", NO_CONTROL, default=300.0),
    no_effect("control_queue_expires", NO_CONTROL, default=10.0),
    no_effect("control_queue_exclusive", NO_CONTROL, default=True),
    no_effect("control_queue_durable", NO_CONTROL, default=False),
    no_effect("control_exchange", NO_CONTROL, default="celery"),
)

EVENT: Final[tuple[Setting, ...]] = (
    no_effect("event_queue_expires", NO_EVENTS, default=60.0),
    no_effect("event_queue_ttl", NO_EVENTS, default=5.0),
    no_effect("event_queue_prefix", NO_EVENTS, default="celeryev"),
    no_effect("event_queue_exclusive", NO_EVENTS, default=True),
    no_effect("event_queue_durable", NO_EVENTS, default=False),
    no_effect("event_serializer", NO_EVENTS, default="json"),
    no_effect("event_exchange", NO_EVENTS, default="celeryev"),
)
