"""``sedano status``, ``purge`` and ``dead``: looking at the broker and steering it."""

import io
import sys
from datetime import timedelta

import pytest

from sedano.app import Sedano
from sedano.brokers.settlement import Bury
from sedano.cli.find_app import find_app
from tests.unit.cli.project import Project


def publish(count: int = 1, queue: str = "celery") -> None:
    app = find_app("tasks")
    for number in range(count):
        app.tasks["tasks.add"].apply_async((number,), queue=queue)
    app.close()


def bury(count: int = 1) -> None:
    publish(count)
    app = find_app("tasks")
    lease = app.broker.lease("w1@here", duration=timedelta(seconds=10))
    deliveries = lease.claim(["celery"], count).deliveries
    lease.claim([], 0, [Bury(delivery.tag, "it was rotten") for delivery in deliveries])
    lease.end()
    app.close()


def waiting(app: Sedano, queue: str = "celery") -> int:
    try:
        return app.broker.admin.depth(queue).ready
    finally:
        app.close()


# -- status


def test_status_shows_queues_and_says_when_no_worker_runs(project: Project) -> None:
    project.with_tasks()
    publish(3)

    ran = project.run("-A", "tasks", "status")

    assert ran.code == 69
    assert "No worker is running" in ran.out
    assert ["celery", "3"] in [line.split()[:2] for line in ran.out.splitlines()]
    assert "Dead letters: 0" in ran.out


def test_status_lists_the_workers_that_hold_a_lease(project: Project) -> None:
    project.with_tasks()
    app = find_app("tasks")
    lease = app.broker.lease("w1@here", duration=timedelta(seconds=10))
    lease.renew([])

    ran = project.run("-A", "tasks", "status", "--json")
    other = project.run("-A", "tasks", "status", "-d", "w2@here", "--json")

    assert ran.code == 0
    assert [node["node"] for node in ran.json()["nodes"]] == ["w1@here"]
    assert other.code == 69
    lease.end()
    app.close()


def test_status_in_json_has_depths_and_dead_letters(project: Project) -> None:
    project.with_tasks()
    bury()
    publish(2, queue="mail")

    document = project.run("-A", "tasks", "status", "--json").json()

    depths = {queue["queue"]: queue["ready"] for queue in document["queues"]}
    assert depths == {"celery": 0, "mail": 2}
    assert document["dead_letters"] == 1


# -- purge


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_purge_asks_and_leaves_everything_when_told_no(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.with_tasks()
    publish(3)
    answer(monkeypatch, "n\n")

    ran = project.run("-A", "tasks", "purge")

    assert ran.code == 130
    assert "celery (3)" in ran.out
    assert waiting(find_app("tasks")) == 3


def test_purge_deletes_when_told_yes(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.with_tasks()
    publish(3)
    answer(monkeypatch, "y\n")

    ran = project.run("-A", "tasks", "purge")

    assert ran.code == 0
    assert "Deleted 3 tasks from celery." in ran.out
    assert waiting(find_app("tasks")) == 0


def test_purge_with_force_takes_the_queues_of_the_settings_and_names_the_others(project: Project) -> None:
    project.with_tasks()
    publish(3)
    publish(1, queue="mail")

    ran = project.run("-A", "tasks", "purge", "-f")

    assert "Deleted 3 tasks" in ran.out
    assert "mail" in ran.err
    assert waiting(find_app("tasks"), "mail") == 1


def test_purge_takes_the_queues_it_is_given_and_no_excluded_ones(project: Project) -> None:
    project.with_tasks()
    publish(1)
    publish(1, queue="mail")

    project.run("-A", "tasks", "purge", "-f", "-Q", "celery,mail", "-X", "celery")

    assert waiting(find_app("tasks"), "mail") == 0
    assert waiting(find_app("tasks")) == 1


# -- dead letters


def test_dead_letters_are_listed_with_their_reason(project: Project) -> None:
    project.with_tasks()
    bury()

    text = project.run("-A", "tasks", "dead", "list")
    (letter,) = project.run("-A", "tasks", "dead", "list", "--json").json()

    assert "it was rotten" in text.out
    assert letter["task"] == "tasks.add"
    assert letter["reason"] == "it was rotten"


def test_no_dead_letters_is_said_in_words(project: Project) -> None:
    assert "no dead letters" in project.with_tasks().run("-A", "tasks", "dead", "list").out


def test_a_dead_letter_is_replayed_by_its_key(project: Project) -> None:
    project.with_tasks()
    bury(2)
    key = project.run("-A", "tasks", "dead", "list", "--json").json()[0]["key"]

    ran = project.run("-A", "tasks", "dead", "replay", str(key))

    assert "Replayed 1 dead letter." in ran.out
    assert waiting(find_app("tasks")) == 1


def test_all_dead_letters_are_replayed_at_once(project: Project) -> None:
    project.with_tasks()
    bury(3)

    project.run("-A", "tasks", "dead", "replay", "--all")

    assert waiting(find_app("tasks")) == 3
    assert project.run("-A", "tasks", "dead", "list", "--json").json() == []


def test_dead_letters_are_discarded_for_good(project: Project) -> None:
    project.with_tasks()
    bury(3)

    ran = project.run("-A", "tasks", "dead", "discard", "--all", "--force")

    assert "Discarded 3 dead letters." in ran.out
    assert project.run("-A", "tasks", "dead", "list", "--json").json() == []


def test_a_key_of_no_letter_is_an_error(project: Project) -> None:
    ran = project.with_tasks().run("-A", "tasks", "dead", "replay", "4711")

    assert ran.code == 1
    assert "named no dead letter" in ran.err


def test_replay_wants_to_know_which(project: Project) -> None:
    ran = project.with_tasks().run("-A", "tasks", "dead", "replay")

    assert ran.code == 2
    assert "--all" in ran.err
