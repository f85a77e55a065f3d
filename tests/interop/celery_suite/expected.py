"""Which of Celery's own tests fail here and why, which are not run, and which need the worker beside them."""

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

Kind = Literal["different on purpose", "about Celery's inner works"]
ON_PURPOSE: Final[Kind] = "different on purpose"
INNER: Final[Kind] = "about Celery's inner works"


class Expectation(NamedTuple):
    """Tests that fail: one, or those whose names fit (``*`` is anything)."""

    kind: Kind
    pattern: str
    reason: str
    #: It is a matter of moments: they may pass.
    sometimes: bool = False

    def covers(self, test: str) -> bool:
        """Whether it speaks of this test."""
        return fits(self.pattern, test)


def fits(pattern: str, test: str) -> bool:
    """Whether a test has a name like this."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), test) is not None


def fit(patterns: Sequence[str], test: str) -> bool:
    """Whether a test has a name like one of these."""
    return any(fits(pattern, test) for pattern in patterns)


#: Receivers of ``task_received`` in the test itself.
IN_PROCESS: Final = (
    "test_canvas.py::test_stamping_mechanism::*",
    "test_tasks.py::test_signal_bound_method_receivers::*",
    "test_tasks.py::test_task_replacement::test_replaced_task_nesting_level_*",
    "test_tasks.py::test_task_replacement::test_replaced_task_nesting_chain",
)

_CANVAS: Final = "test_canvas.py::"
_TASKS: Final = "test_tasks.py::test_tasks::"

#: They pass, and each of them waits for more than a minute that nothing happens: run with ``--slow``.
SLOW: Final = ("test_canvas.py::test_chord::test_*abling_flag_allow_error_cb_on_chord_header",)

#: These would wait a minute for nothing.
NOT_RUN: Final = (
    Expectation(
        INNER, f"{_CANVAS}test_chord::test_chord_on_error", "reads the keys of Celery's result store"
    ),
    Expectation(
        ON_PURPOSE,
        f"{_TASKS}test_soft_time_limit_exceeding_time_limit",
        "a task whose limits contradict each other is refused when the worker starts, not when it is called",
    ),
)

EXPECTED: Final = (
    *(
        Expectation(ON_PURPOSE, f"{_CANVAS}{pattern}", reason)
        for pattern, reason in (
            ("test_chain::test_replace_chain_with_empty_chain", "the text of an error"),
            (
                "test_chord::test_generator[*]",
                "a header that is a generator is read before the first is sent",
            ),
            (
                "test_chord::test_nested_chord_header_link_error",
                "a chord in whose header a chord fails has failed too, so its errbacks are called",
            ),
        )
    ),
    Expectation(
        ON_PURPOSE,
        f"{_CANVAS}test_chain::test_header_failure_fails_the_chords_after_*",
        "get() raises as soon as a step before has failed; the steps after it fail a moment later",
        sometimes=True,
    ),
    Expectation(
        ON_PURPOSE,
        f"{_TASKS}test_revoked",
        "a message that a worker has claimed, though for later, is not taken back",
        sometimes=True,
    ),
    Expectation(
        ON_PURPOSE, "test_group_chains.py::*-1]", "messages are published in protocol 2, never in protocol 1"
    ),
    Expectation(
        ON_PURPOSE,
        "test_group_chains.py::test_group_chains::test_pending_chord_keeps_header_errback[*-2]",
        "errbacks in the worker's process are called before the failure is stored",
        sometimes=True,
    ),
    *(
        Expectation(ON_PURPOSE, f"{_TASKS}{pattern}", reason)
        for pattern, reason in (
            ("test_fail_with_unpickleable_exception", "an error keeps its class"),
            ("test_retry_with_unpickleable_exception", "an error keeps its class"),
            ("test_pydantic_*", "tasks have no pydantic arguments in this version"),
            ("test_properties", "a call has no properties of its own for AMQP, such as app_id"),
        )
    ),
    *(
        Expectation(INNER, pattern, "remote control, Celery's result store or its broker connections")
        for pattern in (
            "test_canvas.py::test_stamping_mechanism::test_linking_stamped_sig",
            "test_redis_backend.py::*",
            "test_tasks.py::test_trace_log_arguments::*",
            "test_tasks.py::test_task_redis_result_backend::test_asyncresult_*",
            f"{_TASKS}test_revoke*_by_*headers_*",
            f"{_TASKS}test_revoke_keeps_state_of_task_started_elsewhere[*]",
            f"{_TASKS}test_task_sent_event_respects_publish_retry_limit",
        )
    ),
)
