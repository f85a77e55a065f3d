"""The dictionary that a signature is: its entries, in Celery's form; the task and application behind them.

The part of ``Signature`` that publishes nothing. Instantiated as ``Signature`` only.
"""

import builtins
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final, Self

from sedano.canvas import call_text
from sedano.canvas.entry import Entry
from sedano.canvas.option_copies import copied
from sedano.canvas.sender import Runnable, Sender
from sedano.errors import ConfigurationError


class SignatureDict(dict[str, Any]):
    """What a signature consists of."""

    #: Finds the application of signatures made from a name alone; ``sedano.current`` puts it here.
    find_app: ClassVar[Callable[[], Sender] | None] = None

    _app: Sender | None = None
    _type: Runnable | None = None

    task: Entry[str] = Entry("task")
    args: Entry[tuple[Any, ...]] = Entry("args")
    kwargs: Entry[dict[str, Any]] = Entry("kwargs")
    options: Entry[dict[str, Any]] = Entry("options")
    subtask_type: Entry[str | None] = Entry("subtask_type")
    #: Takes no further arguments, such as the result of the step before.
    immutable: Entry[bool] = Entry("immutable")
    id: Entry[str | None] = Entry("task_id", "options")
    parent_id: Entry[str | None] = Entry("parent_id", "options")
    root_id: Entry[str | None] = Entry("root_id", "options")

    def __init__(
        self,
        task: Any = None,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        type: Runnable | None = None,
        subtask_type: str | None = None,
        immutable: bool = False,
        app: Sender | None = None,
        **more_options: Any,
    ) -> None:
        """
        Args:
            task: A task, the name of one, or a dictionary in Celery's form.
            args: Positional arguments.
            kwargs: Keyword arguments.
            options: As for ``apply_async``.
            type: The task, where only its name was given.
            subtask_type: The shape; for subclasses.
            immutable: Takes no further arguments.
            app: The application; None means the task's, or the current one.
            more_options: More of ``options``.
        """
        if isinstance(task, Mapping):
            super().__init__(_complete(task))
        else:
            name = getattr(task, "name", task)
            super().__init__(
                task=name,
                args=tuple(args or ()),
                kwargs=dict(kwargs or {}),
                options={**(options or {}), **more_options},
                subtask_type=subtask_type,
                immutable=immutable,
            )
            if name is not task:
                type = task
        if type is not None:
            self._type = type
            # None where the task is every application's.
            app = app or getattr(type, "_app", None)
        if app is not None:
            self._app = app

    # -- where it belongs

    @property
    def app(self) -> Sender:
        """The application. Raises ConfigurationError where there is none."""
        found = self._found_app()
        if found is None:
            if self.__class__.find_app is None:
                raise ConfigurationError(
                    f"{self!r} belongs to no application. Pass app=, or app.set_current()."
                )
            found = self.__class__.find_app()
        return found

    @property
    def name(self) -> str:
        """The task's name."""
        return self.task

    @property
    def type(self) -> Runnable:
        """The task. Raises TaskNotRegistered where this process does not know it."""
        if self._type is None:
            self._type = self.app.tasks[self.task]
        return self._type

    def _known_task(self) -> Runnable | None:
        if self._type is None:
            self._type = self.app.tasks.get(self.task)
        return self._type

    def _found_app(self) -> Sender | None:
        """The application, unless it is merely the current one."""
        return self._app

    # -- shown and copied

    def reprcall(self, *args: Any, **kwargs: Any) -> str:
        """The call as it would be written, with these arguments as well."""
        args, kwargs, _ = self._merge(args, kwargs, force=True)
        return call_text.call(str(self.task), args, kwargs)

    def __repr__(self) -> str:
        return self.reprcall()

    def _merge(
        self,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        force: bool = False,
    ) -> tuple[tuple[Any, ...], dict[str, Any], dict[str, Any]]:
        """Its arguments and options with others laid over them.

        Where it has a group, or stamps, they stay: others wait for its end in that group.
        """
        merged = dict(self.options)
        if options:
            kept = {"group_id", "stamped_headers", *merged.get("stamped_headers", ())} & merged.keys()
            merged.update({name: value for name, value in options.items() if name not in kept})
        if self.immutable and not force:
            return self.args, self.kwargs, merged
        return (
            (*args, *self.args) if args else self.args,
            {**self.kwargs, **kwargs} if kwargs else self.kwargs,
            merged,
        )

    def _copy(self) -> Self:
        """A copy, and copies of the signatures in it. The arguments of tasks are shared."""
        new = dict.__new__(builtins.type(self))
        dict.update(new, self)
        new.__dict__.update(self.__dict__)
        new["kwargs"] = dict(self["kwargs"])
        new["options"] = copied(self["options"])
        return new


_EMPTY: Final[Mapping[str, Any]] = {
    "task": None,
    "args": (),
    "kwargs": {},
    "options": {},
    "subtask_type": None,
    "immutable": False,
}


def _complete(d: Mapping[str, Any]) -> dict[str, Any]:
    """A signature from elsewhere, checked, with what it lacks."""
    if not isinstance(d.get("task"), str):
        raise ConfigurationError(f"signature: expected the name of a task in 'task', got {d.get('task')!r}")
    entries = {**_EMPTY, **d}
    for name, kind in (("args", list | tuple), ("kwargs", Mapping), ("options", Mapping)):
        if not isinstance(entries[name], kind):
            raise ConfigurationError(f"signature: {name} of {d['task']}: got {entries[name]!r}")
    return {**entries, "kwargs": dict(entries["kwargs"]), "options": dict(entries["options"])}
