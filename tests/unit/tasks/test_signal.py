"""Signals: who hears what, and for how long. What Celery's signals do, ours do."""

import functools
import gc
import logging
from collections.abc import Callable
from typing import Any

import pytest
from celery.utils.dispatch import Signal as CelerySignal

from sedano import signals
from sedano.signals import Signal

AnySignal = Any


@pytest.fixture(params=[Signal, CelerySignal], ids=["sedano", "celery"])
def signal(request: pytest.FixtureRequest) -> AnySignal:
    return request.param(name="ping")


class Receiver:
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def hear(self, sender: Any, **named: Any) -> Any:
        self.heard.append(sender)
        return sender


def test_receivers_hear_what_is_sent_and_their_answers_come_back(signal: AnySignal) -> None:
    receiver = Receiver()
    signal.connect(receiver.hear)

    answers = signal.send(sender="me", value=1)

    assert receiver.heard == ["me"]
    assert answers == [(receiver.hear, "me")]
    assert signal.send_robust(sender="me") == answers


def test_receivers_get_the_signal_the_sender_and_what_else_is_sent(signal: AnySignal) -> None:
    heard = []

    @signal.connect
    def hear(**named: Any) -> None:
        heard.append(named)

    signal.send("me", value=1)

    assert heard == [{"signal": signal, "sender": "me", "value": 1}]


def test_a_receiver_may_listen_to_one_sender(signal: AnySignal) -> None:
    receiver, sender = Receiver(), object()
    signal.connect(receiver.hear, sender=sender)
    signal.connect(receiver.hear, sender="proj.add")

    signal.send(sender=object())
    signal.send(sender=sender)
    signal.send(sender="proj." + "add")

    assert receiver.heard == [sender, "proj.add"]
    assert signal.has_listeners(sender)
    assert not signal.has_listeners("proj.other")


def test_without_a_sender_has_listeners_says_whether_anybody_might_hear() -> None:
    """Celery leaves out those who listen to one sender only. We ask before a signal's arguments are made."""
    signal, receiver = Signal("ping"), Receiver()
    assert not signal.has_listeners()

    signal.connect(receiver.hear, sender="me")

    assert signal.has_listeners()


def test_a_signal_is_a_decorator(signal: AnySignal) -> None:
    heard = []

    @signal.connect
    def all_of_them(**named: Any) -> None:
        heard.append("all")

    @signal.connect(sender="me")
    def mine(**named: Any) -> None:
        heard.append("mine")

    @signal.connect("me")
    def mine_too(**named: Any) -> None:
        heard.append("mine, too")

    signal.send(sender="you")
    signal.send(sender="me")

    assert heard == ["all", "all", "mine", "mine, too"]


def test_receivers_are_held_weakly_unless_told_otherwise(signal: AnySignal) -> None:
    weak, kept = Receiver(), Receiver()
    heard = kept.heard
    signal.connect(weak.hear)
    signal.connect(kept.hear, weak=False)

    del weak, kept
    gc.collect()
    signal.send(sender="me")

    assert heard == ["me"]
    assert len(signal.send(sender="me")) == 1


def test_nobody_listens_when_the_last_weak_receiver_is_gone(signal: AnySignal) -> None:
    receiver = Receiver()
    signal.connect(receiver.hear)

    del receiver
    gc.collect()

    assert not signal.has_listeners()


def test_the_same_receiver_is_called_once(signal: AnySignal) -> None:
    receiver = Receiver()
    signal.connect(receiver.hear)
    signal.connect(receiver.hear)

    signal.send(sender="me")

    assert receiver.heard == ["me"]


def test_of_two_receivers_with_the_same_identity_the_first_one_stays(signal: AnySignal) -> None:
    first, second = Receiver(), Receiver()
    signal.connect(first.hear, dispatch_uid="only")
    signal.connect(second.hear, dispatch_uid="only")

    signal.send(sender="me")

    assert (first.heard, second.heard) == (["me"], [])


def test_a_receiver_that_is_gone_leaves_its_identity(signal: AnySignal) -> None:
    first, second = Receiver(), Receiver()
    signal.connect(first.hear, dispatch_uid="only")

    del first
    gc.collect()
    signal.connect(second.hear, dispatch_uid="only")
    signal.send(sender="me")

    assert second.heard == ["me"]


def test_a_disconnected_receiver_hears_nothing(signal: AnySignal) -> None:
    receiver = Receiver()
    signal.connect(receiver.hear)

    assert signal.disconnect(receiver.hear)
    assert not signal.disconnect(receiver.hear)
    assert signal.send(sender="me") == []
    assert not signal.has_listeners()


def test_a_receiver_is_disconnected_by_its_identity_and_its_sender(signal: AnySignal) -> None:
    receiver = Receiver()
    signal.connect(receiver.hear, sender="me", dispatch_uid="only")

    assert not signal.disconnect(dispatch_uid="only")
    assert signal.disconnect(dispatch_uid="only", sender="me")


def test_a_receiver_must_be_ready_for_arguments_of_the_future(signal: AnySignal) -> None:
    with pytest.raises(ValueError, match=r"keyword|kwargs"):
        signal.connect(lambda sender: None)

    signal.connect(functools.partial(Receiver().hear, more=1), weak=False)


def test_what_a_receiver_raises_is_logged_and_handed_back(
    signal: AnySignal, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver()

    @signal.connect
    def fail(**named: Any) -> None:
        raise ValueError("no")

    signal.connect(receiver.hear)

    with caplog.at_level(logging.ERROR):
        answers = signal.send(sender="me")

    assert isinstance(answers[0][1], ValueError)
    assert receiver.heard == ["me"]
    assert "Signal handler" in caplog.text


def test_a_signal_can_be_silenced_for_a_while(signal: AnySignal) -> None:
    receiver = Receiver()
    signal.connect(receiver.hear)

    before, signal.receivers = signal.receivers, []
    signal.send(sender="nobody hears")
    signal.receivers = before
    signal.send(sender="me")

    assert receiver.heard == ["me"]


class Unsteady:
    """Fails so many times."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0

    def hear(self, **named: Any) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise ConnectionError("not yet")
        return "at last"


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def patient(pauses: list[float]) -> Signal:
    return Signal("ping", pause=pauses.append)


def test_a_receiver_is_called_again_until_it_succeeds(
    patient: Signal, pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Unsteady(failures=17)
    patient.connect(receiver.hear, retry=True)

    answers = patient.send(sender="me")

    assert [answer for _, answer in answers] == ["at last"]
    assert pauses == [*range(2, 31, 2), 30, 30]
    assert "trying again in 2 s" in caplog.text


@pytest.mark.parametrize("identity", [{}, {"dispatch_uid": "only"}], ids=["itself", "dispatch_uid"])
@pytest.mark.parametrize("kind", [Signal, CelerySignal], ids=["sedano", "celery"])
def test_a_persistent_receiver_is_held_and_can_be_disconnected(
    kind: Callable[..., AnySignal], identity: dict[str, Any]
) -> None:
    signal: AnySignal = kind(name="ping")
    receiver = Unsteady(failures=0)
    hear = receiver.hear
    signal.connect(hear, retry=True, **identity)

    assert [answer for _, answer in signal.send(sender="me")] == ["at last"]
    assert signal.disconnect(**(identity or {"receiver": hear}))
    assert not signal.has_listeners()


def test_the_sender_may_be_a_proxy() -> None:
    class Proxy:
        def __init__(self, target: object) -> None:
            self._target = target

        def _get_current_object(self) -> object:
            return self._target

    receiver, sender, ping = Receiver(), object(), Signal("ping")
    ping.connect(receiver.hear, sender=Proxy(sender))

    ping.send(sender)

    assert receiver.heard == [sender]


def test_a_signal_shows_its_name() -> None:
    assert repr(signals.task_success) == "<Signal: task_success>"
