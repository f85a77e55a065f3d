"""``import celery.result``: the same names."""

from sedano.result import *  # noqa: F403
from sedano.result import __all__ as __all__
