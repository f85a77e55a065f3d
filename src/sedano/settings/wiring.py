"""What brokers with exchanges are told beside their URL: the application's queues, and how to connect.

Made from the settings, carried in a node's plan, handed to the opener of a broker with exchanges (and of the
result store that lives in one). Other brokers never see it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from sedano.queues.exchange_brokers import has_exchanges
from sedano.queues.rules import QueueRules
from sedano.settings.sections import Settings


def wiring_for(settings: Settings, *urls: str | None) -> "Wiring | None":
    """What is to be told, if the broker or the result store at one of these URLs has exchanges."""
    if not any(map(has_exchanges, urls)):
        return None
    return Wiring.from_settings(settings)


class Wiring(msgspec.Struct, frozen=True, kw_only=True):
    """As the settings say; times in seconds."""

    queues: QueueRules = QueueRules()
    #: How long opening a connection may take. ``broker_connection_timeout``.
    connection_timeout: float = 4.0
    #: None: no heartbeats. ``broker_heartbeat``.
    heartbeat: float | None = 120.0
    #: ``PLAIN``, ``AMQPLAIN``, ``EXTERNAL``; None leaves it to the driver. ``broker_login_method``.
    login_method: str | None = None
    #: True, or the options of Celery's ``broker_use_ssl``: ca_certs, certfile, keyfile, cert_reqs and so on.
    use_ssl: bool | Mapping[str, Any] = False
    #: Which of several servers is tried next: ``round-robin`` or ``shuffle``. ``broker_failover_strategy``.
    failover_strategy: str = "round-robin"
    #: ``classic`` or ``quorum``: the queues that messages wait in until they are due.
    delayed_queue_type: str = "quorum"
    #: How results that are sent as messages are written. ``result_serializer``.
    result_serializer: str = "json"
    #: Results that are sent as messages outlive the server. ``result_persistent``.
    persistent_results: bool = False
    #: Until when a reply queue that nobody reads is kept. ``result_expires``.
    result_expires: float | None = 86_400.0

    @classmethod
    def from_settings(cls, settings: Settings) -> "Wiring":
        """What the settings say."""
        tasks, broker, results = settings.tasks, settings.broker, settings.results
        return cls(
            queues=QueueRules(
                default_queue=tasks.default_queue,
                default_queue_type=tasks.default_queue_type,
                default_exchange=tasks.default_exchange,
                default_exchange_type=tasks.default_exchange_type,
                default_routing_key=tasks.default_routing_key,
                queues=tasks.queues,
                create_missing=tasks.create_missing_queues,
                missing_queue_type=tasks.create_missing_queue_type,
                missing_exchange_type=tasks.create_missing_queue_exchange_type,
                max_priority=tasks.queue_max_priority,
            ),
            connection_timeout=broker.connection_timeout.total_seconds(),
            heartbeat=broker.heartbeat.total_seconds() if broker.heartbeat else None,
            login_method=broker.login_method,
            use_ssl=dict(broker.use_ssl) if isinstance(broker.use_ssl, Mapping) else broker.use_ssl,
            failover_strategy=broker.failover_strategy or "round-robin",
            delayed_queue_type=broker.native_delayed_delivery_queue_type,
            result_serializer=results.serializer,
            persistent_results=bool(results.persistent),
            result_expires=results.expires.total_seconds() if results.expires else None,
        )
