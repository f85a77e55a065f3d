"""One task over many arguments: in one message (``xmap``, ``xstarmap``), or some in each (``chunks``).

Made by ``Task.map``, ``Task.starmap`` and ``Task.chunks``. What runs them is the tasks ``celery.map`` and
``celery.starmap``, which every worker has.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, ClassVar, Self

from sedano.canvas.groups import group
from sedano.canvas.plan import Planning
from sedano.canvas.sender import Sender
from sedano.canvas.signature import Published, Signature
from sedano.loops.steps import Steps


class _Map(Signature[Any]):
    """What the maps have in common."""

    _TASK: ClassVar[str]
    _STARS: ClassVar[str]

    def __init__(self, task: Any, it: Iterable[Any], **options: Any) -> None:
        """
        Args:
            task: The signature of a task.
            it: Its arguments, one call each; read here.
            options: As for ``apply_async``.
        """
        super().__init__(
            self._TASK, (), {"task": _signature(task), "it": _read(it)}, immutable=True, **options
        )

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Sender | None = None) -> Self:
        """The map that a dictionary in Celery's form stands for."""
        return cls(d["kwargs"]["task"], d["kwargs"]["it"], app=app, **d.get("options", {}))

    def apply_async(self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Publish one message for all calls; its result is the list of their results."""
        options.setdefault("route_name", self.options.get("route_name") or self.kwargs["task"]["task"])
        return super().apply_async((), {}, **options)

    def _publish_in(
        self, planning: Planning, args: tuple[Any, ...], kwargs: dict[str, Any], options: dict[str, Any]
    ) -> Published:
        self.options.setdefault("route_name", self.kwargs["task"]["task"])
        return super()._publish_in(planning, (), {}, options)

    def _found_app(self) -> Sender | None:
        own = self._app
        return own if own is not None else getattr(self.kwargs["task"], "_app", None)

    def __repr__(self) -> str:
        return f"[{self.kwargs['task']['task']}({self._STARS}x) for x in {_shortened(self.kwargs['it'])}]"


@Signature.register_type("xmap")
class xmap(_Map):
    """One message that calls a task with each argument in turn: ``add.map([1, 2])``."""

    _TASK = "celery.map"
    _STARS = ""


@Signature.register_type("xstarmap")
class xstarmap(_Map):
    """One message that calls a task with each tuple in turn: ``add.starmap([(1, 1), (2, 2)])``."""

    _TASK = "celery.starmap"
    _STARS = "*"


@Signature.register_type("chunks")
class chunks(Signature[Any]):
    """A group of messages that call a task with ``n`` tuples of arguments each: ``add.chunks(pairs, 10)``."""

    def __init__(self, task: Any, it: Iterable[Any], n: int, **options: Any) -> None:
        """
        Args:
            task: The signature of a task.
            it: Tuples of arguments, one call each; read here.
            n: How many calls one message has.
            options: For each message.
        """
        arguments = {"task": _signature(task), "it": _read(it), "n": n}
        super().__init__("celery.chunks", (), arguments, immutable=True, **options)

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Sender | None = None) -> Self:
        """The chunks that a dictionary in Celery's form stands for."""
        arguments = d["kwargs"]
        return cls(arguments["task"], arguments["it"], arguments["n"], app=app, **d.get("options", {}))

    @classmethod
    def apply_chunks(cls, task: Any, it: Iterable[Any], n: int, app: Sender | None = None) -> Any:
        """Make and publish it."""
        return cls(task, it, n, app=app)()

    def __call__(self, **options: Any) -> Any:
        """Publish it."""
        return self.apply_async(**options)

    def apply_async(self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Publish all chunks: a ``GroupResult`` of lists."""
        return self.group().apply_async(args, kwargs, **options)

    def apply(self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Run all chunks here and now."""
        return self.group().apply(args, kwargs, **options)

    async def _arun_eagerly(
        self, args: Any, kwargs: Mapping[str, Any] | None, options: dict[str, Any]
    ) -> Any:
        return await self.group()._arun_eagerly(args, kwargs, options)

    def _eager_steps(
        self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Steps[Any]:
        return self.group()._eager_steps(args, kwargs, **options)

    def group(self) -> group:
        """The chunks as a group."""
        task, n = self.kwargs["task"], self.kwargs["n"]
        waiting = iter(self.kwargs["it"])
        app = self._found_app()
        parts = iter(lambda: list(islice(waiting, n)), [])
        return group([xstarmap(task, part, app=app) for part in parts], app=app, **self.options)

    def _found_app(self) -> Sender | None:
        own = self._app
        return own if own is not None else getattr(self.kwargs["task"], "_app", None)

    def _as_step(self) -> Signature[Any]:
        return self.group()


def _signature(task: Any) -> Any:
    return Signature(task) if hasattr(task, "apply_async") and not isinstance(task, Mapping) else task


def _read(it: Iterable[Any]) -> list[Any] | tuple[Any, ...]:
    return it if isinstance(it, list | tuple) else list(it)


def _shortened(it: Any) -> str:
    text = repr(it)
    return text if len(text) <= 100 else f"{text[:97]}..."
