"""Result documents: what we store is what Celery stores, and either reads the other's."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import celery
import pytest
from celery.backends.base import KeyValueStoreBackend
from celery.exceptions import MaxRetriesExceededError, NotRegistered, TaskRevokedError
from celery.utils.imports import qualname

from sedano import errors
from sedano.results import celery_meta
from sedano.results.task_meta import TaskMeta
from sedano.settings.sections import ResultSettings

NOW = datetime(2026, 11, 22, 4, 55, 12, 841992, tzinfo=UTC)


class DictBackend(KeyValueStoreBackend):  # type: ignore[misc]
    """Celery's own key-value backend over a dictionary."""

    def __init__(self, app: celery.Celery) -> None:
        super().__init__(app)
        self.kept: dict[str, bytes] = {}

    def get(self, key: Any) -> Any:
        return self.kept.get(key.decode() if isinstance(key, bytes) else key)

    def _set_with_state(self, key: Any, value: Any, state: str) -> None:
        self.kept[key.decode() if isinstance(key, bytes) else key] = value


@pytest.fixture
def celerys() -> Iterator[DictBackend]:
    with celery.Celery("theirs", set_as_current=False) as app:
        yield DictBackend(app)


def celery_reads(backend: DictBackend, meta: TaskMeta) -> dict[str, Any]:
    backend.kept[f"celery-task-meta-{meta.task_id}"] = celery_meta.encode(meta)
    read: dict[str, Any] = backend.get_task_meta(meta.task_id, cache=False)
    return read


def celery_writes(backend: DictBackend, result: Any, state: str, **fields: Any) -> TaskMeta:
    backend.store_result("t-1", result, state, **fields)
    document = backend.kept["celery-task-meta-t-1"]
    written = document.encode() if isinstance(document, str) else document
    return celery_meta.decode("t-1", written)


def test_a_success_is_celerys_document_to_the_letter() -> None:
    meta = TaskMeta.succeeded("t-1", 3, finished_at=NOW)

    assert json.loads(celery_meta.encode(meta)) == {
        "status": "SUCCESS",
        "result": 3,
        "traceback": None,
        "children": [],
        "date_done": "2026-11-22T04:55:12.841992+00:00",
        "task_id": "t-1",
    }


def test_an_extended_document_says_where_the_result_came_from() -> None:
    meta = TaskMeta.succeeded(
        "t-1",
        3,
        finished_at=NOW,
        parent_id="p",
        group_id="g",
        name="proj.add",
        args=[1, 2],
        kwargs={},
        worker="w@h",
        retries=0,
        queue="celery",
    )

    document = json.loads(celery_meta.encode(meta, extended=True))

    expected = {"parent_id": "p", "group_id": "g", "name": "proj.add", "args": [1, 2], "kwargs": {}}
    expected |= {"worker": "w@h", "retries": 0, "queue": "celery"}
    assert {name: document[name] for name in expected} == expected
    assert celery_meta.decode("t-1", celery_meta.encode(meta, extended=True)) == meta


@pytest.mark.parametrize(
    "meta",
    [
        TaskMeta.succeeded("t-1", {"a": [1, None, "ü"]}, finished_at=NOW),
        TaskMeta.started("t-1", pid=7, hostname="w@h"),
        TaskMeta.custom("t-1", "PROGRESS", {"done": 1}),
        TaskMeta.succeeded("t-1", NOW, finished_at=NOW, children=[[["c", None], None]]),
    ],
)
def test_celery_reads_our_results(celerys: DictBackend, meta: TaskMeta) -> None:
    read = celery_reads(celerys, meta)

    assert (read["status"], read["result"], read["task_id"]) == (meta.status, meta.result, "t-1")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ValueError("bad", 7), ValueError),
        (errors.TaskRevoked("expired"), TaskRevokedError),
        (errors.MaxRetriesExceeded("no more"), MaxRetriesExceededError),
        (errors.TaskNotRegistered("proj.gone"), NotRegistered),
    ],
)
def test_celery_reads_our_errors_as_its_own(
    celerys: DictBackend, ours: Exception, theirs: type[Exception]
) -> None:
    read = celery_reads(celerys, TaskMeta.failed("t-1", ours, finished_at=NOW, traceback="Traceback ..."))

    assert type(read["result"]) is theirs
    assert read["result"].args == ours.args
    assert read["traceback"] == "Traceback ..."


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (ValueError("bad", 7), ValueError),
        (TaskRevokedError("expired"), errors.TaskRevoked),
        (MaxRetriesExceededError("no more"), errors.MaxRetriesExceeded),
        (NotRegistered("proj.gone"), errors.TaskNotRegistered),
    ],
)
def test_we_read_celerys_errors_as_our_own(
    celerys: DictBackend, theirs: Exception, ours: type[Exception]
) -> None:
    meta = celery_writes(celerys, theirs, "FAILURE", traceback="Traceback ...")

    assert type(meta.result) is ours, qualname(type(meta.result))
    assert meta.result.args == theirs.args
    assert meta.traceback == "Traceback ..."


def test_we_read_celerys_results(celerys: DictBackend) -> None:
    meta = celery_writes(celerys, {"a": NOW}, "SUCCESS")

    assert (meta.status, meta.result) == ("SUCCESS", {"a": NOW})
    assert meta.date_done is not None
    assert meta.date_done.tzinfo is not None


@pytest.mark.parametrize("serializer", ["json", "yaml", "msgpack", "pickle"])
def test_results_are_written_by_any_serializer(serializer: str) -> None:
    success = TaskMeta.succeeded("t-1", {"a": 1}, finished_at=NOW)
    failure = TaskMeta.failed("t-1", KeyError("gone"), finished_at=NOW)

    read = [
        celery_meta.decode("t-1", celery_meta.encode(meta, serializer=serializer), serializer=serializer)
        for meta in (success, failure)
    ]

    assert read[0].result == {"a": 1}
    assert (type(read[1].result), read[1].result.args) == (KeyError, ("gone",))


def test_a_result_that_cannot_be_written_says_so() -> None:
    with pytest.raises(errors.NotSerializable, match="The result cannot be written as json"):
        celery_meta.encode(TaskMeta.succeeded("t-1", object(), finished_at=NOW))


@pytest.mark.parametrize("document", [b"", b"nonsense", b"[]", b'{"result": 1}', b'{"status": 5}'])
def test_a_document_that_is_no_result_is_told_apart(document: bytes) -> None:
    with pytest.raises(errors.ResultStoreError, match="t-1"):
        celery_meta.decode("t-1", document)


def test_a_result_is_kept_as_long_as_the_settings_say() -> None:
    meta = TaskMeta.succeeded("t-1", 3, finished_at=NOW)

    assert celery_meta.to_write(meta, ResultSettings(), now=1000.0).expires_at == 1000.0 + 86400
    assert celery_meta.to_write(meta, ResultSettings(expires=None), now=1000.0).expires_at is None
