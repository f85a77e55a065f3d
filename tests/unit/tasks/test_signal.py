"""Signals: who hears what, and for how long."""

import gc
import logging
from typing import Any

import pytest

from sedano.errors import NotSupported
from sedano.signals import Signal


@pytest.fixture
def signal() -> Signal:
    return Signal("ping")


class Receiver:
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def hear(self, sender: Any, **named: Any) -> Any:
        self.heard.append(sender)
        return sender


def test_receivers_hear_what_is_sent_and_their_answers_come_back(signal: Signal) -> None:
    receiver = Receiver()
    signal.connect(receiver.hear)

    answers = signal.send(sender="me", value=1)

    assert receiver.heard == ["me"]
    assert [answer for _, answer in answers] == ["me"]


def test_a_receiver_may_listen_to_one_sender(signal: Signal) -> None:
    receiver, sender = Receiver(), object()
    signal.connect(receiver.hear, sender=sender)
    signal.connect(receiver.hear, sender="proj.add")

    signal.send(sender=object())
    signal.send(sender=sender)
    signal.send(sender="proj." + "add")

    assert receiver.heard == [sender, "proj.add"]
    assert signal.has_listeners()
    assert signal.has_listeners(sender)
    assert not signal.has_listeners("proj.other")


def test_a_signal_is_a_decorator(signal: Signal) -> None:
    heard = []

    @signal.connect
    def all_of_them(**named: Any) -> None:
        heard.append("all")

    @signal.connect(sender="me")
    def mine(**named: Any) -> None:
        heard.append("mine")

    signal.send(sender="you")
    signal.send(sender="me")

    assert heard == ["all", "all", "mine"]


def test_receivers_are_held_weakly_unless_told_otherwise(signal: Signal) -> None:
    weak, kept = Receiver(), Receiver()
    heard = kept.heard
    signal.connect(weak.hear)
    signal.connect(kept.hear, weak=False)

    del weak, kept
    gc.collect()
    signal.send(sender="me")

    assert heard == ["me"]
    assert len(signal.send(sender="me")) == 1


def test_the_same_receiver_is_called_once(signal: Signal) -> None:
    first, second = Receiver(), Receiver()
    signal.connect(first.hear)
    signal.connect(first.hear)
    signal.connect(second.hear, dispatch_uid="only")
    signal.connect(first.hear, dispatch_uid="only")

    signal.send(sender="me")

    assert (len(first.heard), len(second.heard)) == (2, 0)


def test_a_disconnected_receiver_hears_nothing(signal: Signal) -> None:
    receiver = Receiver()
    signal.connect(receiver.hear)

    assert signal.disconnect(receiver.hear)
    assert not signal.disconnect(receiver.hear)
    assert signal.send(sender="me") == []
    assert not signal.has_listeners()


def test_what_a_receiver_raises_is_logged_and_handed_back(
    signal: Signal, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver()

    @signal.connect
    def fail(**named: Any) -> None:
        raise ValueError("no")

    signal.connect(receiver.hear)

    with caplog.at_level(logging.ERROR, logger="sedano"):
        answers = signal.send(sender="me")

    assert isinstance(answers[0][1], ValueError)
    assert receiver.heard == ["me"]
    assert "Signal handler" in caplog.text


def test_calling_receivers_again_is_not_supported(signal: Signal) -> None:
    with pytest.raises(NotSupported, match="retry=True"):
        signal.connect(print, retry=True)
