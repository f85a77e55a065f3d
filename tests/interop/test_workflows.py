"""Workflows that both libraries have a hand in: published by one, their steps run by workers of either."""

import json
from collections.abc import Iterator
from itertools import cycle
from types import SimpleNamespace
from typing import Any, Final

import celery
import pytest
import redis
from celery import group
from celery.result import GroupResult

import sedano
from sedano.errors import ChordError
from tests.acceptance.workers import wait_until
from tests.interop.mixed_cluster import LIBRARIES, Library, MixedCluster
from tests.interop.shop import OutOfStock
from tests.interop.way import PATIENCE

pytestmark = pytest.mark.acceptance

#: Each library's shapes.
CANVAS: Final[dict[Library, Any]] = {
    "celery": SimpleNamespace(chain=celery.chain, group=celery.group, chord=celery.chord),
    "sedano": SimpleNamespace(chain=sedano.chain, group=sedano.group, chord=sedano.chord),
}
#: Whose workers run the first step and the next, by turns.
TURNS: Final = (("celery", "sedano"), ("sedano", "celery"), ("sedano", "sedano"))


class Client:
    """Makes and publishes workflows with one library; the steps go to the two workers by turns."""

    def __init__(self, cluster: MixedCluster, library: Library, turns: tuple[Library, ...]) -> None:
        self.cluster = cluster
        self.app: Any = cluster.app(library)
        self.canvas: Any = CANVAS[library]
        self._turns: Iterator[Library] = cycle(turns)

    def step(self, task: str, *args: Any, **kwargs: Any) -> Any:
        """The signature of one step, for the worker whose turn it is."""
        signature = self.app.tasks[f"shop.{task}"].s(*args, **kwargs)
        return signature.set(queue=f"to-{next(self._turns)}")


#: Whose client, on which broker, for whose workers. What is said of workflows is said to the result store,
#: so that one turn shows whether another broker brings the messages.
CLIENTS: Final = (
    *((library, "redis", turns) for library in LIBRARIES for turns in TURNS),
    ("celery", "rabbitmq", TURNS[0]),
    ("sedano", "rabbitmq", TURNS[1]),
)


@pytest.fixture(params=CLIENTS, ids=lambda client: f"{client[0]} on {client[1]} to {' and '.join(client[2])}")
def client(request: pytest.FixtureRequest) -> Client:
    """A client of each library."""
    library, broker, turns = request.param
    return Client(request.getfixturevalue(f"{broker}_cluster"), library, turns)


# -- groups: messages with a group's id


def test_a_group_is_gathered_from_workers_of_both(cluster: MixedCluster, redis_url: str) -> None:
    add = cluster.celery.tasks["shop.add"]
    queues = [f"to-{library}" for library in LIBRARIES] * 3

    result = group(add.s(number, 1).set(queue=queue) for number, queue in enumerate(queues)).apply_async()

    assert result.get(timeout=PATIENCE) == [1, 2, 3, 4, 5, 6]
    assert result.successful()
    assert result.completed_count() == 6
    for member in result:
        assert cluster.sedano.AsyncResult(member.id).get(timeout=PATIENCE) == member.get()
        assert _document(redis_url, f"celery-task-meta-{member.id}")["group_id"] == result.id


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")  # by Celery
def test_a_saved_group_is_restored(cluster: MixedCluster) -> None:
    add = cluster.celery.tasks["shop.add"]
    result = group(add.s(number, 1).set(queue="to-sedano") for number in range(3)).apply_async()
    result.save()

    restored = GroupResult.restore(result.id, app=cluster.celery)

    assert restored.get(timeout=PATIENCE) == [1, 2, 3]
    result.delete()


def test_a_group_fails_with_its_member(cluster: MixedCluster) -> None:
    tasks = cluster.celery.tasks
    result = group(
        tasks["shop.add"].s(1, 1).set(queue="to-sedano"),
        tasks["shop.take"].s("pears", 3).set(queue="to-sedano"),
    ).apply_async()

    with pytest.raises(OutOfStock):
        result.get(timeout=PATIENCE)

    assert [member.state for member in result] == ["SUCCESS", "FAILURE"]


def test_celery_gathers_what_we_published(cluster: MixedCluster) -> None:
    add = cluster.sedano.tasks["shop.add"]
    queues = [f"to-{library}" for library in LIBRARIES] * 2

    published = [add.apply_async((number, 1), queue=queue) for number, queue in enumerate(queues)]
    members = [cluster.celery.AsyncResult(result.id) for result in published]

    assert GroupResult("ours", members, app=cluster.celery).get(timeout=PATIENCE) == [1, 2, 3, 4]


# -- steps one after the other


def test_a_callback_gets_the_result(client: Client) -> None:
    result = client.step("add", 1, 2).apply_async(link=client.step("add", 10))

    assert result.get(timeout=PATIENCE) == 3
    assert [child.get(timeout=PATIENCE) for child in result.children] == [13]


def test_several_callbacks_get_the_result(client: Client) -> None:
    links = [client.step("add", 10), client.step("add", 20)]
    result = client.step("add", 1, 2).apply_async(link=links)

    assert result.get(timeout=PATIENCE) == 3
    wait_until(lambda: len(members(result)) == 2, what="the callbacks are published")
    assert sorted(child.get(timeout=PATIENCE) for child in members(result)) == [13, 23]


def test_an_error_callback_is_run_once(client: Client, key: str) -> None:
    result = client.step("take", "pears", 3).apply_async(
        link_error=client.step("blame", key).set(immutable=True)
    )

    with pytest.raises(OutOfStock):
        result.get(timeout=PATIENCE)
    wait_until(lambda: blamed(client, key) == 1, what="the error callback has run")


def test_a_chain_goes_from_worker_to_worker(client: Client) -> None:
    steps = [client.step("add", 1, 2), *(client.step("add", 10**power) for power in range(1, 5))]

    result = client.canvas.chain(*steps).apply_async()

    assert result.get(timeout=PATIENCE) == 11113
    values = [(one := result).get(timeout=PATIENCE)]
    while one.parent is not None:
        one = one.parent
        values.append(one.get(timeout=PATIENCE))
    assert values == [11113, 1113, 113, 13, 3]


def test_a_chain_ends_with_the_step_that_fails(client: Client, key: str) -> None:
    steps = [client.step("add", 1, 2), client.step("take", 1), client.step("work"), client.step("work")]

    result = client.canvas.chain(*steps).apply_async(link_error=client.step("blame", key).set(immutable=True))

    with pytest.raises(OutOfStock):
        result.get(timeout=PATIENCE)
    wait_until(lambda: result.state == "FAILURE", what="the last step has failed as well")
    wait_until(lambda: blamed(client, key) == 1, what="the error callback has run")


def test_a_step_that_is_run_again_is_followed_once(client: Client, key: str) -> None:
    result = client.canvas.chain(client.step("try_again", key, 2), client.step("add", 10)).apply_async()

    assert result.get(timeout=PATIENCE) == 12


# -- chords


def test_the_body_gets_the_results_in_order(client: Client) -> None:
    header = [client.step("add", number, 100) for number in range(12)]

    result = client.canvas.chord(header, client.step("echo")).apply_async()

    assert result.get(timeout=PATIENCE) == list(range(100, 112))
    assert result.parent.get(timeout=PATIENCE) == list(range(100, 112))


def test_a_group_in_the_middle_of_a_chain(client: Client) -> None:
    several = client.canvas.group(client.step("add", number) for number in range(4))

    result = client.canvas.chain(
        client.step("add", 1, 2), several, client.step("total"), client.step("add", 1000)
    ).apply_async()

    assert result.get(timeout=PATIENCE) == 1018


def test_a_chain_that_ends_in_a_group(client: Client) -> None:
    several = client.canvas.group(client.step("add", number) for number in range(4))

    result = client.canvas.chain(client.step("add", 1, 2), several).apply_async()

    assert result.get(timeout=PATIENCE) == [3, 4, 5, 6]


def test_chords_within_chords(client: Client) -> None:
    inner = [
        client.canvas.chord([client.step("add", number, 1) for number in range(3)], client.step("total"))
        for _ in range(3)
    ]

    result = client.canvas.chord([*inner, client.step("add", 1, 1)], client.step("echo")).apply_async()

    assert result.get(timeout=PATIENCE) == [6, 6, 6, 2]


def test_chains_in_the_header_of_a_chord(client: Client) -> None:
    chains = [
        client.canvas.chain(client.step("add", number, 1), client.step("add", 10), client.step("add", 100))
        for number in range(4)
    ]

    result = client.canvas.chord(chains, client.step("echo")).apply_async()

    assert result.get(timeout=PATIENCE) == [111, 112, 113, 114]


def test_a_body_that_is_a_chain(client: Client) -> None:
    header = [client.step("add", number, 0) for number in range(4)]
    body = client.canvas.chain(client.step("total"), client.step("add", 10))

    result = client.canvas.chord(header, body).apply_async()

    assert result.get(timeout=PATIENCE) == 16


def test_a_chord_fails_with_its_member(client: Client, key: str) -> None:
    header = [client.step("fail_at_times", key, fails) for fails in (False, True, False, False)]
    body = client.step("total").on_error(client.step("blame", key).set(immutable=True))

    result = client.canvas.chord(header, body).apply_async()

    with pytest.raises((ChordError, celery.exceptions.ChordError, OutOfStock)):
        result.get(timeout=PATIENCE)
    wait_until(lambda: result.state == "FAILURE", what="the body has failed")
    wait_until(lambda: blamed(client, key) == 1, what="the error callback has run")
    assert (
        len([1 for word, name, *_ in client.cluster.journal.lines() if (word, name) == ("start", key)]) == 4
    )


def test_members_that_are_run_again_keep_their_places(client: Client, key: str) -> None:
    header = [client.step("try_again", f"{key}-{number}", number % 3) for number in range(5)]

    result = client.canvas.chord(header, client.step("echo")).apply_async()

    assert result.get(timeout=PATIENCE) == [0, 1, 2, 0, 1]


def test_a_member_that_is_replaced_keeps_its_place(client: Client) -> None:
    header = [client.step("add", 1, 0), client.step("replace", 2, "to-sedano"), client.step("add", 3, 0)]

    result = client.canvas.chord(header, client.step("echo")).apply_async()

    assert result.get(timeout=PATIENCE) == [1, 102, 3]


def test_a_member_brings_another_one(client: Client) -> None:
    header = [client.step("add", 1, 0), client.step("join_in", 2, "to-celery"), client.step("add", 3, 0)]

    result = client.canvas.chord(header, client.step("total")).apply_async()

    assert result.get(timeout=PATIENCE) == 1 + 2 + 3 + 1002


def test_a_member_that_keeps_no_result_counts(client: Client) -> None:
    header = [client.step("add", number, 1).set(ignore_result=True) for number in range(4)]

    result = client.canvas.chord(header, client.step("total")).apply_async()

    assert result.get(timeout=PATIENCE) == 10


def blamed(client: Client, key: str) -> int:
    """How often the error callback has run."""
    return len(client.cluster.journal.times("blame", key))


def members(result: Any) -> list[Any]:
    """The children of a task, those of groups among them."""
    return [leaf for child in result.children for leaf in getattr(child, "results", [child])]


def _document(url: str, key: str) -> Any:
    with redis.Redis.from_url(url) as client:
        return json.loads(client.get(key))  # type: ignore[arg-type]
