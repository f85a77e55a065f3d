"""Results as documents, in Celery's form: what a stored result looks like, byte for byte.

Proved by ``tests/unit/results/test_celery_meta.py`` against Celery's own code. ``to_write`` is called by the
executor and the node, ``decode`` by ``AsyncResult``. Never talks to a store.
"""

import contextlib
from datetime import datetime
from typing import Any, Final

import msgspec

from sedano import states
from sedano.errors import MalformedMessage, MessageError, NotSerializable, ResultStoreError
from sedano.message.serializers import Serializer, find_serializer
from sedano.results import exception_document
from sedano.results.result_write import ResultWrite
from sedano.results.task_meta import TaskMeta
from sedano.settings.sections import ResultSettings

#: Types of results that every JSON encoder writes alike. Not int, which may be too large, nor float (NaN).
_PLAIN: Final = frozenset({type(None), bool, str})
_encode_plain: Final = msgspec.json.Encoder().encode
_EXTENDED: Final = ("name", "args", "kwargs", "worker", "retries", "queue")


def encode(meta: TaskMeta, *, serializer: str = "json", extended: bool = False) -> bytes:
    """A result as Celery stores it.

    Raises:
        NotSerializable: the result cannot be written.
        ConfigurationError: no such serializer.
    """
    chosen = find_serializer(serializer)
    done = meta.date_done
    result = meta.result if type(meta.result) in _PLAIN else _write_result(meta, chosen)
    document: dict[str, Any] = {
        "status": meta.status,
        "result": result,
        "traceback": meta.traceback,
        "children": list(meta.children),
        "date_done": done.isoformat() if done is not None else None,
    }
    if meta.group_id is not None:
        document["group_id"] = meta.group_id
    if meta.parent_id is not None:
        document["parent_id"] = meta.parent_id
    if extended:
        for field in _EXTENDED:
            document[field] = getattr(meta, field)
    document["task_id"] = meta.task_id
    try:
        if type(result) in _PLAIN and not extended and not document["children"] and chosen.name == "json":
            # The same JSON, in a fifth of the time: nothing in it needs a type tag. (A text that is no valid
            # Unicode, which only Python's own encoder takes, is an error here and goes on below.)
            with contextlib.suppress(UnicodeEncodeError):
                return _encode_plain(document)
        return chosen.dumps(document)
    except NotSerializable as error:
        raise NotSerializable(f"The result cannot be written as {chosen.name}: {error.__cause__}") from error


def _write_result(meta: TaskMeta, serializer: Serializer) -> Any:
    result = meta.result
    if isinstance(result, BaseException) and meta.status in states.EXCEPTION_STATES:
        if serializer.name == "pickle":
            # Celery stores the exception itself then.
            return result
        return exception_document.write(result, lambda value: _is_writable(value, serializer))
    as_tuple = getattr(result, "as_tuple", None)
    return as_tuple() if as_tuple is not None and hasattr(result, "task_id") else result


def _is_writable(value: Any, serializer: Serializer) -> bool:
    if value is None or isinstance(value, str | int | float):
        return True
    try:
        serializer.dumps(value)
    except NotSerializable:
        return False
    return True


def to_write(meta: TaskMeta, settings: ResultSettings, *, now: float) -> ResultWrite:
    """A result on its way into a store.

    Args:
        meta: The result.
        settings: Say how it is written and how long it is kept.
        now: POSIX seconds.

    Raises:
        NotSerializable: the result cannot be written.
    """
    document = encode(meta, serializer=settings.serializer, extended=settings.extended)
    expires_at = now + settings.expires.total_seconds() if settings.expires is not None else None
    return ResultWrite(meta.task_id, meta.status, document, expires_at)


def decode(task_id: str, document: bytes, *, serializer: str = "json") -> TaskMeta:
    """Read a stored result, ours or Celery's.

    Raises:
        ResultStoreError: the document is no result, or written by another serializer.
    """
    chosen = find_serializer(serializer)
    try:
        found = chosen.loads(document)
        if not isinstance(found, dict) or not isinstance(found.get("status"), str):
            raise MalformedMessage(f"it is no result of a task: {str(found)[:80]}")
    except MessageError as error:
        raise ResultStoreError(
            f"The stored result of task {task_id} cannot be read as {chosen.name}: {error}"
        ) from error
    status, result = found["status"], found.get("result")
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
        **{field: found.get(field) for field in _EXTENDED},
    )


def _read_time(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) else None
