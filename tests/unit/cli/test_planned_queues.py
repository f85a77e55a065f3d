"""Which queues a worker serves: those of ``task_queues``, or those that ``-Q`` names, by name or by alias."""

from typing import Any

import msgspec
import pytest

from sedano import Broadcast, Exchange, Queue, Sedano
from sedano.cli.planning import make_plan
from sedano.cli.queue_names import configured_queues
from sedano.errors import QueueNotFound
from sedano.worker.options import NodeOptions
from sedano.worker.plan import NodePlan

QUEUES = [Queue("mails"), Queue("video", Exchange("media", type="topic"), "media.#", alias="films")]


def app_with(**settings: Any) -> Sedano:
    return Sedano("proj", set_as_current=False, changes={"broker_url": "amqp://localhost//", **settings})


def planned(app: Sedano, *queues: str, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    return make_plan(app, NodeOptions(queues=queues or None, exclude_queues=without)).queues


def test_without_a_choice_those_of_the_settings_are_served() -> None:
    assert planned(app_with(task_queues=QUEUES)) == ("mails", "video")
    assert planned(app_with()) == ("celery",)


def test_a_queue_may_be_chosen_and_left_out_by_its_alias() -> None:
    app = app_with(task_queues=QUEUES)

    assert planned(app, "films", "other") == ("video", "other")
    assert planned(app, without=("films",)) == ("mails",)


def test_a_queue_that_may_not_be_made_cannot_be_served() -> None:
    app = app_with(task_queues=QUEUES, task_create_missing_queues=False)

    assert planned(app, "mails") == ("mails",)
    with pytest.raises(QueueNotFound, match="'other' is not in task_queues"):
        planned(app, "other")


def test_each_worker_serves_a_broadcast_queue_of_its_own() -> None:
    broadcast = Broadcast("news")
    app = app_with(task_queues=[Queue("mails"), broadcast])

    assert planned(app) == ("mails", broadcast.name)
    assert planned(app, "news") == (broadcast.name,)
    assert configured_queues(app) == ["celery", "mails"]


def test_what_a_parent_needs_for_rabbitmq_travels_in_its_plan() -> None:
    plan = make_plan(app_with(task_queues=QUEUES, result_backend="rpc://"), NodeOptions())

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(plan), type=NodePlan) == plan
    assert plan.wiring is not None
    assert [queue.name for queue in plan.wiring.queues.queues or ()] == ["mails", "video"]
    assert plan.result_url == "rpc+amqp://localhost//"


def test_other_brokers_plans_have_nothing_of_it() -> None:
    assert make_plan(app_with(broker_url="memory://"), NodeOptions(pool="solo")).wiring is None
