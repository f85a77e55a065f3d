"""Signatures that are published together, and one that follows with all their results.

Made by users, and by ``group | task``. The store is told of a chord by whoever carries out the plan.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sedano.canvas import call_text, stamps
from sedano.canvas.entry import Entry
from sedano.canvas.freezing import Naming, Place, Result, put_after
from sedano.canvas.groups import group, members_from
from sedano.canvas.option_copies import LOCAL, as_list, given
from sedano.canvas.plan import ChordStart, Planning, plan
from sedano.canvas.sender import Sender
from sedano.canvas.signature import Published, Signature, maybe_signature
from sedano.errors import ConfigurationError
from sedano.loops import steps
from sedano.loops.steps import Steps
from sedano.results.group_result import GroupResult

if TYPE_CHECKING:
    from sedano.canvas.stamping import StampingVisitor

#: When the header starts; the body starts when it is done.
_DELAYS: Final[tuple[str, ...]] = ("countdown", "eta")
#: How Celery's clients may ask for a chord to be looked at again and again; ours is told when it is complete.
_OF_POLLING: Final = frozenset({"interval", "max_retries", "eager", "propagate"})
#: What is the header's group's own, or the body's alone.
_NOT_FOR_MEMBERS: Final = ("task_id", "group_id", "group_index", "chain", "chord")


@Signature.register_type("chord")
class chord(Signature[Any]):
    """A header, and a body that gets the list of its results: ``chord(header, body)``.

    The body may also be given later: ``chord(header)(body)``.

    Published, it gives the body's ``AsyncResult``, whose parent is the header's ``GroupResult``.
    """

    #: The header: a list, or a group once it has been frozen.
    tasks: Entry[Any] = Entry("header", "kwargs")
    body: Entry[Any] = Entry("body", "kwargs")

    def __init__(
        self,
        header: Any,
        body: Any = None,
        task: str = "celery.chord",
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        app: Sender | None = None,
        **options: Any,
    ) -> None:
        """
        Args:
            header: An iterable of signatures, or a group.
            body: What follows; it can also be given when the chord is called.
            task: Celery's name of a chord.
            args: Put before the members' arguments.
            kwargs: ``kwargs`` in it is laid over the members' arguments.
            app: The application.
            options: For header and body.
        """
        options["subtask_type"] = "chord"
        entries = {**(kwargs or {"kwargs": {}}), "header": _header(header, app)}
        super().__init__(task, args, {**entries, "body": maybe_signature(body, app=app)}, app=app, **options)

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Sender | None = None) -> "chord":
        """The chord that a dictionary in Celery's form stands for."""
        kwargs = {"kwargs": {}, **d["kwargs"]}
        header, body = kwargs.pop("header", ()), kwargs.pop("body", None)
        names = d.keys() & {"task", "args", "options", "immutable"}
        return cls(header, body, kwargs=kwargs, app=app, **{name: d[name] for name in names})

    def __call__(self, body: Any = None, **options: Any) -> Any:
        """Publish it, with this body."""
        return self.apply_async((), {"body": body} if body is not None else {}, **options)

    def apply_async(self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Publish the header; the body follows when all of it has succeeded.

        Args:
            args: Put before the members' arguments.
            kwargs: Laid over the members' arguments; ``body`` in it is the body.
            options: For header and body; ``countdown`` and ``eta`` for the header, ``link``, ``link_error``
                and ``task_id`` for the body.
        """
        app = self.app
        if app.settings.tasks.always_eager:
            return self.apply(args, kwargs, **options)
        planned = plan(self, args, kwargs, **options)
        app.publish_plan(planned, options)
        return planned.result

    def apply(
        self,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        propagate: bool = True,
        body: Any = None,
        **options: Any,
    ) -> Any:
        """Run the header and then the body, here and now.

        Args:
            args: Put before the members' arguments.
            kwargs: Laid over the members' arguments; ``body`` in it is the body.
            propagate: Raise what a member raises.
            body: The body, instead of the chord's own.
            options: ``task_id``, ``link`` and ``link_error`` are the body's.
        """
        return steps.run(self._eager_steps(args, kwargs, propagate, body, **options))

    async def _arun_eagerly(
        self, args: Any, kwargs: Mapping[str, Any] | None, options: dict[str, Any]
    ) -> Any:
        return await steps.run_on_loop(self._eager_steps(args, kwargs, **options))

    def _eager_steps(
        self,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        propagate: bool = True,
        body: Any = None,
        **options: Any,
    ) -> Steps[Any]:
        own = self._copy()
        named = dict(kwargs or {})
        chosen = own._chosen_body(named.pop("body", None) if body is None else body)
        merged = {**own.options, **given(options)}
        own._link_to_body(chosen, merged)
        header = yield from group(own._members(), app=own._app)._eager_steps(
            (*(args or ()), *own.args), own._for_members(named)
        )
        values = header.get(propagate=propagate, disable_sync_subtasks=False)
        of_body = {name: merged[name] for name in ("task_id", "root_id", "chain") if name in merged}
        result = yield from chosen._eager_steps((values,), **of_body)
        put_after(result, header)
        return result

    def link(self, callback: Signature[Any]) -> Signature[Any]:
        """Publish ``callback`` when the body has succeeded."""
        self.body.link(callback)
        return callback

    def link_error(self, errback: Signature[Any]) -> Signature[Any]:
        """Call ``errback`` when the chord fails.

        With ``task_allow_error_cb_on_chord_header`` for each member that fails, too.
        """
        errback = maybe_signature(errback)
        app = self._found_app() or (self.app if self.__class__.find_app is not None else None)
        everywhere = app is not None and app.settings.tasks.allow_error_cb_on_chord_header
        for task in self._members():
            if everywhere:
                task.link_error(errback.clone(immutable=True))
            if isinstance(task, chord) and not isinstance(self.tasks, group):
                # Of a header that has been frozen, the chords are left alone: their failure fails this one.
                task.link_error(errback)
        if self.body is not None:
            self.body.link_error(errback)
        return errback

    def set_immutable(self, immutable: bool) -> None:
        """Whether the members of the header take no further arguments."""
        for task in self._members():
            task.set_immutable(immutable)

    def stamp(
        self, visitor: "StampingVisitor | None" = None, append_stamps: bool = False, **headers: Any
    ) -> "chord":
        """Put stamps on header and body; see ``Signature.stamp``."""
        more = (visitor.on_chord_header_start(self, **headers) or {}) if visitor is not None else None
        handed_down = stamps.merged(headers, more, append=append_stamps, own=self.options)
        self.stamp_links(visitor, append_stamps, **handed_down)
        for task in self._members():
            task.stamp(visitor, append_stamps, **handed_down)
        if visitor is not None:
            visitor.on_chord_header_end(self, **handed_down)
        if self.body is not None:
            if visitor is not None:
                more = visitor.on_chord_body(self, **handed_down) or {}
                handed_down = stamps.merged(handed_down, more, append=append_stamps, own=self.options)
            self.body.stamp(visitor, append_stamps, **handed_down)
        return self

    def __or__(self, other: Any) -> Signature[Any]:  # type: ignore[override]
        """The other follows the body."""
        if not isinstance(other, Signature):
            return NotImplemented
        alone = isinstance(other, group) and len(other.tasks) == 1
        if alone or not (isinstance(other, group) or other.subtask_type == "chain"):
            new = self._copy()
            new.body = new.body | other._as_steps()[0]
            return new
        return super().__or__(other)

    def __length_hint__(self) -> int:
        return sum(task._as_step()._members_for_chord() for task in self._members())

    def __repr__(self) -> str:
        if self.body is None:
            return f"<chord without body: {self.tasks!r}>"
        first, *rest = getattr(self.body, "tasks", None) or [self.body]
        if self.body.subtask_type != "chain" or not rest:
            return "%" + call_text.without_repetition(self.body.task, self.body.reprcall(self.tasks))
        following = " | ".join(map(repr, rest))
        return call_text.without_repetition(first.task, f"%({first.reprcall(self.tasks)} | {following})")

    # -- for the shapes

    def _members(self) -> list[Signature[Any]]:
        members: list[Signature[Any]] = self.tasks.tasks if isinstance(self.tasks, group) else self.tasks
        return members

    def _copy(self) -> "chord":
        new = super()._copy()
        header = self.tasks
        new.tasks = header._copy() if isinstance(header, group) else [task._copy() for task in header]
        new.body = self.body._copy() if self.body is not None else None
        return new

    def _freeze_in(self, place: Place, naming: Naming) -> Result:
        body = self.body = self._chosen_body(None)
        if not isinstance(self.tasks, group):
            self.tasks = group(self.tasks, app=self._app)
            if self.id is not None:
                self.tasks.id = self.id
        header = self.tasks._freeze_in(Place(root_id=place.root_id, parent_id=place.parent_id), naming)
        self.id = header.id
        result = body._freeze_in(place._replace(parent_id=None), naming)
        put_after(result, header)
        return result

    def _publish_in(
        self, planning: Planning, args: tuple[Any, ...], kwargs: dict[str, Any], options: dict[str, Any]
    ) -> Published:
        own_id = self.tasks.id if isinstance(self.tasks, group) else self.id
        group_id = own_id or planning.new_id()
        body = self._chosen_body(kwargs.pop("body", None))
        merged = {**given(self.options), **options}
        for name in _OF_POLLING & merged.keys():
            del merged[name]
        delays = {name: merged.pop(name) for name in _DELAYS if name in merged}
        self._link_to_body(body, merged)
        body_id = merged.pop("task_id", None)
        body.options.update({n: v for n, v in merged.items() if n != "parent_id" and n not in LOCAL})
        root_id = body.root_id
        body._spread_out()
        result = body._freeze_in(Place(body_id, group_id, root_id=root_id), planning)

        members = group(self._members())._flat()
        place = Place(None, group_id, body, root_id)
        results = [
            member._freeze_in(place._replace(group_index=index), planning)
            for index, member in enumerate(members)
        ]
        header = GroupResult(group_id, results, app=self._found_app())
        # The last of a body that is a chain, too: as in Celery, who has the result has the header.
        result.parent = header
        if not members:
            _, started = body._publish_in(planning, ([],), {}, {})
            return result, started
        planning.chords.append(ChordStart(group_id, sum(member._members_for_chord() for member in members)))
        if any(isinstance(each, GroupResult) for each in results):
            planning.groups[group_id] = header.as_tuple()
        handed_down = self._options_of_header()
        handed_down.update({name: value for name, value in merged.items() if name not in _NOT_FOR_MEMBERS})
        handed_down.update(delays, group_id=group_id, chord=body)
        args, kwargs = (*args, *self.args), self._for_members(kwargs)
        for member in members:
            member._publish_in(planning, args, kwargs, handed_down)
        return result, header

    def _chosen_body(self, body: Any) -> Signature[Any]:
        if body is None:
            body = self.body
        else:
            body = maybe_signature(body, app=self._app, clone=True)
        if body is None:
            raise ConfigurationError(f"{self!r}: a chord needs a body. Call it: chord(header)(body).")
        step: Signature[Any] = body._as_step()
        return step

    def _for_members(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.kwargs.get("kwargs", {}), **kwargs}

    def _options_of_header(self) -> dict[str, Any]:
        if not isinstance(self.tasks, group):
            return {}
        options = given(self.tasks.options)
        return {name: value for name, value in options.items() if name not in _NOT_FOR_MEMBERS}

    def _link_to_body(self, body: Signature[Any], options: dict[str, Any]) -> None:
        """Move the chord's callbacks to its body."""
        for callback in as_list(options.pop("link", None)):
            if body._is_empty():
                body.append_to_list_option("link", callback)
            else:
                body.link(maybe_signature(callback, clone=True))
        for errback in as_list(options.pop("link_error", None)):
            _link_error_to(body, maybe_signature(errback))

    def _found_app(self) -> Sender | None:
        if self._app is not None:
            return self._app
        members = self._members()
        found = members[0]._found_app() if members else None
        return self.body._found_app() if found is None and self.body is not None else found

    def _members_for_chord(self) -> int:
        body: Signature[Any] | None = self.body
        return body._as_step()._members_for_chord() if body is not None else 0


def _header(header: Any, app: Sender | None) -> list[Signature[Any]]:
    """The members of what is given as a header."""
    if isinstance(header, Mapping) and not isinstance(header, Signature):
        header = maybe_signature(header, app=app)
    if not isinstance(header, Signature):
        # As in Celery, a header may have tasks themselves for members; a group may not.
        named = (task.s() if hasattr(task, "s") else task for task in header)
        return [task.clone() for task in members_from(named, app)]
    return list(header.tasks) if header.subtask_type in ("group", "chain") else [header]  # type: ignore[attr-defined]


def _link_error_to(body: Signature[Any], errback: Signature[Any]) -> None:
    """Link an errback to the body of a chord."""
    if isinstance(body, group):
        _link_error_to_member(body, errback, published=True)
    else:
        body.append_to_list_option("link_error", errback)


def _link_error_to_member(
    member: Signature[Any], errback: Signature[Any], *, published: bool = False
) -> None:
    """Link an errback to what is in a body that is a group.

    The options of a group that is ``published`` as one replace its members': its errbacks would theirs.
    """
    if isinstance(member, group):
        if published and member.options.get("link_error") is not None:
            member.append_to_list_option("link_error", errback.clone())
            return
        for task in member.tasks:
            _link_error_to_member(task, errback)
    elif isinstance(member, chord):
        _link_error_to_member(member.body, errback, published=True)
    else:
        member.link_error(errback.clone())
