"""What the executor needs of the application: the port that ``Sedano`` fulfils."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sedano.announcements import Announcer
from sedano.canvas.sender import Sender
from sedano.tasks.application import Application
from sedano.tasks.request import Context
from sedano.tasks.task import Task

#: Something that goes round every attempt in a worker, such as the care for database connections.
Surrounding = Callable[[Task[..., Any], Context], AbstractContextManager[object]]


class Host(Application, Sender, Protocol):
    """An application whose tasks can be run."""

    @property
    def announcer(self) -> Announcer: ...

    @property
    def around_attempt(self) -> Sequence[Surrounding]: ...
