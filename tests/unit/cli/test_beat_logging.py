"""``sedano beat`` logs as the application wants it."""

import logging
import signal
import sys
from collections.abc import Iterator

import pytest

from sedano import signals
from tests.unit.cli.project import Project

TASKS = """
    from sedano import Sedano, signals

    app = Sedano("tasks", broker="sqlite:///queue.db", worker_log_format="%(message)s, it says")

    heard = []

    @signals.beat_init.connect
    def end_at_once(sender, **kwargs):
        sender.stop()

    def set_up_nothing(**kwargs):
        heard.append(kwargs)
"""


@pytest.fixture
def shop(project: Project) -> Iterator[Project]:
    """What the command does to the process and its signals ends with the test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield project
    for number, handler in before.items():
        signal.signal(number, handler)
    tasks = sys.modules["tasks"]
    signals.beat_init.disconnect(tasks.end_at_once)
    signals.setup_logging.disconnect(tasks.set_up_nothing)


def beat(project: Project, monkeypatch: pytest.MonkeyPatch, *options: str) -> list[logging.Handler]:
    """Run the command; the handlers that it has given the root logger."""
    handlers: list[logging.Handler] = []
    with monkeypatch.context() as patch:
        patch.setattr(logging.getLogger(), "handlers", handlers)
        assert project.run("-A", "tasks", "beat", *options).code == 0
    return handlers


def test_lines_look_as_the_settings_say(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write("tasks.py", TASKS)

    (handler,) = beat(shop, monkeypatch)

    assert handler.format(logging.makeLogRecord({"msg": "It is late"})) == "It is late, it says"


def test_a_receiver_of_setup_logging_does_it_instead(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write("tasks.py", TASKS + "    signals.setup_logging.connect(set_up_nothing)\n")

    assert beat(shop, monkeypatch, "-l", "info", "-f", "beat.log") == []

    heard = sys.modules["tasks"].heard
    assert [(told["loglevel"], told["logfile"]) for told in heard] == [(20, "beat.log")]
