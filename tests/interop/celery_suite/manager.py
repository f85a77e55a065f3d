"""What Celery's integration tests wait with: their ``manager``, without remote control."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from sedano import Sedano
from sedano.exceptions import TimeoutError as Late
from sedano.results.result_set import ResultSet
from tests.interop.celery_suite.stand_ins import Absent

QUEUE = "celery"


class Manager:
    """Waits for tasks and for the worker."""

    def __init__(self, app: Sedano) -> None:
        self.app = app

    def wait_for(self, probe: Callable[..., Any], catch: Any, args: Sequence[Any] = (), **_: Any) -> Any:
        """Call it until it does not raise what is expected."""
        deadline = time.monotonic() + 15
        while True:
            try:
                return probe(*args)
            except catch:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def assert_result_tasks_in_progress_or_completed(self, results: Sequence[Any], **_: Any) -> None:
        """All have begun."""

        def wait_probe() -> None:
            assert all(one.state in ("STARTED", "SUCCESS") for one in results)

        self.wait_for(wait_probe, AssertionError)

    def join(self, result: Any, propagate: bool = False, **options: Any) -> Any:
        """Wait for all results."""
        every = result if isinstance(result, ResultSet) else ResultSet([result])
        return every.get(propagate=propagate, **options)

    def inspect(self, timeout: float = 3.0) -> "_Inspection":
        """Who is there."""
        return _Inspection(self.app)

    def wait_until_idle(self, timeout: float = 30) -> None:
        """Delete what waits, and wait for what runs."""
        admin = self.app.broker.admin
        admin.purge(QUEUE)
        deadline = time.monotonic() + timeout
        while (depth := admin.depth(QUEUE)).claimed or depth.ready:
            admin.purge(QUEUE)
            if time.monotonic() > deadline:
                raise Late(f"never idle: {depth}")
            time.sleep(0.005)


class _Inspection:
    """Tests ask whether there is a worker before they begin. The rest is remote control."""

    def __init__(self, app: Sedano) -> None:
        self._app = app

    def ping(self) -> dict[str, dict[str, str]]:
        """The workers, by what the broker knows of them."""
        return {node.node: {"ok": "pong"} for node in self._app.broker.admin.nodes()}

    def __getattr__(self, name: str) -> Any:
        raise Absent(f"app.control.inspect().{name}")
