"""Workflows that are run here and now: ``apply``, and everything with ``task_always_eager``."""

from typing import Any

import pytest

from sedano import Sedano
from sedano.canvas import chain, chord, group
from sedano.results.group_result import GroupResult


class Shop:
    """An application with some tasks, and what they were called with."""

    def __init__(self, **settings: Any) -> None:
        self.app = Sedano(
            "shop", broker="memory://", set_as_current=False, task_eager_propagates=False, **settings
        )
        self.calls: list[Any] = []

        @self.app.task
        def add(*numbers: int) -> int:
            self.calls.append(numbers)
            return sum(numbers)

        @self.app.task
        def total(numbers: list[int]) -> int:
            self.calls.append(numbers)
            return sum(numbers)

        @self.app.task
        def fail(*args: Any) -> None:
            raise ValueError("failed")

        @self.app.task
        def note(*args: Any) -> None:
            self.calls.append(("noted", *args))

        self.add, self.total, self.fail, self.note = add, total, fail, note


@pytest.fixture
def shop() -> Shop:
    return Shop(task_always_eager=True)


def test_each_step_gets_the_result_of_the_one_before(shop: Shop) -> None:
    result = (shop.add.s(1) | shop.add.s(2) | shop.add.s(3))(4)

    assert result.get() == 10
    assert result.parent.get() == 7
    assert result.parent.parent.get() == 5


def test_the_members_of_a_group_run_in_their_order(shop: Shop) -> None:
    result = group(shop.add.s(1), group(shop.add.s(2), shop.add.s(3)))(10)

    assert isinstance(result, GroupResult)
    assert result.get() == [11, 12, 13]


def test_a_body_gets_the_list_of_the_headers_results(shop: Shop) -> None:
    result = chord([shop.add.s(1), shop.add.s(2)])(shop.total.s())

    assert result.get() == 3
    assert result.parent.get() == [1, 2]


def test_shapes_in_shapes_run_through(shop: Shop) -> None:
    workflow = chain(
        shop.add.s(1), group(shop.add.s(1), shop.add.s(2) | shop.add.s(3)), shop.total.s(), shop.add.s(100)
    )

    assert workflow.delay().get() == 108


def test_maps_and_chunks_run_through(shop: Shop) -> None:
    assert shop.add.map([1, 2]).delay().get() == [1, 2]
    assert shop.add.starmap([(1, 2), (3, 4)]).delay().get() == [3, 7]
    assert shop.add.chunks([(1, 2), (3, 4), (5, 6)], 2)().get() == [[3, 7], [11]]


def test_callbacks_follow_the_end_of_each_shape(shop: Shop) -> None:
    for workflow in (shop.add.s(1) | shop.add.s(2), chord([shop.add.s(1), shop.add.s(2)], shop.total.s())):
        shop.calls.clear()
        workflow.apply_async(link=shop.note.s())
        assert shop.calls[-1] == ("noted", 3)
        assert [call[0] for call in shop.calls].count("noted") == 1


def test_an_empty_chain_is_nothing_and_an_empty_group_an_empty_result(shop: Shop) -> None:
    assert chain(app=shop.app).delay() is None
    assert group([], app=shop.app).delay().get() == []


def test_a_failed_step_is_raised_before_the_next(shop: Shop) -> None:
    with pytest.raises(ValueError, match="failed"):
        (shop.fail.s() | shop.add.s(1)).delay()

    assert shop.calls == []


def test_a_workflow_can_be_run_here_though_others_are_published() -> None:
    shop = Shop()

    assert (shop.add.s(1) | shop.add.s(2)).apply((3,)).get() == 6
    assert group(shop.add.s(1), shop.add.s(2)).apply().get() == [1, 2]
    assert (group(shop.add.s(1), shop.add.s(2)) | shop.total.s()).apply().get() == 3
