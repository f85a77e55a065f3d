"""Few hops on the way of a message: how many of our functions lie between ``delay()`` and the broker."""

import sys
from types import FrameType
from typing import Any, Final

from sedano import Sedano
from sedano.brokers.memory.broker import MemoryBroker

#: delay, apply_async, the publisher, the broker; CONTRIBUTING.md, "Code".
MOST_FRAMES_TO_PUBLISH: Final = 4


class WayToTheBroker:
    """Listens to the interpreter and keeps the functions on the stack when the broker is reached."""

    def __init__(self) -> None:
        self.functions: list[str] = []

    def __enter__(self) -> "WayToTheBroker":
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType | None, event: str, _argument: Any) -> None:
        if event == "call" and frame is not None and frame.f_code is MemoryBroker.publish.__code__:
            self.functions = []
            while frame is not None and frame.f_globals["__name__"].startswith("sedano"):
                self.functions.append(f"{frame.f_globals['__name__']}.{frame.f_code.co_name}")
                frame = frame.f_back


def test_a_message_takes_at_most_four_frames_from_delay_to_the_broker() -> None:
    app = Sedano("frames", broker="memory://", set_as_current=False)

    @app.task(name="frames.add")
    def add(x: int, y: int) -> int:
        return x + y

    add.delay(1, 2)

    with WayToTheBroker() as way:
        add.delay(3, 4)

    assert way.functions[-1] == "sedano.tasks.task.delay"
    assert len(way.functions) <= MOST_FRAMES_TO_PUBLISH, way.functions
