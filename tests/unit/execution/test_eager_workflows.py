"""Workflows in the calling process: ``apply()``, and everything under ``task_always_eager``."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sedano import EagerResult, GroupResult, Sedano, chain, chord, group
from sedano.errors import ConfigurationError


class Shop:
    """An application with some tasks; ``seen`` is what ``note`` was called with."""

    def __init__(self, app: Sedano) -> None:
        self.app = app
        self.seen: list[tuple[Any, ...]] = []

        @app.task(name="shop.add")
        def add(x: int, y: int) -> int:
            return x + y

        @app.task(name="shop.total")
        def total(numbers: list[int]) -> int:
            return sum(numbers)

        @app.task(name="shop.fail")
        def fail(*args: object) -> None:
            raise ValueError("no")

        @app.task(name="shop.note")
        def note(*args: object) -> Any:
            self.seen.append(args)
            return args

        @app.task(name="shop.blame")
        def blame(request: Any, error: BaseException, traceback: str) -> None:
            self.seen.append((request.id, repr(error), "ValueError: no" in traceback))

        @app.task(name="shop.blame_bound", bind=True)
        def blame_bound(self_: Any, task_id: str) -> None:
            self.seen.append((task_id, self_.request.parent_id))

        self.add, self.total, self.fail, self.note = add, total, fail, note
        self.blame, self.blame_bound = blame, blame_bound


@pytest.fixture(params=["apply", "task_always_eager"])
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Runs a signature in one of the two ways: they do the same."""

    def run(signature: Any, *args: Any, **options: Any) -> Any:
        if request.param == "apply":
            return signature.apply(args, **options)
        signature.app.conf.task_always_eager = True
        return signature.apply_async(args, **options)

    return run


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Sedano("shop", broker="memory://", set_as_current=False) as app:
        yield Shop(app)


Run = Callable[..., Any]


def test_callbacks_run_with_the_result(shop: Shop, run: Run) -> None:
    signature = shop.add.s(1, 2)
    signature.link(shop.note.s("first"))
    signature.link(shop.note.si("second"))

    result = run(signature)

    assert isinstance(result, EagerResult)
    assert result.get() == 3
    assert shop.seen == [(3, "first"), ("second",)]


def test_a_group_among_the_callbacks_runs_first(shop: Shop, run: Run) -> None:
    signature = shop.add.s(1, 2)
    signature.link(shop.note.s("single"))
    signature.link(group(shop.note.s("in a group")))

    run(signature)

    assert shop.seen == [(3, "in a group"), (3, "single")]


def test_callbacks_do_not_run_after_a_failure(shop: Shop, run: Run) -> None:
    result = run(shop.fail.s(), link=shop.note.s())

    assert (result.state, shop.seen) == ("FAILURE", [])


def test_an_errback_of_several_arguments_is_called_with_the_error(shop: Shop, run: Run) -> None:
    result = run(shop.fail.s().on_error(shop.blame.s()))

    assert shop.seen == [(result.id, "ValueError('no')", True)]


def test_a_bound_errback_is_run_as_a_task_with_the_id(shop: Shop, run: Run) -> None:
    result = run(shop.fail.s().on_error(shop.blame_bound.s()))

    assert shop.seen == [(result.id, result.id)]


def test_an_errback_does_not_run_after_success(shop: Shop, run: Run) -> None:
    run(shop.add.s(1, 2).on_error(shop.blame.s()))

    assert shop.seen == []


def test_an_errback_that_raises_changes_nothing(shop: Shop, run: Run) -> None:
    @shop.app.task(name="shop.stumble")
    def stumble(request: object, error: object, traceback: object) -> None:
        raise RuntimeError

    result = run(shop.fail.s().on_error(stumble.s()))

    assert repr(result.result) == "ValueError('no')"


def test_callbacks_run_once_after_the_last_attempt(shop: Shop, run: Run) -> None:
    @shop.app.task(name="shop.again", bind=True)
    def again(self: Any) -> int:
        if self.request.retries < 2:
            raise self.retry(countdown=0)
        return int(self.request.retries)

    result = run(again.s(), link=shop.note.s())

    assert (result.get(), shop.seen) == (2, [(2,)])


def test_a_chain_hands_results_on_and_links_its_parents(shop: Shop, run: Run) -> None:
    result = run(shop.add.s(1, 2) | shop.add.s(10) | shop.add.s(100))

    assert result.get() == 113
    assert result.parent.get() == 13
    assert result.parent.parent.get() == 3
    assert result.parent.parent.parent is None


def test_arguments_of_the_call_go_to_the_first_step(shop: Shop, run: Run) -> None:
    assert run(chain(shop.add.s(2), shop.add.s(3)), 1).get() == 6


def test_a_callback_of_a_chain_follows_its_last_step(shop: Shop, run: Run) -> None:
    run(chain(shop.add.s(1, 1), shop.add.s(2)), link=shop.note.s())

    assert shop.seen == [(4,)]


def test_a_step_that_fails_raises_before_the_last_one(shop: Shop, run: Run) -> None:
    with pytest.raises(ValueError, match="no"):
        run(shop.add.s(1, 1) | shop.fail.s() | shop.note.s())

    assert shop.seen == []


def test_a_last_step_that_fails_is_the_chains_result(shop: Shop, run: Run) -> None:
    result = run(shop.add.s(1, 1) | shop.fail.s())

    assert (result.state, result.parent.get()) == ("FAILURE", 2)


def test_an_ignored_step_ends_a_chain(shop: Shop, run: Run) -> None:
    from sedano.exceptions import Ignore

    @shop.app.task(name="shop.stop")
    def stop(x: int) -> None:
        raise Ignore

    result = run(shop.add.s(1, 1) | stop.s() | shop.note.s())

    assert (result.state, shop.seen) == ("IGNORED", [])


def test_the_members_of_a_group_run_in_order(shop: Shop, run: Run) -> None:
    result = run(group(shop.add.s(n, n) for n in range(3)))

    assert isinstance(result, GroupResult)
    assert all(isinstance(member, EagerResult) for member in result.results)
    assert result.get() == [0, 2, 4]
    assert (result.ready(), result.successful()) == (True, True)


def test_a_member_that_fails_leaves_the_others_alone(shop: Shop, run: Run) -> None:
    result = run(group(shop.fail.s(), shop.add.s(1, 1)))

    assert [member.state for member in result.results] == ["FAILURE", "SUCCESS"]
    assert result.failed()


def test_an_empty_group_has_an_empty_result(shop: Shop, run: Run) -> None:
    assert run(group([], app=shop.app)).get() == []


def test_a_chord_hands_the_results_of_its_header_to_its_body(shop: Shop, run: Run) -> None:
    result = run(chord([shop.add.s(1, 1), shop.add.s(2, 2)], shop.total.s()))

    assert result.get() == 6


def test_a_chord_in_a_chain(shop: Shop, run: Run) -> None:
    result = run(shop.add.s(1, 1) | group(shop.add.s(1), shop.add.s(2)) | shop.total.s() | shop.add.s(100))

    assert result.get() == 107


def test_an_empty_header_calls_the_body_with_an_empty_list(shop: Shop, run: Run) -> None:
    assert run(chord([], shop.total.s(), app=shop.app)).get() == 0


def test_a_chord_whose_header_fails_raises_and_its_body_does_not_run(shop: Shop, run: Run) -> None:
    with pytest.raises(ValueError, match="no"):
        run(chord([shop.add.s(1, 1), shop.fail.s()], shop.note.s()))

    assert shop.seen == []


def test_a_callback_of_a_chord_follows_its_body(shop: Shop, run: Run) -> None:
    run(chord([shop.add.s(1, 1)], shop.total.s(), app=shop.app), link=shop.note.s())

    assert shop.seen == [(2,)]


def test_chunks_and_maps(shop: Shop, run: Run) -> None:
    assert run(shop.add.chunks(((n, n) for n in range(4)), 3)).get() == [[0, 2, 4], [6]]
    assert run(shop.total.map([[1, 2], [3]])).get() == [3, 3]
    assert run(shop.add.starmap([(1, 2), (3, 4)])).get() == [3, 7]


def test_a_coroutine_is_mapped_too(shop: Shop, run: Run) -> None:
    @shop.app.task(name="shop.double")
    async def double(x: int) -> int:
        return 2 * x

    assert run(double.map([1, 2])).get() == [2, 4]


def test_a_task_that_is_replaced_has_the_result_of_what_replaces_it(shop: Shop, run: Run) -> None:
    @shop.app.task(name="shop.hand_over", bind=True)
    def hand_over(self: Any, x: int) -> Any:
        raise self.replace(shop.add.s(x, 1))

    result = run(hand_over.s(1) | shop.add.s(10))

    assert (result.get(), result.parent.get()) == (12, 2)


def test_a_group_that_replaces_a_task_gives_a_list(shop: Shop, run: Run) -> None:
    @shop.app.task(name="shop.spread", bind=True)
    def spread(self: Any, x: int) -> Any:
        return self.replace(group(shop.add.s(x, n) for n in range(3)))

    assert run(spread.s(1) | shop.total.s()).get() == 6


def test_callbacks_of_a_replaced_task_follow_what_replaces_it(shop: Shop, run: Run) -> None:
    @shop.app.task(name="shop.hand_over", bind=True)
    def hand_over(self: Any, x: int) -> Any:
        return self.replace(shop.add.s(x, 1))

    run(hand_over.s(1), link=shop.note.s())

    assert shop.seen == [(2,)]


def test_what_takes_a_place_in_a_chord_cannot_replace_a_task(shop: Shop, run: Run) -> None:
    @shop.app.task(name="shop.hand_over", bind=True)
    def hand_over(self: Any) -> Any:
        return self.replace(shop.add.s(1, 1).set(chord=shop.total.s()))

    with pytest.raises(ConfigurationError, match="chord"):
        run(hand_over.s()).get()


def test_task_eager_propagates_raises_at_once(shop: Shop, run: Run) -> None:
    shop.app.conf.task_eager_propagates = True

    with pytest.raises(ValueError, match="no"):
        run(group(shop.fail.s(), shop.note.s()))

    assert shop.seen == []


def test_what_a_task_publishes_is_listed_among_its_children(shop: Shop) -> None:
    @shop.app.task(name="shop.send")
    def send() -> None:
        shop.add.delay(1, 2)

    children = send.apply().children

    assert [shop.app.has_message(str(child)) for child in children or []] == [True]
