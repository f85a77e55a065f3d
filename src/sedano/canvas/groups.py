"""Several signatures, published together.

Made by users, and by ``|``. Knows of other shapes only what every signature can do.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sedano.canvas import call_text, stamps
from sedano.canvas.entry import Entry
from sedano.canvas.freezing import Naming, Place, Result
from sedano.canvas.option_copies import given
from sedano.canvas.plan import Planning, plan
from sedano.canvas.sender import Sender
from sedano.canvas.signature import Published, Signature, maybe_signature
from sedano.loops import steps
from sedano.loops.steps import Steps
from sedano.results.group_result import GroupResult

if TYPE_CHECKING:
    from sedano.canvas.stamping import StampingVisitor


@Signature.register_type("group")
class group(Signature[Any]):
    """Signatures that run side by side: ``group(add.s(i, i) for i in range(10))``.

    Called, or published, it gives a ``GroupResult``. Options set on it are its members'.
    """

    tasks: Entry[list[Signature[Any]]] = Entry("tasks", "kwargs")

    def __init__(self, *tasks: Any, **options: Any) -> None:
        """
        Args:
            tasks: The signatures; or one iterable of them, which is read here; or another group.
            options: For all members.
        """
        app = options.get("app")
        super().__init__("celery.group", (), {"tasks": _members(tasks, app)}, subtask_type="group", **options)

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Sender | None = None) -> "group":
        """The group that a dictionary in Celery's form stands for."""
        new = cls(list(d["kwargs"].get("tasks") or ()), app=app, **d.get("options", {}))
        new.args = d.get("args", ())
        new.immutable = d.get("immutable", False)
        return new

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Publish it, with these arguments put before its members'."""
        return self.apply_async(args, **options)

    def apply_async(
        self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> GroupResult:
        """Publish all members. Arguments and options are for each of them.

        Raises:
            TypeError: callbacks cannot be given to a group: use a chord, or link them to the members.
        """
        _refuse_callbacks(options)
        app = self.app
        if app.settings.tasks.always_eager:
            return self.apply(args, kwargs, **options)
        planned = plan(self, args, kwargs, **options)
        app.publish_plan(planned, options)
        assert isinstance(planned.result, GroupResult)
        return planned.result

    def apply(self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> GroupResult:
        """Run all members here and now, one after the other."""
        return steps.run(self._eager_steps(args, kwargs, **options))

    async def _arun_eagerly(
        self, args: Any, kwargs: Mapping[str, Any] | None, options: dict[str, Any]
    ) -> GroupResult:
        _refuse_callbacks(options)
        return await steps.run_on_loop(self._eager_steps(args, kwargs, **options))

    def _eager_steps(
        self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Steps[GroupResult]:
        own = self._copy()
        merged = {**own.options, **given(options)}
        group_id = merged.pop("task_id", None) or Naming().new_id()
        args = (*(args or ()), *own.args)
        results: list[Result] = []
        for index, member in enumerate(own._flat()):
            place = {"group_id": group_id, "group_index": index}
            results.append((yield from member._eager_steps(args, kwargs, **{**merged, **place})))
        return GroupResult(group_id, results, app=self._found_app())

    def set_immutable(self, immutable: bool) -> None:
        """Whether its members take no further arguments."""
        for task in self.tasks:
            task.set_immutable(immutable)

    def skew(self, start: float = 1.0, stop: float | None = None, step: float = 1.0) -> "group":
        """Let its members start one after the other: set their countdowns, in seconds."""
        for index, task in enumerate(self.tasks):
            countdown = start + index * step
            task.set(countdown=countdown if stop is None else min(countdown, stop))
        return self

    def link(self, sig: Signature[Any]) -> Signature[Any]:
        """Publish ``sig`` when the first member has succeeded, without its result."""
        return self.tasks[0].link(sig.clone().set(immutable=True))

    def link_error(self, sig: Signature[Any]) -> tuple[Any, ...]:
        """Call ``sig`` for each member that fails. Returns the clones that were linked."""
        errback = maybe_signature(sig)
        return tuple(task.link_error(errback.clone()) for task in self.tasks)

    def stamp(
        self, visitor: "StampingVisitor | None" = None, append_stamps: bool = False, **headers: Any
    ) -> "group":
        """Put stamps on all members; see ``Signature.stamp``."""
        more = (visitor.on_group_start(self, **headers) or {}) if visitor is not None else None
        handed_down = stamps.merged(headers, more, append=append_stamps, own=self.options)
        self.stamp_links(visitor, append_stamps, **handed_down)
        for task in self.tasks:
            task.stamp(visitor, append_stamps, **handed_down)
        if visitor is not None:
            visitor.on_group_end(self, **handed_down)
        return self

    def __or__(self, other: Any) -> Signature[Any]:  # type: ignore[override]
        """A chord: the other follows when all members have succeeded, and gets their results."""
        if not isinstance(other, Signature):
            return NotImplemented
        if isinstance(other, group) and not other.tasks:
            return self
        return self.TYPES["chord"](self, body=other, app=self._app)

    def __len__(self) -> int:
        return len(self.tasks)

    def __repr__(self) -> str:
        if not self.tasks:
            return "group(<empty>)"
        return call_text.without_repetition(self.tasks[0].task, f"group({self.tasks!r})")

    # -- for the shapes

    def _copy(self) -> "group":
        new = super()._copy()
        new.tasks = [task._copy() for task in self.tasks]
        return new

    def _flat(self) -> list[Signature[Any]]:
        """Its members, with those of the groups in it; without what is empty."""
        flat: list[Signature[Any]] = []
        waiting = self.tasks[::-1]
        while waiting:
            member = waiting.pop()._as_step()
            if isinstance(member, group):
                waiting += member.tasks[::-1]
            elif not member._is_empty():
                flat.append(member)
        return flat

    def _freeze_in(self, place: Place, naming: Naming) -> GroupResult:
        options = self.options
        group_id = options.setdefault("task_id", place.id or naming.new_id())
        # Where it is within a chord's header, that is its members' group. The chord's body is not put on each
        # of them: it is handed down when they are published.
        options.update(given(place._replace(id=None)._asdict()))
        root_id, parent_id = options.get("root_id"), options.get("parent_id")
        self.tasks = self._flat()
        results = [
            member._freeze_in(Place(None, place.group_id, None, root_id, parent_id, index), naming)
            for index, member in enumerate(self.tasks)
        ]
        return GroupResult(group_id, results, app=self._found_app())

    def _publish_in(
        self, planning: Planning, args: tuple[Any, ...], kwargs: dict[str, Any], options: dict[str, Any]
    ) -> Published:
        _, _, merged = Signature._merge(self, options=options)
        merged = given(merged)
        group_id = merged.pop("task_id", None) or planning.new_id()
        merged.pop("group_index", None)
        merged["group_id"] = group_id
        root_id = merged.get("root_id")
        args = (*args, *self.args)
        members = self._flat()
        results: list[Result] = []
        for index, member in enumerate(members):
            results.append(member._freeze_in(Place(None, group_id, None, root_id, None, index), planning))
            member._publish_in(planning, args, kwargs, merged)
        if len(results) == 1 and isinstance(results[0], GroupResult):
            # One chain that ends in a group: the caller wants the group's results.
            return results[0], results[0]
        result = GroupResult(group_id, results, app=self._found_app())
        return result, result

    def _found_app(self) -> Sender | None:
        if self._app is None and self.tasks:
            return self.tasks[0]._found_app()
        return self._app

    def _as_steps(self) -> list[Signature[Any]]:
        return list(self.tasks) if len(self.tasks) == 1 else [self]

    def _is_empty(self) -> bool:
        return not self.tasks

    def _members_for_chord(self) -> int:
        return sum(task._as_step()._members_for_chord() for task in self.tasks)


def _refuse_callbacks(options: Mapping[str, Any]) -> None:
    for name in ("link", "link_error"):
        if options.get(name) is not None:
            raise TypeError(f"{name}: a group has no callbacks. Use a chord, or link them to its members.")


def _members(tasks: tuple[Any, ...], app: Sender | None) -> list[Signature[Any]]:
    """What the arguments of a group stand for."""
    if len(tasks) != 1:
        return members_from(tasks, app)
    (only,) = tasks
    if isinstance(only, group):
        return list(only.tasks)
    if isinstance(only, Signature):
        return [only.clone()]
    return members_from([only] if isinstance(only, Mapping) else only, app)


def members_from(tasks: Iterable[Any], app: Sender | None) -> list[Signature[Any]]:
    """Signatures from an iterable of signatures and dictionaries."""
    members = []
    for task in tasks:
        if not isinstance(task, Mapping):
            raise TypeError(f"A group, chain or chord is made of signatures (add.s(2, 2)), got {task!r}")
        members.append(task if isinstance(task, Signature) else maybe_signature(task, app=app))
    return members
