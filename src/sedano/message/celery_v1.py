"""Celery's message protocol 1, for reading only: the whole call stands in the body.

Sent by clients with ``task_protocol = 1``. Also the hybrid of both: headers as in protocol 2, with a body as
in protocol 1; the headers have precedence. Called by ``decoding`` and by nothing else.
"""

from typing import Any, Final

from sedano.message import task_headers
from sedano.message.celery_v2 import assemble
from sedano.message.envelope import Envelope
from sedano.message.representation import represent
from sedano.message.task_message import TaskMessage

#: What a hybrid's body may say where the headers do not. Celery takes no more than these.
_HYBRID_FIELDS: Final[tuple[str, ...]] = (
    "lang",
    "task",
    "id",
    "root_id",
    "parent_id",
    "group",
    "shadow",
    "eta",
    "expires",
    "retries",
    "timelimit",
    "argsrepr",
    "kwargsrepr",
    "origin",
)


def read(found: dict[str, Any], body: dict[str, Any], envelope: Envelope) -> TaskMessage:
    """The call that a body of protocol 1 makes. Raises MalformedMessage."""
    call: dict[str, Any] = {name: value for name, value in body.items() if name in task_headers.RESERVED}
    if "taskset" in body:
        call["group"] = body["taskset"]
    call.update(task_headers.custom(found))
    message = assemble(call, body.get("args"), body.get("kwargs"), _embed(body), envelope, protocol=1)
    return _with_texts(message)


def read_hybrid(found: dict[str, Any], body: dict[str, Any], envelope: Envelope) -> TaskMessage:
    """The call that headers of protocol 2 and a body of protocol 1 make together. Raises MalformedMessage."""
    call = {name: body[name] for name in _HYBRID_FIELDS if name in body}
    call.update(found)
    message = assemble(call, body.get("args"), body.get("kwargs"), _embed(body), envelope, protocol=2)
    return _with_texts(message)


def _with_texts(message: TaskMessage) -> TaskMessage:
    """Protocol 1 has no texts of the arguments."""
    if message.argsrepr is None:
        message.argsrepr = represent(tuple(message.args))
    if message.kwargsrepr is None:
        message.kwargsrepr = represent(message.kwargs)
    return message


def _embed(body: dict[str, Any]) -> dict[str, Any]:
    """Protocol 1 has no chains: their steps are nested callbacks."""
    return {
        "callbacks": body.get("callbacks"),
        "errbacks": body.get("errbacks"),
        "chain": None,
        "chord": body.get("chord"),
    }
