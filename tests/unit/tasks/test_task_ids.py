"""The ids of tasks, and what a message says of the process that sent it."""

import os
import uuid
from collections.abc import Callable

import pytest

from sedano import Sedano, ids
from sedano.message.task_message import TaskMessage


def test_an_id_is_a_uuid_that_begins_with_the_time() -> None:
    made = [ids.task_id() for _ in range(1000)]

    read = [uuid.UUID(one) for one in made]
    assert [str(one) for one in read] == made
    assert {(one.version, one.variant) for one in read} == {(7, uuid.RFC_4122)}
    assert len(set(made)) == 1000
    assert [one[:13] for one in made] == sorted(one[:13] for one in made)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_sends_under_its_own_name(
    app: Sedano, messages: Callable[..., list[TaskMessage]]
) -> None:
    app.send_task("proj.ping")
    reading, writing = os.pipe()

    if (child_pid := os.fork()) == 0:
        app.send_task("proj.ping")
        os.write(writing, str(messages()[-1].origin).encode())
        os._exit(0)
    os.waitpid(child_pid, 0)

    with os.fdopen(reading, "rb") as pipe:
        os.close(writing)
        assert pipe.read().decode().startswith(f"gen{child_pid}@")
    assert str(messages()[0].origin).startswith(f"gen{os.getpid()}@")
