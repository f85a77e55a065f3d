"""A connection to Redis with nothing around it, and a message as Celery's producers write it."""

import base64
import json
import socket
import uuid
from typing import Any, Final

import hiredis

BODY: Final = base64.b64encode(
    b'[[], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
)


class BareConnection:
    """Sends commands and reads answers; an error is an answer."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader: Any = hiredis.Reader()
        self._buffer = bytearray(1 << 18)

    def ask(self, *command: Any) -> Any:
        """Run one command."""
        self.send(*command)
        return self.answer()

    def send(self, *command: Any) -> None:
        """Send a command, whose answer is read later."""
        self._socket.sendall(hiredis.pack_command(command))

    def answer(self) -> Any:
        """Wait for the next answer."""
        while (answer := self._reader.gets()) is False:
            self._reader.feed(self._buffer, 0, self._socket.recv_into(self._buffer))
        return answer


def celery_message() -> bytes:
    """A call of a task without arguments, in the form of Celery's Redis transport."""
    task_id = str(uuid.uuid4())
    return json.dumps(
        {
            "body": BODY.decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": "bench_app.noop",
                "id": task_id,
                "shadow": None,
                "eta": None,
                "expires": None,
                "group": None,
                "group_index": None,
                "retries": 0,
                "timelimit": [None, None],
                "root_id": task_id,
                "parent_id": None,
                "argsrepr": "()",
                "kwargsrepr": "{}",
                "origin": "gen1@host",
                "ignore_result": True,
                "replaced_task_nesting": 0,
                "stamped_headers": None,
                "stamps": {},
            },
            "properties": {
                "correlation_id": task_id,
                "reply_to": str(uuid.uuid4()),
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": "celery"},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
            },
        }
    ).encode()
