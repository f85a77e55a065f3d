"""One call of a task, to be made later: its name, arguments and options.

Made by ``Task.s`` and ``signature()``; read from messages. A dictionary in Celery's form, so every serializer
can write it. The shapes (chain, group, chord, maps) are subclasses, and register themselves here.
"""

import builtins
import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeAlias, TypeVar

from sedano.canvas import stamps
from sedano.canvas.freezing import Naming, Place, Result
from sedano.canvas.option_copies import as_list, given
from sedano.canvas.plan import Call, Planning
from sedano.canvas.sender import Runnable, Sender
from sedano.canvas.signature_dict import SignatureDict
from sedano.errors import ConfigurationError
from sedano.loops import steps
from sedano.loops.steps import Steps
from sedano.results.async_result import AsyncResult

if TYPE_CHECKING:
    from sedano.canvas.stamping import StampingVisitor

R = TypeVar("R")

#: What a signature was published as: what its caller gets, and what begins at once.
Published: TypeAlias = "tuple[Result | None, Result | None]"


class Signature(SignatureDict, Generic[R]):
    """A call of a task: ``add.s(2, 2)``, ``signature("proj.add", args=(2, 2), countdown=10)``.

    >>> call = Signature("proj.add", args=(2,), countdown=10)
    >>> call, call.options
    (proj.add(2), {'countdown': 10})
    """

    #: The shapes, by what they write as ``subtask_type``.
    TYPES: ClassVar[dict[str, "builtins.type[Signature[Any]]"]] = {}

    @classmethod
    def register_type(cls, name: str | None = None) -> "Callable[[builtins.type[S]], builtins.type[S]]":
        """Makes a class the one of signatures whose ``subtask_type`` is this name, or the class's own."""

        def register(shape: "builtins.type[S]") -> "builtins.type[S]":
            cls.TYPES[name or shape.__name__] = shape
            return shape

        return register

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Sender | None = None) -> "Signature[Any]":
        """The signature that a dictionary in Celery's form stands for."""
        kind = d.get("subtask_type")
        if not kind:
            return Signature(d, app=app)
        if kind not in cls.TYPES:
            raise ConfigurationError(f"subtask_type: expected one of {sorted(cls.TYPES)}, got {kind!r}")
        shape = cls.TYPES[kind]
        return cls(d, app=app) if shape is cls else shape.from_dict(d, app=app)

    # -- publishing

    def delay(self, *args: Any, **kwargs: Any) -> Any:
        """Publish it, with these arguments put before its own."""
        return self.apply_async(args, kwargs)

    def apply_async(self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Publish it.

        Args:
            args: Put before its own arguments, unless it is immutable.
            kwargs: Laid over its own, unless it is immutable.
            options: As for ``Task.apply_async``; laid over its own.
        """
        args, kwargs, options = self._merge(args, kwargs, given(options))
        task = self._known_task()
        if task is not None:
            return task.apply_async(args, kwargs, **options)
        return self.app.send_task(self.task, args, kwargs, **options)

    def apply(self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Run it here and now, and wait for it. Arguments as for ``apply_async``."""
        args, kwargs, options = self._merge(args, kwargs, given(options))
        return self.type.apply(args, kwargs, **options)

    async def adelay(self, *args: Any, **kwargs: Any) -> Any:
        """``delay`` for coroutines."""
        return await self.aapply_async(args, kwargs)

    async def aapply_async(
        self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        """``apply_async`` for coroutines: what it publishes is sent without blocking their event loop."""
        if self.app.settings.tasks.always_eager:
            return await self._arun_eagerly(args, kwargs, options)
        return await self.app.publish_from_loop(lambda: self.apply_async(args, kwargs, **options))

    async def aapply(self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """``apply`` for coroutines: coroutine tasks run on this event loop, the others in threads."""
        return await steps.run_on_loop(self._eager_steps(args, kwargs, **options))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the task's function, here and now, as if it were no task."""
        args, kwargs, _ = self._merge(args, kwargs)
        return self.type(*args, **kwargs)

    def __invert__(self) -> R:
        """Publish it, and wait for what it returns: ``~add.s(2, 2)``."""
        result: R = self.apply_async().get()
        return result

    # -- copies and changes

    def clone(self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> Self:
        """A copy, with more arguments and options, laid over as in ``apply_async``."""
        clone = self._copy()
        if args or kwargs or options:
            clone.args, clone.kwargs, clone.options = clone._merge(args, kwargs, options)
        return clone

    partial = clone

    def replace(
        self, args: Any = None, kwargs: dict[str, Any] | None = None, options: dict[str, Any] | None = None
    ) -> Self:
        """A copy with other arguments, or other options, instead of these. None keeps what is there."""
        clone = self._copy()
        if args is not None:
            clone.args = args
        if kwargs is not None:
            clone.kwargs = kwargs
        if options is not None:
            clone.options = options
        return clone

    def set(self, immutable: bool | None = None, **options: Any) -> Self:
        """Set options; returns itself."""
        if immutable is not None:
            self.set_immutable(immutable)
        self.options.update(options)
        return self

    def set_immutable(self, immutable: bool) -> None:
        """Whether it takes no further arguments."""
        self.immutable = immutable

    def freeze(
        self,
        _id: str | None = None,
        group_id: str | None = None,
        chord: "Signature[Any] | None" = None,
        root_id: str | None = None,
        parent_id: str | None = None,
        group_index: int | None = None,
    ) -> Any:
        """Give it an id, unless it has one; the result that it will have. Publish it once only after that."""
        return self._freeze_in(Place(_id, group_id, chord, root_id, parent_id, group_index), Naming())

    # -- callbacks

    def link(self, callback: "Signature[Any]") -> "Signature[Any]":
        """Publish ``callback`` with the result when this has succeeded. Returns ``callback``."""
        return self.append_to_list_option("link", callback)

    def link_error(self, errback: "Signature[Any]") -> Any:
        """Call ``errback`` when this has failed. Returns ``errback``."""
        return self.append_to_list_option("link_error", errback)

    def on_error(self, errback: "Signature[Any]") -> Self:
        """``link_error`` that returns this signature."""
        self.link_error(errback)
        return self

    def append_to_list_option(self, key: str, value: "Signature[Any]") -> "Signature[Any]":
        """Add a callback, unless it is there already."""
        values = self.options[key] = as_list(self.options.get(key))
        if value not in values:
            values.append(value)
        return value

    def extend_list_option(self, key: str, value: Any) -> None:
        """Add one callback or several, whatever is there already."""
        self.options[key] = [*as_list(self.options.get(key)), *as_list(value)]

    def flatten_links(self) -> "list[Signature[Any]]":
        """This and its callbacks, and theirs."""
        links = [maybe_signature(link, app=self._app) for link in as_list(self.options.get("link"))]
        return [self, *(each for link in links for each in link.flatten_links())]

    # -- stamps

    def stamp(
        self, visitor: "StampingVisitor | None" = None, append_stamps: bool = False, **headers: Any
    ) -> Any:
        """Put stamps on it and on its callbacks: headers of the message, to find it by.

        Args:
            visitor: Says which stamps each part gets.
            append_stamps: Where there is such a stamp already, keep both.
            headers: Stamps for all parts.
        """
        self.stamp_links(visitor, append_stamps, **headers)
        more = (visitor.on_signature(self, **headers) or {}) if visitor is not None else None
        return self.set(**stamps.merged(headers, more, append=append_stamps, own=self.options))

    def stamp_links(
        self, visitor: "StampingVisitor | None" = None, append_stamps: bool = False, **headers: Any
    ) -> None:
        """Put stamps on its callbacks only."""
        for key in ("link", "link_error"):
            links = as_list(self.options.get(key))
            collected = dict(headers)
            for place, link in enumerate(links):
                links[place] = link = maybe_signature(link, app=self._app)
                more = None
                if visitor is not None:
                    told = visitor.on_callback if key == "link" else visitor.on_errback
                    more = told(link, **collected) or {}
                collected = stamps.merged(collected, more, append=append_stamps)
                link.stamp(visitor, append_stamps, **collected)
            if links:
                self.options[key] = links

    # -- operators

    def __or__(self, other: Any) -> "Signature[Any]":  # type: ignore[override]
        """This, and then the other: ``add.s(2, 2) | mul.s(8)``."""
        if not isinstance(other, Signature):
            return NotImplemented
        return self.TYPES["chain"]([self, *other._as_steps()], app=self._app)

    if TYPE_CHECKING:
        # For `signature | group`: type checkers would take the dictionary's own, as a group is a subclass.
        def __ror__(self, other: Any) -> "Signature[Any]": ...  # type: ignore[override]

    def __ior__(self, other: Any) -> "Signature[Any]":  # type: ignore[override]
        return self.__or__(other)

    # -- where it belongs

    def AsyncResult(self, task_id: str) -> AsyncResult[R]:
        """The result of a call of this task, by its id."""
        task = self._found_task()
        if task is not None and task.has_own_results:
            own: AsyncResult[R] = task.AsyncResult(task_id)
            return own
        return AsyncResult(task_id, app=self._app)

    # -- shown and copied

    def __reduce__(self) -> Any:
        # The shape is made anew from dictionaries: the task and the application are not in the pickle.
        return signature, (dict(self),)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Signature[Any]":
        return Signature.from_dict(copy.deepcopy(dict(self), memo), app=self._app)

    def __json__(self) -> dict[str, Any]:
        return dict(self)

    # -- for the shapes

    async def _arun_eagerly(
        self, args: Any, kwargs: Mapping[str, Any] | None, options: dict[str, Any]
    ) -> Any:
        """``aapply_async`` under ``task_always_eager``."""
        args, kwargs, options = self._merge(args, kwargs, given(options))
        task = self._known_task()
        if task is not None:
            return await task.aapply_async(args, kwargs, **options)
        return await self.app.asend_task(self.task, args, kwargs, **options)

    def _eager_steps(
        self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Steps[Any]:
        """``apply`` in steps, for an event loop as well."""
        args, kwargs, options = self._merge(args, kwargs, given(options))
        return self.type._eager_steps(args, kwargs, **options)

    def _freeze_in(self, place: Place, naming: Naming) -> Result:
        """Give it, and all in it, an id, and its place; the result that it will have."""
        options = self.options
        options.setdefault("task_id", place.id or naming.new_id())
        options.setdefault("reply_to", naming.reply_to)
        if place.root_id:
            options["root_id"] = place.root_id
        if place.parent_id:
            options["parent_id"] = place.parent_id
        if place.group_id:
            options.setdefault("group_id", place.group_id)
        if place.chord is not None:
            options["chord"] = place.chord
        if place.group_index is not None:
            options["group_index"] = place.group_index
        return self._result()

    def _publish_in(
        self, planning: Planning, args: tuple[Any, ...], kwargs: dict[str, Any], options: dict[str, Any]
    ) -> Published:
        """Add what starts it to a plan. It is a copy of the plan's own."""
        args, kwargs, options = self._merge(args, kwargs, options)
        options = given(options)
        self.options["task_id"] = options.setdefault("task_id", planning.new_id())
        planning.calls.append(Call(self.task, tuple(args), kwargs, options))
        result = self._result(options)
        return result, result

    def _result(self, options: Mapping[str, Any] | None = None) -> Result:
        options = self.options if options is None else options
        result = self.AsyncResult(options["task_id"])
        ignored = options.get("ignore_result")
        if ignored is None:
            task = self._found_task()
            ignored = task is not None and task.ignore_result
        result.ignored = bool(ignored)
        return result

    def _found_task(self) -> Runnable | None:
        """The task, unless only the current application might know it."""
        return None if self._app is None and self._type is None else self._known_task()

    def _as_steps(self) -> "list[Signature[Any]]":
        """What it is after a ``|``."""
        return [self]

    def _as_step(self) -> "Signature[Any]":
        """What is published of it within a shape."""
        return self

    def _spread_out(self) -> None:
        """Shorten what would be in the messages of a chord's members, whose body this is."""

    def _is_empty(self) -> bool:
        """Whether it publishes nothing."""
        return False

    def _members_for_chord(self) -> int:
        """How many ends it tells to a chord whose header it belongs to."""
        return 1


S = TypeVar("S", bound=Signature[Any])


def signature(varies: Any, *args: Any, **kwargs: Any) -> Signature[Any]:
    """Make a signature: of a task, of the name of one, from a dictionary, or a copy of another.

    >>> signature("proj.add", args=(2, 2))
    proj.add(2, 2)
    """
    if isinstance(varies, Signature):
        return varies.clone()
    if isinstance(varies, Mapping):
        return Signature.from_dict(varies, app=kwargs.get("app"))
    return Signature(varies, *args, **kwargs)


subtask = signature


def maybe_signature(d: Any, app: Sender | None = None, clone: bool = False) -> Any:
    """A signature from a dictionary, or itself; None from None.

    Args:
        d: The dictionary or signature.
        app: The application it belongs to from now on.
        clone: Clone what is a signature already.
    """
    if d is None:
        return None
    if not isinstance(d, Signature):
        return Signature.from_dict(d, app=app)
    if clone:
        d = d.clone()
    if app is not None:
        d._app = app
    return d


maybe_subtask = maybe_signature
