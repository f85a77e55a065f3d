"""The keywords of Celery's constructor: which are settings, which mean nothing here, and which are refused.

Called by the application's constructor.
"""

from collections.abc import Mapping
from typing import Any, Final

from sedano.errors import NotSupported

#: Parts of Celery that have no counterpart here. None (and other empty values) are let through.
NOT_SUPPORTED: Final = frozenset(
    {"amqp", "config_source_silent", "control", "events", "fixups", "loader", "log", "tasks"}
)
#: What they say is always so here.
MEANINGLESS: Final = frozenset({"autofinalize"})


def constructor_settings(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among the constructor's further keywords.

    Raises:
        NotSupported: a keyword of Celery's that has no counterpart.

    >>> constructor_settings({"task_serializer": "json", "autofinalize": True, "loader": None})
    {'task_serializer': 'json'}
    """
    for name in sorted(NOT_SUPPORTED & keywords.keys()):
        if keywords[name]:
            raise NotSupported(f"{name}: this argument of the application is not supported.")
    passed_over = NOT_SUPPORTED | MEANINGLESS
    return {name: value for name, value in keywords.items() if name not in passed_over}
