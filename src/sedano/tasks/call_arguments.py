"""The arguments of one call among many: what ``Task.publish_many`` takes.

Made by users (``Task.arguments``, or a plain tuple or dictionary). Never looks at the values.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, ParamSpec, TypeAlias

from sedano.errors import InvalidArguments

P = ParamSpec("P")


class Arguments(Generic[P]):
    """Positional and keyword arguments, as they would stand in ``delay(...)``."""

    __slots__ = ("args", "kwargs")

    def __init__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        self.args: tuple[Any, ...] = args
        self.kwargs: dict[str, Any] = kwargs

    def __repr__(self) -> str:
        given = [repr(arg) for arg in self.args]
        given += [f"{name}={value!r}" for name, value in self.kwargs.items()]
        return f"Arguments({', '.join(given)})"


#: A tuple or a list holds the positional arguments of a call, a mapping its keyword arguments.
CallArguments: TypeAlias = tuple[Any, ...] | list[Any] | Mapping[str, Any] | Arguments[P]


def unpacked(call: CallArguments[...]) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Positional and keyword arguments; raises InvalidArguments for what holds neither.

    >>> unpacked((1, 2)), unpacked({"x": 1}), unpacked(Arguments(1, y=2))
    (((1, 2), {}), ((), {'x': 1}), ((1,), {'y': 2}))
    """
    if isinstance(call, tuple | list):
        return call, {}
    if isinstance(call, Arguments):
        return call.args, call.kwargs
    if isinstance(call, Mapping):
        return (), call
    raise InvalidArguments(
        "publish_many: each call is a tuple of its positional arguments, or a dictionary of its keyword "
        f"arguments, or task.arguments(...) for both; got {call!r}. For one argument write ({call!r},)."
    )


def check_shape(args: Any, kwargs: Any) -> tuple[Any, Mapping[str, Any]]:
    """The arguments of a call, None made empty; raises TypeError for what are no arguments."""
    if args is None:
        args = ()
    elif not isinstance(args, (list, tuple)):
        raise TypeError(f"args: expected a list or a tuple, got {args!r}")
    if kwargs is None:
        kwargs = {}
    elif type(kwargs) is not dict and not isinstance(kwargs, Mapping):
        raise TypeError(f"kwargs: expected a mapping, got {kwargs!r}")
    return args, kwargs
