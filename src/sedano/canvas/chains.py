"""Signatures that follow one another, each with the result of the one before.

Made by users, and by ``|``. The first step's message carries all the others.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from sedano.canvas import call_text, stamps
from sedano.canvas.chain_steps import after, append, lay_out
from sedano.canvas.chords import chord
from sedano.canvas.entry import Entry
from sedano.canvas.freezing import Naming, Place, Result, put_after
from sedano.canvas.groups import group, members_from
from sedano.canvas.option_copies import OF_CHAINS, as_list, given
from sedano.canvas.plan import Planning, plan
from sedano.canvas.sender import Sender
from sedano.canvas.signature import Published, Signature, maybe_signature
from sedano.errors import ConfigurationError
from sedano.loops import steps
from sedano.loops.steps import Steps
from sedano.results.eager_result import EagerResult

if TYPE_CHECKING:
    from sedano.canvas.stamping import StampingVisitor


@Signature.register_type("chain")
class chain(Signature[Any]):
    """Signatures one after the other: ``chain(add.s(2, 2), mul.s(8))``, ``add.s(2, 2) | mul.s(8)``.

    Called, or published, it gives the last step's result; that one's ``parent`` is the step before's. It is
    folded as ``|`` does it, so what it makes may be another shape.
    """

    tasks: Entry[list[Signature[Any]]] = Entry("tasks", "kwargs")

    def __new__(cls, *tasks: Any, **options: Any) -> Any:
        """
        Args:
            tasks: The signatures; or one iterable of them.
            options: Of the chain; with some, the steps are taken as they are.
        """
        several = len(tasks) > 1 or (len(tasks) == 1 and not isinstance(tasks[0], Mapping))
        if several and not options:
            return _fold(members_from(tasks if len(tasks) > 1 else tasks[0], None), cls)
        return super().__new__(cls)

    def __init__(self, *tasks: Any, **options: Any) -> None:
        if dict.__len__(self):
            return  # made by __new__
        options.pop("use_link", None)
        if len(tasks) == 1 and not isinstance(tasks[0], Mapping):
            tasks = tasks[0]
        steps = members_from(tasks, options.get("app"))
        super().__init__("celery.chain", (), {"tasks": steps}, subtask_type="chain", **options)

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Sender | None = None) -> Self:
        """The chain that a dictionary in Celery's form stands for."""
        new: Self = cls(list(d["kwargs"].get("tasks") or ()), app=app, **d.get("options", {}))
        new.args = d.get("args", ())
        new.immutable = d.get("immutable", False)
        return new

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Publish it, with these arguments put before its first step's."""
        return self.apply_async(args, kwargs)

    def apply_async(self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Publish the first step; each step is followed by the next one.

        Args:
            args: Put before the first step's arguments.
            kwargs: Laid over the first step's arguments.
            options: For the first step; but ``link`` and ``task_id`` are the last one's, and ``link_error``
                is linked to every step.

        Returns:
            The last step's result; None for an empty chain.
        """
        app = self.app
        if app.settings.tasks.always_eager:
            return self.apply(args, kwargs, **options)
        planned = plan(self, args, kwargs, **options)
        app.publish_plan(planned, options)
        return planned.result

    def apply(self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Run all steps here and now."""
        return steps.run(self._eager_steps(args, kwargs, **options))

    async def _arun_eagerly(
        self, args: Any, kwargs: Mapping[str, Any] | None, options: dict[str, Any]
    ) -> Any:
        return await steps.run_on_loop(self._eager_steps(args, kwargs, **options))

    def _eager_steps(
        self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Steps[Any]:
        own = self._copy()
        merged = {**own.options, **given(options)}
        links, task_id = as_list(merged.pop("link", None)), merged.pop("task_id", None)
        following = merged.pop("chain", None)
        parts = lay_out(own.tasks, unchain_bodies=False)
        for errback in as_list(merged.get("link_error")):
            for step in parts:
                step.link_error(maybe_signature(errback))
        merged = {n: value for n, value in merged.items() if n == "root_id" or n not in OF_CHAINS}
        last: Any = None
        arguments, named = (*(args or ()), *own.args), dict(kwargs or {})
        for step in parts:
            if step is parts[-1]:
                merged.update({"task_id": task_id} if task_id and step.id is None else {})
                merged.update({"chain": following} if following else {})
                if links:
                    step.options["link"] = [*as_list(step.options.get("link")), *links]
            result = yield from step._eager_steps(arguments, named, **merged)
            put_after(result, last)
            last, named = result, {}
            if isinstance(result, EagerResult) and result.state in ("IGNORED", "REJECTED"):
                break
            if step is not parts[-1]:
                arguments = (last.get(disable_sync_subtasks=False),)
        return last

    def unchain_tasks(self) -> list[Signature[Any]]:
        """Copies of its steps, with its callbacks linked to them."""
        return self._copy().own_steps()

    def own_steps(self) -> list[Signature[Any]]:
        """Its steps themselves, with its callbacks linked to them."""
        steps = self.tasks
        for callback in as_list(self.options.get("link")):
            steps[-1].link(callback)
        for errback in as_list(self.options.get("link_error")):
            for step in steps:
                step.link_error(errback)
        return steps

    def stamp(
        self, visitor: "StampingVisitor | None" = None, append_stamps: bool = False, **headers: Any
    ) -> "chain":
        """Put stamps on all steps; see ``Signature.stamp``."""
        more = (visitor.on_chain_start(self, **headers) or {}) if visitor is not None else None
        handed_down = stamps.merged(headers, more, append=append_stamps, own=self.options)
        self.stamp_links(visitor, append_stamps, **handed_down)
        for task in self.tasks:
            task.stamp(visitor, append_stamps, **handed_down)
        if visitor is not None:
            visitor.on_chain_end(self, **handed_down)
        return self

    def __or__(self, other: Any) -> Signature[Any]:  # type: ignore[override]
        """This chain, and then the other."""
        if not isinstance(other, Signature):
            return NotImplemented
        if isinstance(other, group) and other._is_empty():
            return self
        steps = self.unchain_tasks()
        if not steps and isinstance(other, group) and len(other.tasks) > 1:
            return other
        append(steps, other, clone=False)
        return type(self)(steps, app=self._app)

    def __repr__(self) -> str:
        if not self.tasks:
            return f"<{type(self).__name__}@{id(self):#x}: empty>"
        return call_text.without_repetition(self.tasks[0].task, " | ".join(map(repr, self.tasks)))

    # -- for the shapes

    def _copy(self) -> Self:
        new = super()._copy()
        new.tasks = [task._copy() for task in self.tasks]
        return new

    def _freeze_in(self, place: Place, naming: Naming) -> Result:
        steps = self.tasks = lay_out(self._each_once(), unchain_bodies=False)
        if not steps:
            raise ConfigurationError("An empty chain has no result: give it steps, or leave it out.")
        results = _frozen(steps, place, naming)
        self.id = results[-1].id
        return results[-1]

    def _publish_in(
        self, planning: Planning, args: tuple[Any, ...], kwargs: dict[str, Any], options: dict[str, Any]
    ) -> Published:
        merged = {**given(self.options), **options}
        steps = lay_out(self.tasks, unchain_bodies=True)
        if not steps:
            return None, None
        own = {name: merged.pop(name) for name in OF_CHAINS & merged.keys()}
        place = Place(own.get("task_id"), own.get("group_id"), own.get("chord"), own.get("root_id"))
        results = _frozen(steps, place._replace(group_index=own.get("group_index")), planning)
        for errback in as_list(own.get("link_error")):
            for step in steps:
                step.link_error(maybe_signature(errback))
        if "link" in own:
            last = steps[-1]
            last.options["link"] = [*as_list(last.options.get("link")), *as_list(own["link"])]

        first, *rest = steps
        following = [*as_list(merged.pop("chain", None)), *reversed(rest)]
        merged.update({"chain": following} if following else {})
        merged.update({name: own[name] for name in ("root_id", "parent_id") if name in own})
        taken = args if self.immutable else (*args, *self.args)
        result, started = first._publish_in(planning, taken, kwargs, merged)
        return (results[-1] if rest else result), started

    def _each_once(self) -> list[Signature[Any]]:
        """Its steps, of which each is to have an id of its own: a step that is there twice is copied."""
        seen: set[int] = set()
        for place, task in enumerate(self.tasks):
            if id(task) in seen:
                self.tasks[place] = task._copy()
            seen.add(id(task))
        return self.tasks

    def _found_app(self) -> Sender | None:
        if self._app is None and self.tasks:
            return self.tasks[0]._found_app()
        return self._app

    def _as_steps(self) -> list[Signature[Any]]:
        return self.unchain_tasks()

    def _spread_out(self) -> None:
        self.tasks = lay_out(self.tasks, unchain_bodies=True)

    def _is_empty(self) -> bool:
        return not self.tasks

    def _members_for_chord(self) -> int:
        # Its last step that is anything tells its end.
        for task in reversed(self.tasks):
            size: int = task._as_step()._members_for_chord()
            if size:
                return size
        return 0


def _frozen(steps: list[Signature[Any]], place: Place, naming: Naming) -> list[Result]:
    """Freeze the steps of a chain: the last one is in the chain's place."""
    results: list[Result] = []
    for step in steps:
        here = place if step is steps[-1] else Place(root_id=place.root_id)
        result = step._freeze_in(here, naming)
        if results:
            put_after(result, results[-1])
        results.append(result)
    return results


def _fold(tasks: Iterable[Signature[Any]], cls: type[chain]) -> Signature[Any]:
    """``chain(a, b, c)`` as ``a | b | c``, in one pass."""
    tasks = list(tasks)
    steps: list[Signature[Any]] = []
    if tasks and isinstance(tasks[0], group) and len(tasks[0].tasks) > 1:
        # An empty chain and a group are that group, and not a chain; what follows it makes a chord of it.
        whole, tasks = _fold_from_group(tasks[0], tasks[1:])
        if not isinstance(whole, chain):
            return whole
        steps = whole.tasks
    for task in tasks:
        append(steps, task, clone=task is not tasks[-1])
    return cls(steps, app=None)


def _fold_from_group(
    first: group, tasks: list[Signature[Any]]
) -> tuple[Signature[Any], list[Signature[Any]]]:
    """Fold what begins with a group until it is a chain; and the tasks that are left."""
    whole: Signature[Any] = first
    for place, task in enumerate(tasks):
        if isinstance(whole, chain):
            return whole, tasks[place:]
        if isinstance(whole, chord) and task.subtask_type not in ("group", "chain"):
            whole.body = after(whole.body, task)
        else:
            whole = whole | task
            whole = whole._copy() if isinstance(whole, chord) else whole
    return whole, []
