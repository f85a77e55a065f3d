"""Results as documents, in Celery's form: what a stored result looks like, byte for byte.

Proved by ``tests/unit/results/test_celery_meta.py`` against Celery's own code. ``to_write`` is called by the
executor and the node, ``decode`` by ``AsyncResult``, the rest by ``GroupResult``. Never talks to a store.
"""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from sedano import states
from sedano.errors import MalformedMessage, MessageError, NotSerializable, ResultStoreError
from sedano.message import json_types
from sedano.message.serializers import Serializer, find_serializer
from sedano.results import exception_document
from sedano.results.compressed_document import pack, unpack
from sedano.results.result_base import ResultBase
from sedano.results.result_write import ResultWrite
from sedano.results.task_meta import TaskMeta
from sedano.settings.sections import ResultSettings

#: Types of results that every JSON encoder writes alike. Not float: NaN.
_PLAIN: Final = frozenset({type(None), bool, str, int})
_encode_plain: Final = msgspec.json.Encoder().encode
_EXTENDED: Final = ("name", "args", "kwargs", "worker", "retries", "queue")


def encode(
    meta: TaskMeta, *, serializer: str = "json", extended: bool = False, compression: str | None = None
) -> bytes:
    """A result as Celery stores it.

    Args:
        serializer: A name known to ``serializers``.
        extended: Store where the result came from, too.
        compression: A name known to ``compression``, or None.

    Raises:
        NotSerializable: the result cannot be written.
        ConfigurationError: no such serializer or compression.

    >>> encode(TaskMeta(task_id="1", status="PROGRESS", result=50))
    b'{"status":"PROGRESS","result":50,"traceback":null,"children":[],"date_done":null,"task_id":"1"}'
    """
    chosen = find_serializer(serializer)
    result = meta.result
    if type(result) not in _PLAIN:
        result = written_result(meta.status, result, chosen)
    document = _encode_json(meta, result) if chosen.name == "json" and not extended else None
    if document is None:
        try:
            document = chosen.dumps(_document(meta, result, extended))
        except NotSerializable as error:
            raise NotSerializable(
                f"The result cannot be written as {chosen.name}: {error.__cause__}"
            ) from error
    return document if compression is None else pack(document, compression)


def _document(meta: TaskMeta, result: Any, extended: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "status": meta.status,
        "result": result,
        "traceback": meta.traceback,
        "children": list(meta.children),
        "date_done": meta.date_done.isoformat() if meta.date_done is not None else None,
    }
    if meta.group_id is not None:
        document["group_id"] = meta.group_id
    if meta.parent_id is not None:
        document["parent_id"] = meta.parent_id
    if extended:
        for field in _EXTENDED:
            document[field] = getattr(meta, field)
        if meta.stamps:
            document["stamped_headers"] = meta.stamped_headers
            for name in meta.stamped_headers or ():
                if name in meta.stamps:
                    document[name] = meta.stamps[name]
    document["task_id"] = meta.task_id
    return document


def _encode_json(meta: TaskMeta, result: Any) -> bytes | None:
    """The same document as JSON, put together from its parts: in half the time, and every task has one.

    None where the JSON serializer knows better: what is wrong, or how to write it all the same.
    """
    try:
        return _join_json(meta, result)
    except Exception:
        return None


def _join_json(meta: TaskMeta, result: Any) -> bytes:
    done, group, parent = meta.date_done, meta.group_id, meta.parent_id
    return b'{"status":%b,"result":%b,"traceback":%b,"children":%b,"date_done":%b%b%b,"task_id":%b}' % (
        _encode_plain(meta.status),
        _encode_plain(result) if type(result) in _PLAIN else json_types.dumps(result).encode("ascii"),
        b"null" if meta.traceback is None else _encode_plain(meta.traceback),
        b"[]" if not meta.children else _encode_plain(meta.children),
        b"null" if done is None else _json_time(done),
        b"" if group is None else b',"group_id":' + _encode_plain(group),
        b"" if parent is None else b',"parent_id":' + _encode_plain(parent),
        _encode_plain(meta.task_id),
    )


def _json_time(moment: datetime) -> bytes:
    if moment.tzinfo is UTC:
        # As isoformat writes it, but for its Z; several times as fast.
        return _encode_plain(moment)[:-2] + b'+00:00"'
    return b'"%b"' % moment.isoformat().encode("ascii")


def written_result(state: str, result: Any, serializer: Serializer) -> Any:
    """A result as it stands in a document: an exception as its parts, the result of a task as a tuple."""
    if type(result) in _PLAIN or serializer.name == "pickle":
        # Celery pickles exceptions and results as they are.
        return result
    if isinstance(result, BaseException) and state in states.EXCEPTION_STATES:
        return exception_document.write(result, lambda value: _is_writable(value, serializer))
    return result.as_tuple() if isinstance(result, ResultBase) else result


def _is_writable(value: Any, serializer: Serializer) -> bool:
    if value is None or isinstance(value, str | int | float):
        return True
    try:
        serializer.dumps(value)
    except NotSerializable:
        return False
    return True


def to_write(
    meta: TaskMeta,
    settings: ResultSettings,
    *,
    now: float,
    reply_to: str | None = None,
    correlation_id: str | None = None,
) -> ResultWrite:
    """A result on its way into a store.

    Args:
        meta: The result.
        settings: Say how it is written and how long it is kept.
        now: POSIX seconds.
        reply_to: Whoever asked, as the task's message names them.
        correlation_id: How they know it, if not by the task's id.

    Raises:
        NotSerializable: the result cannot be written.
    """
    document = encode(
        meta,
        serializer=settings.serializer,
        extended=settings.extended,
        compression=settings.compression,
    )
    expires_at = now + settings.expires.total_seconds() if settings.expires is not None else None
    if correlation_id == meta.task_id:
        correlation_id = None
    return ResultWrite(meta.task_id, meta.status, document, expires_at, reply_to, correlation_id)


def decode(task_id: str, document: bytes, *, serializer: str = "json") -> TaskMeta:
    """Read a stored result, ours or Celery's.

    Raises:
        ResultStoreError: the document is no result, or written by another serializer.
    """
    chosen = find_serializer(serializer)
    try:
        found = chosen.loads(unpack(document))
        if not isinstance(found, dict) or not isinstance(found.get("status"), str):
            raise MalformedMessage(f"it is no result of a task: {str(found)[:80]}")
    except MessageError as error:
        raise ResultStoreError(
            f"The stored result of task {task_id} cannot be read as {chosen.name}: {error}"
        ) from error
    status, result, stamped = found["status"], found.get("result"), found.get("stamped_headers")
    if status in states.EXCEPTION_STATES:
        result = exception_document.read(result)
    return TaskMeta(
        task_id=task_id,
        status=status,
        result=result,
        traceback=found.get("traceback"),
        children=found.get("children") or (),
        date_done=_read_time(found.get("date_done")),
        parent_id=found.get("parent_id"),
        group_id=found.get("group_id"),
        stamped_headers=stamped,
        stamps={name: found[name] for name in stamped if name in found} if stamped else None,
        **{field: found.get(field) for field in _EXTENDED},
    )


def _read_time(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) else None


def encode_group(result: ResultBase, settings: ResultSettings) -> bytes:
    """A group as Celery saves it: its id, its parents, and its members.

    Raises:
        NotSerializable: it cannot be written.
    """
    document = find_serializer(settings.serializer).dumps({"result": result.as_tuple()})
    return pack(document, settings.compression)


def decode_group(group_id: str, document: bytes, *, serializer: str = "json") -> Any:
    """The tuple of a saved group, ours or Celery's.

    Raises:
        ResultStoreError: the document is no group, or written by another serializer.
    """
    chosen = find_serializer(serializer)
    try:
        found = chosen.loads(unpack(document))
        if not isinstance(found, dict) or "result" not in found:
            raise MalformedMessage(f"it is no group: {str(found)[:80]}")
    except MessageError as error:
        raise ResultStoreError(
            f"The saved group {group_id} cannot be read as {chosen.name}: {error}"
        ) from error
    return found["result"]
