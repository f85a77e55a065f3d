"""What is printed of settings: passwords, keys and tokens are not.

Used wherever a setting's value is shown: ``app.conf.humanize()``, reports, error messages. Hides too much
rather than too little.
"""

import re
from collections.abc import Mapping
from typing import Final

MASK: Final = "********"

#: Names whose values are never shown; Celery's list.
SECRET_NAMES: Final = re.compile(
    "API|TOKEN|KEY|SECRET|PASS|PROFANITIES_LIST|SIGNATURE|DATABASE", re.IGNORECASE
)

#: Up to the last @: a password may hold slashes, colons and @ signs of its own.
PASSWORD_IN_URL: Final = re.compile(r"(?<=://)([^:@/]*):.*@", re.DOTALL)
SECRET_IN_QUERY: Final = re.compile(r"([?&][^=&]*(?:token|key|secret|pass|sig)[^=&]*=)[^&]*", re.IGNORECASE)


def censored(name: str, value: object) -> object:
    """The value of the setting ``name``, with what is secret in it masked.

    >>> censored("broker_url", "redis://:hunter2@localhost/0")
    'redis://:********@localhost/0'
    """
    if value is not None and SECRET_NAMES.search(name):
        return MASK
    if isinstance(value, str):
        return censored_url(value)
    if isinstance(value, Mapping):
        return {key: censored(str(key), part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [censored(name, part) for part in value]
    return value


def censored_url(url: str) -> str:
    """A URL without its password; any other text as it is."""
    if "://" not in url:
        return url
    return SECRET_IN_QUERY.sub(rf"\1{MASK}", PASSWORD_IN_URL.sub(rf"\1:{MASK}@", url))
