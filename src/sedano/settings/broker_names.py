"""The names of settings about brokers, events and remote control. Read by ``celery_names`` alone."""

from typing import Final

from sedano.settings import parsers
from sedano.settings.setting import NoEffect, Refused, Setting, no_effect, own, refused, works

POOLING: Final = (
    "connections are opened when they are needed, and no call waits for one for longer than its deadline"
)
RECONNECTING: Final = (
    "a node always reconnects, however long that takes; publishing has broker_publish_timeout"
)
FOR_RABBITMQ: Final = NoEffect("it is for RabbitMQ, and the broker is another")
ONE_URL: Final = "one broker_url serves publishing and claiming in this version; set that"
IN_THE_URL: Final = "write it into broker_url"
TLS_IN_THE_URL: Final = (
    "write it into broker_url: rediss://host?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=required"
)
NO_CONTROL: Final = "this version has no remote control yet"
NO_EVENTS: Final = "this version has no monitor to send events to yet"

BROKER: Final[tuple[Setting, ...]] = (
    works("broker_url", "broker", "url", parsers.BROKER_URL),
    works("broker_transport_options", "broker", "transport_options", parsers.OPTIONS),
    works(
        "broker_connection_timeout",
        "broker",
        "connection_timeout",
        parsers.duration(),
        without_exchanges=NoEffect(
            "broker_publish_timeout says how long a call may take, connecting included"
        ),
    ),
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
    works(
        "broker_failover_strategy",
        "broker",
        "failover_strategy",
        parsers.FAILOVER,
        fine=("round-robin",),
        without_exchanges=NoEffect("there is one broker_url"),
    ),
    works("broker_heartbeat", "broker", "heartbeat", parsers.HEARTBEAT, without_exchanges=FOR_RABBITMQ),
    no_effect("broker_heartbeat_checkrate", "heartbeats are heeded as they come", default=3.0),
    works("broker_login_method", "broker", "login_method", parsers.TEXT, without_exchanges=FOR_RABBITMQ),
    works(
        "broker_native_delayed_delivery_queue_type",
        "broker",
        "native_delayed_delivery_queue_type",
        parsers.QUEUE_TYPE,
        without_exchanges=FOR_RABBITMQ,
    ),
    no_effect("broker_pool_limit", POOLING, default=10),
    no_effect("broker_pool_acquire_timeout", POOLING),
    works("broker_use_ssl", "broker", "use_ssl", parsers.SSL, without_exchanges=Refused(TLS_IN_THE_URL)),
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
