"""The results of groups: as tuples, saved, and found again; compared with Celery's own."""

import copy
import json
import pickle
from collections.abc import Iterator
from typing import Any

import celery
import celery.result
import pytest

from sedano import Sedano
from sedano.errors import ConfigurationError, ResultStoreError
from sedano.result import GroupResult, ResultBase, result_from_tuple
from sedano.results import celery_meta
from sedano.testing.clock import ManualClock


@pytest.fixture
def app() -> Iterator[Sedano]:
    with Sedano("proj", broker="memory://", clock=ManualClock()) as app:
        yield app


@pytest.fixture
def theirs() -> Iterator[celery.Celery]:
    with celery.Celery("theirs", backend="cache+memory://", set_as_current=False) as app:
        yield app


def trees(app: Any) -> list[Any]:
    """Results of all shapes, made by an application of ours or by one of Celery's."""
    one = app.AsyncResult("one")
    two = app.AsyncResult("two", parent=one)
    group = app.GroupResult("g", [one, two])
    nested = app.GroupResult("outer", [two, group], parent=app.AsyncResult("before"))
    body = app.AsyncResult("body", parent=nested)
    return [one, two, group, nested, body, app.GroupResult("empty", [])]


def test_results_have_celerys_tuples(app: Sedano, theirs: celery.Celery) -> None:
    assert [result.as_tuple() for result in trees(app)] == [result.as_tuple() for result in trees(theirs)]


def test_results_read_as_celerys_do(app: Sedano, theirs: celery.Celery) -> None:
    for ours, celerys in zip(trees(app), trees(theirs), strict=True):
        assert (repr(ours), str(ours), bool(ours)) == (repr(celerys), str(celerys), bool(celerys))
        assert hash(ours) == hash(celerys)


def test_tuples_are_read_on_either_side(app: Sedano, theirs: celery.Celery) -> None:
    for ours, celerys in zip(trees(app), trees(theirs), strict=True):
        written = json.loads(json.dumps(ours.as_tuple()))
        assert result_from_tuple(written, app) == ours
        assert celery.result.result_from_tuple(written, theirs) == celerys
        assert result_from_tuple(celerys.as_tuple(), app) == ours


def test_what_comes_from_a_tuple_belongs_to_the_application(app: Sedano) -> None:
    body = trees(app)[4]

    back = result_from_tuple(body.as_tuple(), app)

    group = back.parent
    assert isinstance(group, GroupResult)
    assert {part.app for part in (back, group, group[0], group[1], group[1][0])} == {app}


def test_short_forms_of_tuples_are_read(app: Sedano) -> None:
    result = app.AsyncResult("one")

    assert result_from_tuple(["one", None], app) == result
    assert result_from_tuple(result, app) is result
    assert result_from_tuple([["two", result], None], app).parent is result


@pytest.mark.parametrize("written", [None, [], "one", 5, [[1, 2, 3], None], ["one"]])
def test_what_is_no_tuple_is_refused(app: Sedano, written: Any) -> None:
    with pytest.raises(ResultStoreError, match="no result of a task or a group"):
        result_from_tuple(written, app)


def test_groups_are_equal_by_id_members_and_parent(app: Sedano) -> None:
    def group(parent: ResultBase | None = None) -> GroupResult:
        return app.GroupResult("g", [app.AsyncResult("a")], parent=parent)

    assert group() == group()
    assert group() == "g"
    assert group() != group(app.AsyncResult("p"))
    assert group() != app.GroupResult("g", [])
    assert (bool(GroupResult()), bool(GroupResult("g")), len(group())) == (False, True, 1)
    assert group().children == group().results


def test_a_group_is_pickled_with_all_that_belongs_to_it(app: Sedano) -> None:
    for result in trees(app):
        assert pickle.loads(pickle.dumps(result)) == result  # noqa: S301
        assert copy.copy(result) == result


def test_a_saved_group_is_found_again(app: Sedano) -> None:
    group = app.GroupResult("g", [app.AsyncResult("a"), app.AsyncResult("b")], parent=app.AsyncResult("p"))

    assert group.save() is group

    back = app.GroupResult.restore("g")
    assert back == group
    assert back.app is app
    assert GroupResult.restore("g", backend=app.results) == group
    assert GroupResult.restore("g", app=app) == group
    assert app.GroupResult.restore("unknown") is None
    group.delete()
    assert app.GroupResult.restore("g") is None


def test_a_saved_group_is_celerys_document(app: Sedano, theirs: celery.Celery) -> None:
    ours, celerys = trees(app)[3], trees(theirs)[3]
    celerys.save()

    ours.save()

    written = app.results.groups.get("outer")  # type: ignore[union-attr]
    key = theirs.backend.get_key_for_group("outer")
    assert json.loads(written or b"") == json.loads(theirs.backend.get(key))
    theirs.backend.set(key, written)
    assert theirs.GroupResult.restore("outer").as_tuple() == ours.as_tuple()


def test_a_saved_group_is_kept_as_long_as_results(app: Sedano) -> None:
    app.conf.result_expires = 60
    app.GroupResult("g", [app.AsyncResult("a")]).save()
    clock = app.clock
    assert isinstance(clock, ManualClock)

    clock.advance(59)
    assert app.GroupResult.restore("g") is not None
    clock.advance(2)
    assert app.GroupResult.restore("g") is None


def test_a_group_without_an_id_is_not_saved(app: Sedano) -> None:
    with pytest.raises(ConfigurationError, match="without an id"):
        app.GroupResult(results=[app.AsyncResult("a")]).save()


@pytest.mark.parametrize("document", [b"", b"nonsense", b"[]", b'{"status": 5}'])
def test_a_document_that_is_no_group_is_told_apart(document: bytes) -> None:
    with pytest.raises(ResultStoreError, match="The saved group g"):
        celery_meta.decode_group("g", document)


def test_the_groups_of_an_application_are_groups(app: Sedano) -> None:
    assert isinstance(app.GroupResult("g", []), GroupResult)
    assert app.GroupResult is app.GroupResult
    assert app.GroupResult("g", []).app is app
