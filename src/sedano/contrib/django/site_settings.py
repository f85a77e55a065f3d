"""The site's settings for the queue: ``CELERY_*`` and ``SEDANO_*`` in Django's settings.

Read by ``Conf`` when a setting is asked for, and again after ``override_settings``. Finds, never judges.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.utils.functional import Promise

from sedano.errors import ConfigurationError

PREFIXES: Final = ("SEDANO", "CELERY")


def site_settings() -> Mapping[str, Any]:
    """What an application without wiring of its own reads: both prefixes, and Django's time zone.

    Raises:
        ConfigurationError: a setting is there under both prefixes.
    """
    return {**_named("SEDANO_"), **_named("CELERY_"), "TIME_ZONE": settings.TIME_ZONE}


def sedano_settings() -> Mapping[str, Any]:
    """What is added to an application that reads ``CELERY_*`` by itself, as Celery's tutorials wire it.

    Raises:
        ConfigurationError: a setting is there under both prefixes.
    """
    return _named("SEDANO_")


def _named(prefix: str) -> dict[str, Any]:
    doubles = [
        name for name in dir(settings) if name.startswith("SEDANO_") and hasattr(settings, _other(name))
    ]
    if doubles:
        raise ConfigurationError(
            "\n".join(
                f"{name} and {_other(name)} are the same setting: keep one of them." for name in doubles
            )
        )
    names = [name for name in dir(settings) if name.startswith(prefix)]
    return {name: _plain(getattr(settings, name)) for name in names}


def _other(name: str) -> str:
    return name.replace("SEDANO_", "CELERY_", 1)


def _plain(value: Any) -> Any:
    """A lazy text as the text it stands for."""
    return str(value) if isinstance(value, Promise) else value
