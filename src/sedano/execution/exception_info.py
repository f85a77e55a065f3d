"""An exception as the handlers of tasks and signals get it: Celery's ``einfo``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExceptionInfo:
    """An exception with its traceback as text; printing it gives the traceback."""

    exception: BaseException
    traceback: str
    internal: bool = False

    @property
    def type(self) -> type[BaseException]:
        return type(self.exception)

    def __str__(self) -> str:
        return self.traceback
