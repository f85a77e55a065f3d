"""What is measured on what: a kind of server, the queues that run on it, and what is measured there."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contender import Contender
from benchmarks.measures.measure import Measure
from benchmarks.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One of the tables that ``make bench`` prints."""

    #: What ``--broker`` calls it.
    name: str
    #: The line above its table.
    title: str
    #: Sedano first.
    contenders: tuple[Contender, ...]
    measures: tuple[Measure, ...]
    #: How often each is taken, unless `--rounds` says otherwise.
    rounds: int
    #: Starts the server, with its files in the folder.
    serve: Callable[[Path], AbstractContextManager[Server]]
    #: These take part only if ``--contender`` names them.
    on_request: tuple[Contender, ...] = ()
