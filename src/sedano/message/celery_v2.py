"""Celery's message protocol 2: call in headers, arguments in the body.

Proved by ``tests/interop/test_message_format.py`` against Celery's own code. ``encode`` is called by the
publisher, ``read`` by ``decoding``. Never talks to a broker.
"""

import contextlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from sedano.errors import MalformedMessage, NotSerializable
from sedano.message import task_headers
from sedano.message.argument_errors import too_large, unwritable
from sedano.message.compression import MAX_BODY, find_compression
from sedano.message.envelope import Envelope
from sedano.message.representation import MAX_LEVELS, represent
from sedano.message.serializers import Serializer, find_serializer
from sedano.message.task_headers import TaskHeaders
from sedano.message.task_message import TaskMessage

_NO_EMBED: Final[dict[str, None]] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}

#: Types of arguments that every JSON encoder writes alike. Not float: NaN.
_PLAIN: Final = frozenset({type(None), bool, int, str})
_encode_plain: Final = msgspec.json.Encoder().encode


def encode(
    message: TaskMessage,
    *,
    serializer: str = "json",
    compression: str | None = None,
    max_size: int | None = None,
    repr_levels: int = MAX_LEVELS,
    parameters: Sequence[str] = (),
) -> Envelope:
    """Write a call as a message.

    Fills in ``argsrepr`` and ``kwargsrepr`` of the message where they are None.

    Args:
        serializer: A name known to ``serializers``.
        compression: A name known to ``compression``, or None.
        max_size: The most bytes that headers and body may take, as they are sent.
        repr_levels: How deep ``argsrepr`` and ``kwargsrepr`` show containers.
        parameters: The names of the function's positional parameters, so that errors can name arguments.

    Raises:
        NotSerializable: an argument cannot be written; the message names it.
        MessageTooLarge: the message is larger than ``max_size``; the message names the largest argument.
        MalformedMessage: a header has a wrong type.
        ConfigurationError: no such serializer or compression.

    >>> encode(TaskMessage(id="1", task="proj.add", args=(1, 2))).body
    b'[[1,2],{},{"callbacks":null,"errbacks":null,"chain":null,"chord":null}]'
    """
    chosen = find_serializer(serializer)
    packer = find_compression(compression) if compression is not None else None
    _check_arguments(message)
    if message.argsrepr is None:
        message.argsrepr = represent(message.args, max_levels=repr_levels)
    if message.kwargsrepr is None:
        message.kwargsrepr = represent(message.kwargs, max_levels=repr_levels) if message.kwargs else "{}"
    body = _write_body(message, chosen, parameters)
    headers = task_headers.write(message, packer.content_type if packer is not None else None)
    if packer is not None:
        # What unpacks to more than this is refused by decode.
        readable = max(MAX_BODY, max_size or 0)
        if len(body) > readable:
            raise too_large(message, chosen, parameters, size=len(body), max_size=readable)
        body = packer.compress(body)
    if max_size is not None and len(body) + len(headers) > max_size:
        raise too_large(message, chosen, parameters, size=len(body) + len(headers), max_size=max_size)
    return Envelope(
        headers,
        body,
        chosen.content_type,
        chosen.content_encoding,
        message.correlation_id or message.id,
        message.reply_to,
        message.priority,
        message.delivery_mode,
        message.expiration,
    )


def _check_arguments(message: TaskMessage) -> None:
    """Refuse what would arrive as something else: a text as its letters, a number as a name."""
    if not isinstance(message.args, (list, tuple)):
        raise MalformedMessage(
            f"{message.task}: args: expected a list or a tuple, got {represent(message.args, max_length=80)}."
        )
    if not isinstance(message.kwargs, dict):
        raise MalformedMessage(
            f"{message.task}: kwargs: expected a dictionary, got {represent(message.kwargs, max_length=80)}."
        )
    for name in message.kwargs:
        if not isinstance(name, str):
            raise MalformedMessage(
                f"{message.task}: kwargs: a name must be text, got {represent(name, max_length=80)}."
            )


def _write_body(message: TaskMessage, serializer: Serializer, parameters: Sequence[str]) -> bytes:
    embed: dict[str, Any] = _NO_EMBED
    if message.callbacks or message.errbacks or message.chain or message.chord:
        embed = {
            "callbacks": _signatures("callbacks", message.callbacks),
            "errbacks": _signatures("errbacks", message.errbacks),
            "chain": _signatures("chain", message.chain),
            "chord": _signature("chord", message.chord),
        }
    if embed is _NO_EMBED and serializer.name == "json" and _is_plain(message):
        # The same JSON in a third of the time. What this encoder does not take (a number beyond 64 bits,
        # a text that is no Unicode) the other one judges.
        with contextlib.suppress(OverflowError, ValueError):
            return _encode_plain((message.args, message.kwargs, embed))
    try:
        return serializer.dumps([message.args, message.kwargs, embed])
    except NotSerializable as error:
        raise unwritable(message, serializer, parameters, error) from error.__cause__


def _is_plain(message: TaskMessage) -> bool:
    """Whether no argument can need a type tag, or be written differently by different encoders."""
    args, kwargs = message.args, message.kwargs
    return _PLAIN.issuperset(map(type, args)) and _PLAIN.issuperset(map(type, kwargs.values()))


class _Embed(msgspec.Struct, forbid_unknown_fields=True):
    """What follows a call, where it is in the form in which it is written."""

    callbacks: list[dict[str, Any]] | None = None
    errbacks: list[dict[str, Any]] | None = None
    chain: list[dict[str, Any]] | None = None
    chord: dict[str, Any] | None = None


_decode_body: Final = msgspec.json.Decoder(tuple[list[Any], dict[str, Any], _Embed]).decode


def read_plain(envelope: Envelope) -> TaskMessage | None:
    """The call of a message in JSON that holds nothing unusual, in less time; None for others.

    Says no more than ``read`` would: whatever is unusual, or wrong, is left to that.
    """
    headers = task_headers.read_known(envelope.headers)
    # Tagged values, which may be written with escapes, need a hook; a compressed body is not JSON yet.
    if headers is None or headers.compression or b"__type__" in envelope.body or b"\\u005" in envelope.body:
        return None
    try:
        args, kwargs, embed = _decode_body(envelope.body)
    except (ValueError, RecursionError):
        return None
    message = _message(headers, {}, args, kwargs, envelope, 2)
    message.callbacks, message.errbacks = embed.callbacks, embed.errbacks
    message.chain, message.chord = embed.chain, embed.chord
    return message


def read(found: dict[str, Any], body: Any, envelope: Envelope) -> TaskMessage:
    """The call that decoded headers and a decoded body make.

    Raises:
        MalformedMessage: headers or body are not those of a task.
    """
    if not isinstance(body, list | tuple) or len(body) != 3:
        raise MalformedMessage(
            f"The body is not [args, kwargs, embed], but {represent(body, max_length=80, max_levels=1)}."
        )
    args, kwargs, embed = body
    return assemble(found, args, kwargs, embed, envelope, protocol=2)


def assemble(
    found: dict[str, Any], args: Any, kwargs: Any, embed: Any, envelope: Envelope, *, protocol: int
) -> TaskMessage:
    """A call from its parts, each of them checked. Raises MalformedMessage."""
    headers = task_headers.parse(found)
    custom = task_headers.custom(found)
    if args is None:
        args = []
    elif not isinstance(args, list | tuple):
        raise MalformedMessage(f"The positional arguments are not a list, but of type {type(args).__name__}.")
    if kwargs is None:
        kwargs = {}
    elif not isinstance(kwargs, dict):
        raise MalformedMessage(
            f"The keyword arguments are not an object, but of type {type(kwargs).__name__}."
        )
    for name in kwargs:
        if not isinstance(name, str):
            raise MalformedMessage(
                f"The keyword argument {represent(name, max_length=80)} has a name that is no text."
            )
    message = _message(headers, custom, args, kwargs, envelope, protocol)
    if embed:
        _embed(message, embed)
    return message


def _message(
    headers: TaskHeaders,
    custom: dict[str, Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    envelope: Envelope,
    protocol: int,
) -> TaskMessage:
    message = TaskMessage(
        id=headers.id,
        task=headers.task,
        args=args,
        kwargs=kwargs,
        shadow=headers.shadow,
        eta=headers.eta,
        expires=headers.expires,
        group=headers.group,
        group_index=headers.group_index,
        retries=headers.retries or 0,
        root_id=headers.root_id or headers.id,
        parent_id=headers.parent_id,
        argsrepr=headers.argsrepr,
        kwargsrepr=headers.kwargsrepr,
        origin=headers.origin,
        lang=headers.lang or "py",
        ignore_result=headers.ignore_result,
        replaced_task_nesting=headers.replaced_task_nesting or 0,
        stamped_headers=headers.stamped_headers,
        stamps=headers.stamps or {},
        headers=custom,
        reply_to=envelope.reply_to,
        correlation_id=envelope.correlation_id,
        priority=envelope.priority,
        delivery_mode=envelope.delivery_mode,
        expiration=envelope.expiration,
        protocol=protocol,
    )
    if headers.timelimit is not None:
        message.time_limit, message.soft_time_limit = headers.timelimit
    return message


def _embed(message: TaskMessage, embed: Any) -> None:
    """Put in what follows the call. Raises MalformedMessage."""
    if not isinstance(embed, dict):
        raise MalformedMessage(
            f"The third part of the body is not an object, but of type {type(embed).__name__}."
        )
    message.callbacks = _signatures("callbacks", embed.get("callbacks"))
    message.errbacks = _signatures("errbacks", embed.get("errbacks"))
    message.chain = _signatures("chain", embed.get("chain"))
    message.chord = _signature("chord", embed.get("chord"))


def _signatures(field: str, found: Any) -> list[dict[str, Any]] | None:
    if found is None:
        return None
    signatures = [found] if isinstance(found, dict) else found
    if not isinstance(signatures, list | tuple) or not all(isinstance(one, dict) for one in signatures):
        raise MalformedMessage(f"{field!r} is not a list of signatures.")
    return list(signatures)


def _signature(field: str, found: Any) -> dict[str, Any] | None:
    if found is not None and not isinstance(found, dict):
        raise MalformedMessage(f"{field!r} is not a signature, but of type {type(found).__name__}.")
    return found
