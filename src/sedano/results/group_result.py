"""The results of a group: a set of results with an id, that can be saved under it.

Made when a group is published, by ``app.GroupResult``, and from a result's tuple.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from sedano.errors import ConfigurationError
from sedano.results import celery_meta
from sedano.results.result_base import ResultBase, ResultTuple
from sedano.results.result_set import ResultSet
from sedano.results.result_source import ResultSource
from sedano.results.result_tuple import read_result
from sedano.results.store import ResultStore


class GroupResult(ResultSet):
    """The results of a group's members, in their order.

    >>> from sedano import AsyncResult
    >>> group = GroupResult("g", [AsyncResult("1"), AsyncResult("2")])
    >>> group.as_tuple()
    (('g', None), [(('1', None), None), (('2', None), None)])
    """

    #: The application of ``app.GroupResult``; None where the class was found elsewhere.
    bound_app: ClassVar[ResultSource | None] = None

    def __init__(
        self,
        id: str | None = None,
        results: Iterable[ResultBase] | None = None,
        parent: ResultBase | None = None,
        app: ResultSource | None = None,
        ready_barrier: None = None,
    ) -> None:
        """
        Args:
            id: The group's id.
            results: The results of its members.
            parent: The result of what went before.
            app: The application; None means that of the first member.
            ready_barrier: Accepted for Celery's sake.
        """
        super().__init__(results, app or self.bound_app)
        self.id = id
        self.parent = parent

    def save(self, backend: ResultStore | None = None) -> "GroupResult":
        """Store the ids of the members, so that ``restore`` finds them; as long as results are kept."""
        source = self.app
        lifetime = source.settings.results.expires
        (backend or self.backend).groups.save(
            self._saved_id(),
            celery_meta.encode_group(self, source.settings.results),
            expires_at=None if lifetime is None else source.clock.timestamp() + lifetime.total_seconds(),
        )
        return self

    def delete(self, backend: ResultStore | None = None) -> None:
        """Undo ``save``. The results of the members stay."""
        (backend or self.backend).groups.forget(self._saved_id())

    @classmethod
    def restore(
        cls, id: str, backend: ResultStore | None = None, app: ResultSource | None = None
    ) -> ResultBase | None:
        """The group that was saved under this id; None if there is none, or it has expired.

        Args:
            id: The group's id.
            backend: The result store to ask; None means the application's.
            app: The application; None means the class's own, or the current one.
        """
        source = app or cls.bound_app or cls(id).app
        store = backend or cls(id, app=source).backend
        document = store.groups.get(id)
        if document is None:
            return None
        written = celery_meta.decode_group(id, document, serializer=source.settings.results.serializer)
        return read_result(written, source)

    def _saved_id(self) -> str:
        if not self.id:
            raise ConfigurationError("A GroupResult without an id cannot be saved.")
        return self.id

    def _as_tuple(self, parent: ResultTuple | None) -> ResultTuple:
        return (self.id, parent), [member.as_tuple() for member in self.results]

    def __bool__(self) -> bool:
        return bool(self.id or self.results)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, GroupResult):
            return (self.id, self.results, self.parent) == (other.id, other.results, other.parent)
        return self.id == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        return str(self.id)

    def __repr__(self) -> str:
        members = ", ".join(str(getattr(member, "id", member)) for member in self.results)
        return f"<{type(self).__name__}: {self.id} [{members}]>"

    def __reduce__(self) -> Any:
        # The application is found anew where the result is unpickled.
        return GroupResult, (self.id, self.results, self.parent)


def bound_to(app: ResultSource) -> type[GroupResult]:
    """The class whose groups, and whose ``restore``, belong to an application."""
    return type("GroupResult", (GroupResult,), {"bound_app": app, "__module__": __name__})
