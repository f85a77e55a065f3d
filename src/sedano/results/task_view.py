"""What a result shows of its task: the part of ``AsyncResult`` that only reads."""

from abc import abstractmethod
from datetime import datetime
from typing import Any

from sedano import states
from sedano.results.result_base import ResultBase
from sedano.results.task_meta import TaskMeta


class TaskView(ResultBase):
    """One task, as far as it is known."""

    __slots__ = ()

    id: str

    @abstractmethod
    def _meta(self) -> TaskMeta:
        """What is known now."""

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self.id

    @property
    def state(self) -> str:
        """One of ``sedano.states``, or a state of the user's own. An unknown id is PENDING."""
        return self._meta().status

    status = state

    @property
    def result(self) -> Any:
        """The returned value; the exception of a task that failed; the meta of a custom state."""
        return self._meta().result

    info = result

    @property
    def traceback(self) -> str | None:
        """Where a failed task failed, as text."""
        return self._meta().traceback

    @property
    def date_done(self) -> datetime | None:
        """When the task finished."""
        return self._meta().date_done

    @property
    def name(self) -> str | None:
        """The task's name; kept with ``result_extended`` only, as the five that follow."""
        return self._meta().name

    @property
    def args(self) -> Any:
        """The positional arguments of the call."""
        return self._meta().args

    @property
    def kwargs(self) -> Any:
        """The keyword arguments of the call."""
        return self._meta().kwargs

    @property
    def worker(self) -> str | None:
        """The node that ran the task."""
        return self._meta().worker

    @property
    def retries(self) -> int | None:
        """How many attempts went before the last one."""
        return self._meta().retries

    @property
    def queue(self) -> str | None:
        """The queue that the task came from."""
        return self._meta().queue

    def ready(self) -> bool:
        """Whether the task has finished, well or badly."""
        return self._meta().is_ready

    def successful(self) -> bool:
        """Whether the task has returned."""
        return self._meta().status == states.SUCCESS

    def failed(self) -> bool:
        """Whether the task has failed for good."""
        return self._meta().status == states.FAILURE
