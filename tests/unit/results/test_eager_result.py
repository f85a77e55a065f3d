"""Results of tasks that were run in the calling process."""

import pickle
from typing import Any

import pytest

from sedano import states
from sedano.errors import TaskRevoked
from sedano.result import ResultSet, denied_join_result
from sedano.results.eager_result import EagerResult


@pytest.mark.parametrize("state", [states.SUCCESS, states.FAILURE, states.RETRY])
def test_an_eager_result_is_there_already(state: str) -> None:
    value: Any = 42 if state == states.SUCCESS else KeyError("gone")
    result = EagerResult[int]("t-1", value, state, traceback="text", name="proj.add")

    assert (result.id, result.state, result.result, result.traceback) == ("t-1", state, value, "text")
    assert (result.ready(), result.name) == (True, "proj.add")
    assert result.get(propagate=False) is value
    if state == states.FAILURE:
        with pytest.raises(KeyError):
            result.get()
    back = pickle.loads(pickle.dumps(result))  # noqa: S301
    assert (back.state, repr(back.result)) == (state, repr(value))


def test_an_eager_result_may_be_revoked_and_forgotten() -> None:
    result = EagerResult[int]("t-1", 42, states.SUCCESS)

    result.forget()
    result.revoke()

    assert (result.state, result.exists()) == (states.REVOKED, True)
    with pytest.raises(TaskRevoked):
        result.get()


def test_an_eager_result_calls_back_at_once() -> None:
    told: list[object] = []
    result = EagerResult[int]("t-1", 42, states.SUCCESS)

    result.then(told.append)
    result.get(callback=lambda task_id, value: told.append((task_id, value)))

    assert told == [result, ("t-1", 42)]


def test_an_eager_result_is_refused_only_where_the_user_said_so() -> None:
    result = EagerResult[int]("t-1", 42, states.SUCCESS)

    with denied_join_result():
        with pytest.raises(RuntimeError, match="waits for another task's result"):
            result.get()
        assert result.get(disable_sync_subtasks=False) == 42


def test_an_eager_result_knows_what_its_task_has_started() -> None:
    child = EagerResult[int]("child", 1, states.SUCCESS)
    result = EagerResult[int]("t-1", 42, states.SUCCESS, children=[child])

    assert result.children == [child]
    assert [value for _, value in result.collect()] == [42, 1]
    assert EagerResult[int]("t-1", 42, states.SUCCESS).children == []


def test_eager_results_are_waited_for_together() -> None:
    results = ResultSet([EagerResult[int](str(n), n, states.SUCCESS) for n in range(3)])

    assert (results.ready(), results.get(), results.completed_count()) == (True, [0, 1, 2], 3)
    results.revoke()
    assert results.successful() is False
