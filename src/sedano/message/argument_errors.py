"""What to say of a call that cannot be sent: which argument is at fault, and what to do.

Called by ``celery_v2.encode`` after writing has failed; nothing here has to be fast.
"""

import dataclasses
import enum
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sedano.errors import MessageTooLarge, NotSerializable
from sedano.message.representation import represent
from sedano.message.serializers import Serializer
from sedano.message.task_message import TaskMessage

#: How deep the culprit is looked for inside an argument.
_DEEPEST: Final = 20


def unwritable(
    message: TaskMessage, serializer: Serializer, parameters: Sequence[str], error: NotSerializable
) -> NotSerializable:
    """The error for a call that the serializer could not write because of ``error``."""
    for argument, value in _arguments(message, parameters):
        if _complaint(value, serializer) is not None:
            path, culprit = _innermost(value, serializer)
            where = f"{argument}, in {path}" if path else argument
            return NotSerializable(f"{message.task}: {where}: {_verdict(culprit, serializer)}")
    for field in ("callbacks", "errbacks", "chain", "chord"):
        complaint = _complaint(getattr(message, field), serializer)
        if complaint is not None:
            return NotSerializable(f"{message.task}: {field}: {complaint}")
    return NotSerializable(f"{message.task}: {error}")


def too_large(
    message: TaskMessage, serializer: Serializer, parameters: Sequence[str], *, size: int, max_size: int
) -> MessageTooLarge:
    """The error for a message of ``size`` bytes, of which ``max_size`` are allowed."""
    sizes = [(len(serializer.dumps(value)), argument) for argument, value in _arguments(message, parameters)]
    advice = " Store the data elsewhere and pass where it is, or raise task_max_message_size."
    largest = max(sizes, default=None)
    blamed = f" The largest part is {largest[1]} with {largest[0]:,} bytes." if largest else ""
    return MessageTooLarge(
        f"{message.task}: the message has {size:,} bytes; {max_size:,} are allowed.{blamed}{advice}"
    )


def _arguments(message: TaskMessage, parameters: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Every argument of the call, with what to call it."""
    for index, value in enumerate(message.args):
        if index < len(parameters):
            yield f"argument {parameters[index]!r} (position {index + 1})", value
        else:
            yield f"the positional argument {index + 1}", value
    for name, value in message.kwargs.items():
        yield f"argument {name!r}", value


def _complaint(value: object, serializer: Serializer) -> Exception | None:
    """Why the serializer cannot write a value; None if it can."""
    try:
        serializer.dumps(value)
    except Exception as error:
        return error
    return None


def _innermost(value: object, serializer: Serializer) -> tuple[str, object]:
    """The smallest part that cannot be written, and where in the value it is."""
    path = ""
    for _ in range(_DEEPEST):
        for step, part in _parts(value):
            if _complaint(part, serializer) is not None:
                path, value = path + step, part
                break
        else:
            break
    return path, value


def _parts(value: object) -> Iterator[tuple[str, object]]:
    match value:
        case dict():
            for key, part in value.items():
                yield f"[{represent(key, max_length=60)}]", part
        case list() | tuple():
            for index, part in enumerate(value):
                yield f"[{index}]", part
        case set() | frozenset():
            for part in value:
                yield "{...}", part


def _verdict(culprit: object, serializer: Serializer) -> str:
    """What is wrong with it, and what to do."""
    if isinstance(culprit, dict | list | tuple | set | frozenset):
        # All its parts can be written, or it has too many levels to tell.
        complaint = _complaint(culprit, serializer)
        reason = (complaint and complaint.__cause__) or complaint
        if isinstance(reason, RecursionError) or "Circular" in str(reason):
            return "it contains itself, or is nested too deeply. Pass a plain, flat structure."
        return f"this {type(culprit).__name__} cannot be written as {serializer.name}: {reason}."
    if isinstance(culprit, int | float | str):
        complaint = _complaint(culprit, serializer)
        reason = (complaint and complaint.__cause__) or complaint
        return f"{represent(culprit, max_length=60)} cannot be written as {serializer.name}: {reason}."
    return f"{type(culprit)!r} cannot be written as {serializer.name}. {_advice(culprit, serializer)}"


def _advice(culprit: object, serializer: Serializer) -> str:
    if hasattr(culprit, "_meta") and hasattr(culprit, "pk"):
        return "Pass its primary key, and load it in the task."
    if isinstance(culprit, enum.Enum):
        return "Pass its .value."
    if dataclasses.is_dataclass(culprit) and not isinstance(culprit, type):
        return "Pass dataclasses.asdict() of it."
    if isinstance(culprit, Iterator):
        return "Pass a list of what it yields."
    if hasattr(culprit, "read"):
        return "Pass the file's path or its content."
    if callable(culprit):
        return "Pass its dotted name."
    if serializer.name == "json":
        return "Pass an id instead, or teach json the type with sedano.message.json_types.register_type."
    return "Pass an id instead."
