"""Which application is the current one, for the length of a test; and which one ``current_app`` is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from sedano.current import applications

if TYPE_CHECKING:
    from sedano.app import Sedano


@contextmanager
def made_current(app: "Sedano | Any") -> Iterator[None]:
    """Make an application the current one within; the one before is current again afterwards, or none is."""
    before = applications._current
    applications.set_current(app)
    try:
        yield
    finally:
        applications.set_current(before)


def itself(app: "Sedano") -> "Sedano":
    """The application itself, also for ``current_app``, which would stand for another one meanwhile."""
    find = getattr(type(app), "_get_current_object", None)
    return app if find is None else cast("Sedano", find(app))
