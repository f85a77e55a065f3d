"""``import celery.schedules``: the same names."""

from sedano.schedules import *  # noqa: F403
from sedano.schedules import __all__ as __all__
