"""A node's broker and result store, as its plan names them."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sedano.brokers.broker import Broker
from sedano.brokers.opening import open_broker
from sedano.clock import SystemClock
from sedano.results.opening import open_result_store
from sedano.results.store import ResultStore
from sedano.worker.plan import NodePlan
from sedano.worker.rate_limits import check_scopes


@contextlib.contextmanager
def opened(plan: NodePlan) -> Iterator[tuple[Broker, ResultStore | None]]:
    """The plan's broker and result store, closed at the end.

    Raises:
        ConfigurationError: The broker cannot do what the plan asks of it.
    """
    clock, base_dir = SystemClock(), Path(plan.base_dir)
    broker = open_broker(
        plan.broker_url,
        options=plan.broker_options,
        publish_timeout=timedelta(seconds=plan.publish_timeout),
        clock=clock,
        base_dir=base_dir,
        wiring=plan.wiring,
    )
    results = None
    if plan.result_url is not None:
        results = open_result_store(
            plan.result_url,
            options=plan.result_options,
            clock=clock,
            base_dir=base_dir,
            wiring=plan.wiring,
        )
    try:
        check_scopes(plan, broker)
        yield broker, results
    finally:
        broker.close()
        if results is not None:
            results.close()
