"""The task: a function that can be called elsewhere, later.

Made by the decorators (``declaration.declare``) or by users as a class with ``run``; one instance per
registered name. Called by users to publish, by the executor to run. Never talks to a broker itself.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec, TypeVar, Unpack

from sedano.errors import BrokerUnavailable, ConfigurationError, MaxRetriesExceeded, Retry
from sedano.results.async_result import AsyncResult
from sedano.results.eager_result import EagerResult
from sedano.tasks import eager_calls, publishing_many, retrying, state_update
from sedano.tasks.arguments import CallSignature
from sedano.tasks.call_arguments import Arguments, CallArguments, check_shape
from sedano.tasks.options import NO_OPTIONS, CallOptions, RetryOptions, SharedOptions, TaskOptions
from sedano.tasks.request import Context, current_request, worker_request
from sedano.tasks.settings_default import from_settings
from sedano.tasks.task_coroutines import TaskCoroutines
from sedano.tasks.task_workflows import TaskWorkflows

if TYPE_CHECKING:
    from sedano.tasks.application import Application

P = ParamSpec("P")
R = TypeVar("R")


class Task(TaskWorkflows[P, R], TaskCoroutines[P, R], Generic[P, R]):
    """A registered task. ``P`` are the parameters of its function, ``R`` is what it returns.

    Attributes that are None here, and marked ``from_settings``, read as the setting of the same name.
    """

    MaxRetriesExceededError: ClassVar[type[MaxRetriesExceeded]] = MaxRetriesExceeded
    OperationalError: ClassVar[type[BrokerUnavailable]] = BrokerUnavailable

    #: The registered name.
    name: str = ""
    __name__: str
    __qualname__: str
    __wrapped__: Callable[..., Any]

    #: Check arguments against the signature when publishing.
    typing: bool = True
    queue: str | None = None
    priority: int | None = None
    #: The kind of slot it runs in: ``prefork``, ``threads`` or ``asyncio``; None leaves it to the worker.
    pool: str | None = None
    expires: float | datetime | None = None
    serializer: str = from_settings("serializer")
    compression: str | None = from_settings("compression")
    ignore_result: bool = from_settings("ignore_result")
    store_errors_even_if_ignored: bool = from_settings("store_errors_even_if_ignored")
    store_eager_result: bool = from_settings("store_eager_result")
    #: Seconds.
    time_limit: float | None = from_settings("time_limit")
    soft_time_limit: float | None = from_settings("soft_time_limit")
    #: How often it may start: ``"10/s"``, ``"10/m"``, ``"10/h"``, or a number a second; 0 is no limit.
    rate_limit: str | float | None = from_settings("default_rate_limit")
    #: ``"worker"``: each worker keeps the limit for itself. ``"cluster"``: all workers keep it together.
    rate_limit_scope: str = "worker"
    track_started: bool = from_settings("track_started")
    acks_late: bool = from_settings("acks_late")
    #: Django: a call inside a transaction is published when that commits.
    publish_on_commit: bool = from_settings("publish_on_commit")
    acks_on_failure_or_timeout: bool | None = None
    acks_on_failure: bool | None = None
    acks_on_timeout: bool | None = None
    reject_on_worker_lost: bool | None = None
    #: Errors that are expected: logged without a traceback.
    throws: tuple[type[BaseException], ...] | type[BaseException] = ()
    #: Lists the tasks that this one publishes among its children.
    trail: bool = True
    send_events: bool = True
    #: The most characters of a result that log lines show.
    resultrepr_maxsize: int = 1024

    #: None means for ever.
    max_retries: int | None = 3
    #: Seconds.
    default_retry_delay: float = 180
    autoretry_for: tuple[type[BaseException], ...] = ()
    dont_autoretry_for: tuple[type[BaseException], ...] = ()
    retry_kwargs: Mapping[str, Any] = {}
    retry_backoff: bool | int | float = False
    retry_backoff_max: int | float = 600
    retry_jitter: bool = True

    _app: "Application | None" = None
    #: Finds the application of a shared task each time it is used.
    _find_app: "Callable[[], Application] | None" = None

    if TYPE_CHECKING:

        def run(self, *args: P.args, **kwargs: P.kwargs) -> R:
            """The function itself. A class of your own defines it."""

    # -- publishing

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[R]:
        """Publish a call: it runs in a worker, soon.

        Raises:
            InvalidArguments: the arguments do not fit the function's signature.
            NotSerializable: an argument cannot be written.
            MessageTooLarge: the message is larger than ``task_max_message_size``.
            BrokerUnavailable: the broker could not be reached in time.
        """
        return self.apply_async(args, kwargs)

    def apply_async(
        self,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncResult[R]:
        """Publish a call, and say how: ``add.apply_async((1, 2), countdown=10, queue="maths")``.

        Args:
            args: Positional arguments, a list or a tuple.
            kwargs: Keyword arguments.
            options: See ``options.CallOptions``.

        Raises:
            NotSupported: an option of Celery's that this version does not have.
            InvalidArguments: the arguments do not fit the function's signature.
            NotSerializable: an argument cannot be written.
            MessageTooLarge: the message is larger than ``task_max_message_size``.
            BrokerUnavailable: the broker could not be reached in time.
        """
        call = TaskOptions.from_call(options) if options else NO_OPTIONS
        args, kwargs = check_shape(args, kwargs)
        if self.typing:
            self.call_signature.check(args, kwargs)
        application = self.app
        publisher = application.publisher
        if application.settings.tasks.always_eager:
            return eager_calls.run(self, args, kwargs, call)
        publication = publisher.prepare(self.name, args, kwargs, call, task=self)
        publisher.publish((publication,), call, task=self)
        return result_of_call(application, publication.task_id, call, self)

    def publish_many(
        self, calls: Iterable[CallArguments[P]], **options: Unpack[SharedOptions]
    ) -> list[AsyncResult[R]]:
        """Publish many calls, 500 in one round trip: ``add.publish_many([(1, 2), (3, 4)], queue="maths")``.

        Each batch is published as a whole or not at all, after all its calls have been checked. The calls
        are taken from the iterable batch by batch: it may be a generator, and long. When a later batch fails,
        what went before stays published: the error's ``published`` has the ids, in order.

        Args:
            calls: The arguments of each call: a tuple or a list of positional ones, a dictionary of keyword
                ones, or ``arguments(...)``, which type checkers look into.
            options: As for ``apply_async``, and the same for all calls.

        Returns:
            The calls' results, in order.

        Raises:
            As ``apply_async``.
        """
        shared = publishing_many.shared_options(options)
        application = self.app
        if application.settings.tasks.always_eager:
            return publishing_many.run_eagerly(self, calls, shared)
        return self._results_of(publishing_many.publish(self, calls, shared), shared)

    def _results_of(self, ids: Iterable[str], options: TaskOptions) -> list[AsyncResult[R]]:
        return [result_of_call(self.app, task_id, options, self) for task_id in ids]

    def arguments(self, *args: P.args, **kwargs: P.kwargs) -> Arguments[P]:
        """The arguments of one call, for ``publish_many``."""
        return Arguments(*args, **kwargs)

    def delay_on_commit(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """``delay`` when the transaction that is open here commits; Celery's name, which gives no result."""
        self.apply_async(args, kwargs, on_commit=True)

    def apply_async_on_commit(
        self,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> None:
        """``apply_async`` when the transaction that is open here commits; gives no result."""
        options["on_commit"] = True
        self.apply_async(args, kwargs, **options)

    def apply(
        self,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        throw: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> EagerResult[R]:
        """Run the task here and now, retries included, and wait for it.

        Args:
            args: Positional arguments, a list or a tuple.
            kwargs: Keyword arguments.
            throw: Raise what the task raises; None leaves it to ``task_eager_propagates``.
            options: As for ``apply_async``.
        """
        args, kwargs = check_shape(args, kwargs)
        call = TaskOptions.from_call(options)
        return self.app.eager.run(self, args, kwargs, call, throw=throw)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function, here and now, as if it were no task."""
        outer = current_request.get()
        if (
            outer is not None
            and outer.task_object is self
            and not outer.called_directly
            and not outer._protected
        ):
            # A class's own __call__ has been run by the executor, and goes on to this one.
            outer._protected = True
            return self.run(*args, **kwargs)
        request = Context(args=args, kwargs=kwargs, task=self.name, task_object=self, _outer=outer)
        token = current_request.set(request)
        try:
            return self.run(*args, **kwargs)
        finally:
            current_request.reset(token)

    # -- from within the running task

    @property
    def request(self) -> Context:
        """The call that is being run. Outside of one: an empty request, called directly."""
        request = current_request.get()
        while request is not None and request.task_object is not self:
            request = request._outer
        return request if request is not None else Context()

    def push_request(self, *args: Any, **fields: Any) -> None:
        """Let ``request`` have these fields until ``pop_request``: for tests of the function alone."""
        outer = {"task_object": self, "_outer": current_request.get()}
        current_request.set(Context(*args, **{**fields, **outer}))

    def pop_request(self) -> None:
        """Undo ``push_request``."""
        current_request.set(self.request._outer)

    def retry(
        self,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        exc: BaseException | None = None,
        throw: bool = True,
        eta: datetime | None = None,
        countdown: float | None = None,
        max_retries: int | None = None,
        **options: Unpack[RetryOptions],
    ) -> Retry:
        """Run this call again, later: ``raise self.retry(exc=error, countdown=60)``.

        Args:
            args: New positional arguments; None keeps them.
            kwargs: New keyword arguments; None keeps them.
            exc: What went wrong; raised when there are no retries left.
            throw: Raise ``Retry`` here; False returns it.
            eta: When to run.
            countdown: In how many seconds to run; the default is ``default_retry_delay``.
            max_retries: For this attempt, instead of the task's.
            options: As for ``apply_async``.

        Raises:
            Retry: always, unless ``throw`` is False.
            MaxRetriesExceeded: there are no retries left, and no ``exc`` was given.
        """
        return retrying.retry(
            self,
            args,
            kwargs,
            exc=exc,
            throw=throw,
            eta=eta,
            countdown=countdown,
            max_retries=max_retries,
            options=options,
        )

    def update_state(
        self, task_id: str | None = None, state: str | None = None, meta: Any = None, **kwargs: Any
    ) -> None:
        """Store a state of your own: ``self.update_state(state="PROGRESS", meta={"done": 3})``.

        Args:
            task_id: Another task's id; None means the running one's.
            state: The state's name.
            meta: What ``AsyncResult.info`` gives.
            kwargs: Accepted for Celery's sake.
        """
        state_update.update_state(self, task_id, state, meta)

    def AsyncResult(self, task_id: str, **kwargs: Any) -> AsyncResult[R]:
        """The result of a call of this task, by its id."""
        return AsyncResult(task_id, app=self.app, **kwargs)

    # -- hooks for classes of your own; called by the executor

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        """Called before the function runs."""

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        """Called when the function has returned."""

    def on_failure(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Called when the task has failed for good."""

    def on_retry(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Called when the task will run again."""

    def after_return(
        self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any
    ) -> None:
        """Called after success and failure."""

    def shadow_name(self, args: Any, kwargs: Any, options: Any) -> str | None:
        """The name that logs shall show for a call, instead of the task's."""

    # -- where it belongs

    @property
    def app(self) -> "Application":
        """The application. A shared task belongs to the one that is current when it is used."""
        if self._app is not None:
            return self._app
        if self._find_app is None:
            raise ConfigurationError(
                f"{self!r} is not registered: use app.register_task({type(self).__name__}())."
            )
        return self._find_app()

    @app.setter
    def app(self, application: "Application") -> None:
        self._app = application

    @property
    def backend(self) -> Any:
        """The result store; None where results are not kept."""
        return self.app.results

    @cached_property
    def is_coroutine(self) -> bool:
        """The function is an ``async def``."""
        return inspect.iscoroutinefunction(self.run)

    @cached_property
    def has_own_apply_async(self) -> bool:
        """The task's class says itself how its calls are published."""
        return type(self).apply_async is not Task.apply_async

    @cached_property
    def has_own_results(self) -> bool:
        """The task's class says itself what its calls give."""
        return type(self).AsyncResult is not Task.AsyncResult

    @cached_property
    def call_signature(self) -> CallSignature:
        """The function's parameters."""
        return CallSignature(self.name, self.run)

    def __repr__(self) -> str:
        main = self._app.main if self._app is not None else None
        return f"<@task: {self.name}{f' of {main}' if main else ''}>"

    def __reduce__(self) -> Any:
        # A task of a function is found again where the function was defined.
        return self.__qualname__ if "__qualname__" in self.__dict__ else super().__reduce__()


def result_of_call(
    application: "Application", task_id: str, options: TaskOptions, task: Task[..., Any] | None
) -> AsyncResult[Any]:
    """The result of a call that has been published, listed among the children of the task that runs here."""
    result: AsyncResult[Any]
    if task is not None and task.has_own_results:
        result = task.AsyncResult(task_id)
    else:
        result = AsyncResult(task_id, app=application)
    ignored = options.ignore_result
    result.ignored = bool(task.ignore_result if ignored is None and task is not None else ignored)
    parent = worker_request()
    if parent is not None and options.add_to_parent:
        parent_task = parent.task_object
        if parent_task is None or parent_task.trail:
            parent.children.append(result)
    return result
