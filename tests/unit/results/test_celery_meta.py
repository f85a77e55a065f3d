"""Result documents: what we store is what Celery stores, and either reads the other's."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import celery
import pytest
from celery.app.task import Context
from celery.backends.base import KeyValueStoreBackend
from celery.exceptions import MaxRetriesExceededError, NotRegistered, TaskRevokedError
from celery.utils.imports import qualname

from sedano import AsyncResult, errors
from sedano.result import GroupResult
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


@pytest.mark.parametrize("moment", [NOW, NOW.replace(microsecond=0), NOW.replace(microsecond=841000)])
@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-3.5)), ZoneInfo("UTC"), None])
def test_a_moment_is_written_as_celery_writes_it(moment: datetime, zone: Any) -> None:
    moment = moment.replace(tzinfo=zone)

    document = celery_meta.encode(TaskMeta.succeeded("t-1", None, finished_at=moment))

    assert json.loads(document)["date_done"] == moment.isoformat()


@pytest.mark.parametrize(
    "result", [2**70, -5, 0.5, float("inf"), "\ud800", "ü", True, None, {"a": 2**70}, ["\ud800"], (1, 2)]
)
def test_the_quick_way_writes_what_the_serializer_writes(result: Any) -> None:
    origin: dict[str, Any] = {"group_id": "g", "parent_id": "\ud800", "children": [[["ü", None], None]]}
    meta = TaskMeta.succeeded("t-1", result, finished_at=NOW, **origin)

    read = json.loads(celery_meta.encode(meta))

    expected = {"status": "SUCCESS", "result": json.loads(json.dumps(result)), "traceback": None}
    assert read == expected | origin | {"task_id": "t-1", "date_done": NOW.isoformat()}
    assert list(read) == [
        "status",
        "result",
        "traceback",
        "children",
        "date_done",
        "group_id",
        "parent_id",
        "task_id",
    ]


def test_a_result_that_is_the_result_of_a_task_is_stored_as_its_tuple(celerys: DictBackend) -> None:
    ours = GroupResult("g", [AsyncResult("a", parent=AsyncResult("p"))])
    theirs = celerys.app.GroupResult("g", [celerys.app.AsyncResult("a", parent=celerys.app.AsyncResult("p"))])

    read = celery_reads(celerys, TaskMeta.succeeded("t-1", ours, finished_at=NOW))

    assert read["result"] == celery_writes(celerys, theirs, "SUCCESS").result
    pickled = celery_meta.encode(TaskMeta.succeeded("t-1", ours, finished_at=NOW), serializer="pickle")
    assert celery_meta.decode("t-1", pickled, serializer="pickle").result == ours


def test_stamps_stand_in_an_extended_document_as_celery_has_them(celerys: DictBackend) -> None:
    stamps = {"tenant": "x", "kept_back": 1, "trace": ["1", "2"]}
    request = Context(task="proj.add", args=[], kwargs={}, stamps=stamps, stamped_headers=["tenant", "trace"])
    celerys.app.conf.result_extended = True
    theirs = celery_writes(celerys, 3, "SUCCESS", request=request)
    meta = TaskMeta.succeeded(
        "t-1", 3, finished_at=NOW, stamped_headers=["tenant", "trace"], stamps=stamps, name="proj.add"
    )

    document = json.loads(celery_meta.encode(meta, extended=True))

    assert (theirs.stamped_headers, theirs.stamps) == (
        ["tenant", "trace"],
        {"tenant": "x", "trace": ["1", "2"]},
    )
    assert (document["stamped_headers"], document["tenant"]) == (["tenant", "trace"], "x")
    assert "kept_back" not in document
    assert "tenant" not in json.loads(celery_meta.encode(meta))
    assert celery_meta.decode("t-1", json.dumps(document).encode()).stamps == theirs.stamps


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "lzma"])
def test_compressed_results_are_read_on_either_side(celerys: DictBackend, compression: str) -> None:
    meta = TaskMeta.succeeded("t-1", "x" * 1000, finished_at=NOW)
    ours = celery_meta.encode(meta, compression=compression)
    celerys.kept["celery-task-meta-t-1"] = ours
    celerys.compression = compression

    assert len(ours) < 300
    assert celerys.get_task_meta("t-1", cache=False)["result"] == "x" * 1000
    assert celery_meta.decode("t-1", ours) == meta
    assert celery_writes(celerys, "y", "SUCCESS").result == "x" * 1000  # Celery lets a SUCCESS stand
    celerys.kept.clear()
    assert celery_writes(celerys, "y", "SUCCESS").result == "y"
    assert celerys.kept["celery-task-meta-t-1"].startswith(b"\0celery-compressed\0")


def test_results_are_compressed_where_the_settings_say_so() -> None:
    settings = ResultSettings(compression="gzip")

    document = celery_meta.to_write(
        TaskMeta.succeeded("t-1", 3, finished_at=NOW), settings, now=1000.0
    ).document

    assert document.startswith(b"\0celery-compressed\0application/x-gzip\0")
    with pytest.raises(errors.ConfigurationError, match="gzipp"):
        celery_meta.encode(TaskMeta(task_id="t-1"), compression="gzipp")


@pytest.mark.parametrize("document", [b"", b"gone", b"application/x-gzip", b"application/x-gzip\0nonsense"])
def test_a_broken_compressed_result_is_told_apart(document: bytes) -> None:
    with pytest.raises(errors.ResultStoreError, match="t-1"):
        celery_meta.decode("t-1", b"\0celery-compressed\0" + document)


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
