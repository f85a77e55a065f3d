"""Whether the arguments of a call fit the task's signature, before anything is published.

Called by ``Task.apply_async`` and by ``Task.retry``. Never looks at the values, only at their number and
names, so that the verdict on one shape of a call is the verdict on all calls of that shape.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sedano.errors import InvalidArguments

#: Shapes that are remembered per task; a task with ``**kwargs`` can be called in any number of shapes.
MOST_SHAPES: Final = 256


class CallSignature:
    """The parameters of one task's function.

    >>> CallSignature("proj.add", lambda x, y: x + y).check((1, 2), {})
    """

    __slots__ = ("_fitting", "_name", "_signature", "positional")

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self._name = name
        try:
            self._signature: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):
            # Some functions written in C do not tell.
            self._signature = None
        self._fitting: set[object] = set()
        #: Names of the parameters that may be given by position.
        self.positional: tuple[str, ...] = ()
        if self._signature is not None:
            parameters = self._signature.parameters.values()
            self.positional = tuple(p.name for p in parameters if p.kind in _POSITIONAL)

    def check(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Raises InvalidArguments if the call does not fit, naming task, argument and signature."""
        shape = (len(args), *kwargs) if kwargs else len(args)
        if shape in self._fitting or self._signature is None:
            return
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidArguments(self._explain(str(error), args, kwargs)) from None
        if len(self._fitting) < MOST_SHAPES:
            self._fitting.add(shape)

    def _explain(self, problem: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        signature = self._signature
        assert signature is not None
        if problem == "too many positional arguments":
            most = len(self.positional)
            problem = f"too many positional arguments: it takes at most {most}, and was given {len(args)}"
        parameters = signature.replace(return_annotation=inspect.Signature.empty)
        names = "".join(f", {name}=..." for name in kwargs)
        given = f"({', '.join(['...'] * len(args))}{names})".replace("(, ", "(")
        return f"{self._name}{given} does not fit {self._name}{parameters}: {problem}."

    def with_new_arguments(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], new_kwargs: Mapping[str, Any]
    ) -> tuple[Sequence[Any], dict[str, Any]]:
        """A call's arguments with some keywords replaced, even those that had been given by position."""
        if self._signature is None:
            return args, dict(new_kwargs)
        try:
            bound = self._signature.bind_partial(*args)
        except TypeError:
            return args, dict(new_kwargs)
        left = dict(new_kwargs)
        for name in list(left):
            if name in bound.arguments and self._signature.parameters[name].kind is _BY_EITHER:
                bound.arguments[name] = left.pop(name)
        return bound.args, {**bound.kwargs, **left}

    def without_replaced(self, new_args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """A call's keywords, less those that new positional arguments now give."""
        if self._signature is None:
            return {}
        positional = [p for p in self._signature.parameters.values() if p.kind in _POSITIONAL]
        replaced = {p.name for p in positional[: len(new_args)] if p.kind is _BY_EITHER}
        return {name: value for name, value in kwargs.items() if name not in replaced}


_BY_EITHER: Final = inspect.Parameter.POSITIONAL_OR_KEYWORD
_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, _BY_EITHER)
