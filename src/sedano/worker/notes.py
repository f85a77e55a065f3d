"""What wakes the parent's loop, besides its children and its zygote."""

from dataclasses import dataclass
from typing import TypeAlias

from sedano.execution.job import Job
from sedano.worker.herald_words import Word


@dataclass(frozen=True, slots=True)
class SignalCame:
    number: int


@dataclass(frozen=True, slots=True)
class JobsClaimed:
    jobs: list[Job]
    #: The life of the lease they were claimed under.
    generation: int


@dataclass(frozen=True, slots=True)
class LeaseWasLost:
    #: The life of the lease that begins now.
    generation: int


@dataclass(frozen=True, slots=True)
class FeederListens:
    """It has asked the broker for messages: whatever is published from now on reaches this node's queues."""


@dataclass(frozen=True, slots=True)
class FeederFailed:
    error: BaseException


@dataclass(frozen=True, slots=True)
class ReceiversShouldHear:
    """Something for the receivers of the worker's signals."""

    word: Word


Note: TypeAlias = SignalCame | JobsClaimed | LeaseWasLost | FeederListens | FeederFailed | ReceiversShouldHear
