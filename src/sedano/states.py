"""The states of a task, under Celery's names, and the moves between them.

Read by the executor, the results and the user. Never touches a store.
"""

from typing import Final

#: Waiting, or unknown: an id that nobody published reads as PENDING too.
PENDING: Final = "PENDING"
#: A worker has it (used in events only).
RECEIVED: Final = "RECEIVED"
#: The function runs (stored only with ``track_started``).
STARTED: Final = "STARTED"
SUCCESS: Final = "SUCCESS"
FAILURE: Final = "FAILURE"
REVOKED: Final = "REVOKED"
REJECTED: Final = "REJECTED"
#: Failed, and waiting for its next attempt.
RETRY: Final = "RETRY"
IGNORED: Final = "IGNORED"

READY_STATES: Final = frozenset({SUCCESS, FAILURE, REVOKED})
UNREADY_STATES: Final = frozenset({PENDING, RECEIVED, STARTED, REJECTED, RETRY})
EXCEPTION_STATES: Final = frozenset({RETRY, FAILURE, REVOKED})
PROPAGATE_STATES: Final = frozenset({FAILURE, REVOKED})
ALL_STATES: Final = READY_STATES | UNREADY_STATES

#: From the most to the least telling; a custom state stands between FAILURE and REVOKED.
PRECEDENCE: Final = (SUCCESS, FAILURE, None, REVOKED, STARTED, RECEIVED, REJECTED, RETRY, PENDING)


def precedence(state: str) -> int:
    """The rank of a state: 0 is the most telling.

    >>> precedence(SUCCESS) < precedence("PROGRESS") < precedence(PENDING)
    True
    """
    try:
        return PRECEDENCE.index(state)
    except ValueError:
        return PRECEDENCE.index(None)


def may_overwrite(old: str, new: str) -> bool:
    """Whether a stored state may be replaced by a new one: a SUCCESS is final, the rest may move on.

    A FAILURE may be replaced: a dead letter that is run again can succeed.

    >>> may_overwrite(SUCCESS, FAILURE), may_overwrite(FAILURE, SUCCESS)
    (False, True)
    """
    return old != SUCCESS
