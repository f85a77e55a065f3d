"""Starting Django for a command that was not started by Django: ``sedano -A myproject worker``.

Called by the command line and by the process that imports a node's application, after they have found the
application. Never runs anything twice.
"""

import os

import django
from django.core import checks

from sedano.contrib.django.wiring import wire
from sedano.errors import ConfigurationError


def start_django() -> None:
    """Load Django's apps, and tie the applications to the site, whether or not it has us installed."""
    django.setup()
    wire()


def run_checks() -> list[str]:
    """Run Django's system checks, unless ``CELERY_SKIP_CHECKS`` is set; returns the warnings as text.

    Raises:
        ConfigurationError: a check found an error.
    """
    if os.environ.get("CELERY_SKIP_CHECKS"):
        return []
    found = [message for message in checks.run_checks() if not message.is_silenced()]
    errors = [message for message in found if message.is_serious()]
    if errors:
        raise ConfigurationError("Django's system checks found errors:\n" + "\n".join(map(str, errors)))
    return [str(message) for message in found]
