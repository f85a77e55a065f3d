"""The options of Celery's Redis transport: which work, which have no effect and why, which are refused.

Asked once when a broker or result store on Redis is opened. A table; changes nothing.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from sedano.errors import ConfigurationError, NotSupported, did_you_mean

logger = logging.getLogger("sedano")

#: What works, by the setting; and in both where the server is found by sentinels.
WORKS: Final[Mapping[str, frozenset[str]]] = {
    "broker_transport_options": frozenset({"global_keyprefix", "sep", "priority_steps"}),
    "result_backend_transport_options": frozenset(
        {"global_keyprefix", "max_connections", "result_chord_ordered"}
    ),
}
OF_SENTINELS: Final = frozenset({"master_name", "sentinel_kwargs"})

_LEASES: Final = "a message is its worker's as long as that lives (worker_lease), however long its task runs"
_TIMEOUT: Final = "broker_publish_timeout says how long a call may take; connections have their own deadlines"
_OWN_CONNECTIONS: Final = "connections are checked, replaced and named by themselves"
_CONTROL: Final = "this version has no remote control, which they are for"

#: Options that are accepted, and why they change nothing.
NO_EFFECT: Final[Mapping[str, str]] = {
    "ack_emulation": _LEASES,
    "visibility_timeout": _LEASES,
    "unacked_key": _LEASES,
    "unacked_index_key": _LEASES,
    "unacked_mutex_key": _LEASES,
    "unacked_mutex_expire": _LEASES,
    "unacked_restore_limit": _LEASES,
    "unacked_restore_interval": _LEASES,
    "unacked_restore_throttle": _LEASES,
    "queue_order_strategy": "the queues of a worker are equals",
    "polling_interval": "nothing is polled",
    "socket_timeout": _TIMEOUT,
    "socket_connect_timeout": _TIMEOUT,
    "max_retries": "task_publish_retry_policy says how often publishing is tried again",
    "interval_start": "task_publish_retry_policy says how often publishing is tried again",
    "interval_step": "task_publish_retry_policy says how often publishing is tried again",
    "interval_max": "task_publish_retry_policy says how often publishing is tried again",
    "additional_connection_errors": _OWN_CONNECTIONS,
    "retry_policy": "results are waited for through outages",
    "retry_on_timeout": _OWN_CONNECTIONS,
    "socket_keepalive": _OWN_CONNECTIONS,
    "socket_keepalive_options": _OWN_CONNECTIONS,
    "health_check_interval": _OWN_CONNECTIONS,
    "client_name": _OWN_CONNECTIONS,
    "max_connections": _OWN_CONNECTIONS,
    "fanout_prefix": _CONTROL,
    "fanout_patterns": _CONTROL,
    "sentinel_fanout_compat": _CONTROL,
    "result_chord_ordered": "it is for result_backend_transport_options",
    "sep": "it is for broker_transport_options",
    "priority_steps": "it is for broker_transport_options",
    "master_name": "it is for sentinel:// URLs",
    "sentinel_kwargs": "it is for sentinel:// URLs",
}

#: Options that cannot be left out without changing what their user relies on.
REFUSED: Final[Mapping[str, str]] = {
    "body_encoding": "bodies are in base64, as Celery's default is; take it out",
    "deadletter_queue": "dead letters are kept beside each queue: `sedano dead` shows them",
    "credential_provider": "put user and password into the URL",
    "reauth_check_interval": "put user and password into the URL",
    "min_other_sentinels": "the first sentinel that answers is believed; take it out",
}


def check(options: Mapping[str, Any], url: str, *, setting: str) -> None:
    """Look through the options of one setting; those without effect are told in the log.

    Args:
        options: By name.
        url: Of the server.
        setting: The name of the setting they are in.

    Raises:
        NotSupported: an option of Celery's that cannot be left out.
        ConfigurationError: there is no such option.
    """
    works = WORKS[setting] | (OF_SENTINELS if url.startswith("sentinel:") else frozenset())
    for name, value in options.items():
        if name in works or value is None:
            continue
        if name in REFUSED:
            raise NotSupported(f"{setting}: {name}: {REFUSED[name]}.")
        if name not in NO_EFFECT:
            raise ConfigurationError(
                f"{setting}: there is no option {name!r} on Redis.{did_you_mean(name, [*works, *NO_EFFECT])}"
            )
        logger.warning("%s: %s has no effect: %s.", setting, name, NO_EFFECT[name])
