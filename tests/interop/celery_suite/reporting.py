"""What became of each test, as JSON: ``--outcomes FILE``; and ``--shard 1/4``, a part of all tests."""

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest

from tests.interop.celery_suite.expected import IN_PROCESS, NOT_RUN, SLOW, fit

#: Where the worker of these tests is: ``thread``, or a process of its own.
WORKER: Final = os.environ.get("SUITE_WORKER", "process")

_OUTCOMES: Final[dict[str, dict[str, str]]] = {}
_MARKERS: Final = ("flaky", "order", "amqp", "sleepdeprived_patched_module", "masked_modules")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of ours."""
    parser.addoption("--outcomes")
    parser.addoption("--shard", default="0/1")


def pytest_configure(config: pytest.Config) -> None:
    """Markers that Celery's tests use."""
    for marker in (*_MARKERS, "patched_environ", "patched_module", "celery"):
        config.addinivalue_line("markers", f"{marker}(*args, **kwargs): of Celery's tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep one part of the tests."""
    number, of = map(int, config.getoption("--shard").split("/"))
    left_out = [one.pattern for one in NOT_RUN]
    left_out += [] if os.environ.get("SUITE_SLOW") else SLOW
    here = [
        item
        for item in items
        if not fit(left_out, name_of(item)) and fit(IN_PROCESS, name_of(item)) == (WORKER == "thread")
    ]
    items[:] = here[number::of]


def name_of(item: pytest.Item) -> str:
    """A test as ``expected`` names it."""
    name, bracket, parameters = item.nodeid.partition("[")
    return name.rpartition("/")[2] + bracket + parameters


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Any:
    """Note what became of it."""
    report = (yield).get_result()
    if report.when == "call" or report.outcome != "passed":
        told = _OUTCOMES.setdefault(name_of(item), {"outcome": "passed", "said": ""})
        if report.outcome != "passed" and not _passed_unexpectedly(report):
            error = call.excinfo.value if call.excinfo is not None else None
            told |= {
                "outcome": report.outcome,
                "error": type(error).__name__,
                "said": str(error)[:600],
                "when": report.when,
            }


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write it down."""
    if path := session.config.getoption("--outcomes"):
        Path(path).write_text(json.dumps(_OUTCOMES, indent=1))


def _passed_unexpectedly(report: pytest.TestReport) -> bool:
    """Celery's authors expect it to fail, and it does not."""
    return str(report.longrepr).startswith("[XPASS(strict)]")
