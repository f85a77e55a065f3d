"""Which of the site's databases an application keeps its messages and results in.

Asked by the checks and by the commit gate. Never opens a connection.
"""

from typing import TYPE_CHECKING

from sedano import locations
from sedano.contrib.django.vendors import SCHEME, alias_in

if TYPE_CHECKING:
    from sedano.app import Sedano


def queue_alias(app: "Sedano") -> str | None:
    """The database of the messages; None where they are elsewhere.

    Raises:
        ConfigurationError: a setting is wrong, or ``DATABASES`` does not have it.
    """
    return _alias(locations.broker_url(app.settings, app.default_broker_url, {}))


def results_alias(app: "Sedano") -> str | None:
    """The database of the results; None where they are elsewhere, or nowhere. Raises as ``queue_alias``."""
    return _alias(locations.result_url(app.settings, app.default_broker_url, {}))


def _alias(url: str | None) -> str | None:
    return alias_in(url) if url is not None and url.partition(":")[0] == SCHEME else None
