"""``sedano.install_as_celery()``: from here on, ``import celery`` gives Sedano.

Called by users, at the top of their project. Imports nothing of what it stands for: each module comes when it
is asked for.
"""

import sys
from types import ModuleType

from sedano.errors import ConfigurationError


def install_as_celery() -> None:
    """Let ``import celery``, and what is below it, give Sedano, whether Celery is installed or not.

    Call it before anything imports Celery: at the top of ``proj/__init__.py``, or of ``manage.py``. The
    second call does nothing.

    Raises:
        ConfigurationError: Celery itself has been imported already.
    """
    # Here, so that those who never call it do not load it.
    from sedano.compat.finder import CeleryFinder

    if any(isinstance(finder, CeleryFinder) for finder in sys.meta_path):
        return
    if (imported := sys.modules.get("celery")) is not None:
        raise ConfigurationError(
            f"install_as_celery: a module `celery` has been imported already, from {_place(imported)}. Call "
            "sedano.install_as_celery() before anything imports celery: at the top of proj/__init__.py, or "
            "of manage.py."
        )
    sys.meta_path.insert(0, CeleryFinder())


def _place(module: ModuleType) -> str:
    return getattr(module, "__file__", None) or "an unknown place"
