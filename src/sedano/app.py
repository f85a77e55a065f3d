"""The application: the one place where settings, tasks, broker, results and publisher are put together.

Made by users, once per project. Opens broker and result store when they are first used, not at import.
"""

import itertools
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Self, TypeVar, Unpack, overload

from sedano import locations, signals
from sedano.announcements import Announcer
from sedano.app_schedule import AppSchedule
from sedano.app_workflows import AppWorkflows
from sedano.brokers.opening import open_broker
from sedano.celery_arguments import constructor_settings
from sedano.clock import Clock, SystemClock
from sedano.current import applications, get_current_task
from sedano.errors import ConfigurationError
from sedano.execution.builtin import builtin_tasks
from sedano.home import calling_frame, program_directory
from sedano.loading import load_object
from sedano.loops.threads import Runner, in_any_thread
from sedano.results.opening import open_result_store
from sedano.settings.conf import Conf
from sedano.settings.wiring import wiring_for
from sedano.tasks import annotations, discovery
from sedano.tasks.declaration import BoundDeclarator, Declarator, TaskDeclaration, check_options, declare
from sedano.tasks.naming import module_name
from sedano.tasks.publisher import Publisher
from sedano.tasks.registry import TaskRegistry
from sedano.tasks.request import worker_request
from sedano.tasks.task import Task

if TYPE_CHECKING:
    from sedano.brokers.broker import Broker
    from sedano.execution.eager import EagerRunner
    from sedano.execution.host import Surrounding
    from sedano.results.store import ResultStore
    from sedano.settings.sections import Settings
    from sedano.tasks.declaration import CoroutineTask

P = ParamSpec("P")
R = TypeVar("R")


class Sedano(AppWorkflows, AppSchedule):
    """An application: its settings, its tasks, and the way to its broker and its results.

    >>> app = Sedano("proj", broker="memory://", set_as_current=False)
    >>> @app.task
    ... def add(x: int, y: int) -> int:
    ...     return x + y
    >>> add.name.endswith(".add"), add(2, 2)
    (True, 4)
    """

    def __init__(
        self,
        main: str | None = None,
        *,
        broker: str | None = None,
        backend: str | None = None,
        include: Sequence[str] | None = None,
        set_as_current: bool = True,
        namespace: str | None = None,
        config_source: object = None,
        changes: Mapping[str, Any] | None = None,
        task_cls: type[Task[..., Any]] | str | None = None,
        clock: Clock | None = None,
        strict_typing: bool = True,
        **conf: Any,
    ) -> None:
        """
        Args:
            main: The name of the tasks' module where it is run as a script; shown to people.
            broker: The setting ``broker_url``.
            backend: The setting ``result_backend``.
            include: The setting ``include``: modules that workers import.
            set_as_current: What ``current_app`` and shared tasks use from now on.
            namespace: The prefix of the names in ``config_source``.
            config_source: As for ``config_from_object``.
            changes: Settings.
            task_cls: The class of tasks that name none.
            clock: Where the time comes from; for tests.
            strict_typing: Check the arguments of calls, of tasks that do not say ``typing`` themselves.
            conf: Settings.
        """
        settings = {**(changes or {}), **constructor_settings(conf)}
        named = {"broker_url": broker, "result_backend": backend, "include": include}
        settings |= {name: value for name, value in named.items() if value is not None}
        self.main = main
        self.strict_typing = strict_typing
        self.clock: Clock = clock or SystemClock()
        self.announcer = Announcer()
        self.conf = Conf(settings)
        if config_source is not None:
            self.conf.add_source(config_source, namespace)
        self.base_dir = program_directory(calling_frame(self))
        AppSchedule.__init__(self)
        self.publisher = Publisher(self)
        self._eager: EagerRunner | None = None
        #: How schemes that are no brokers of their own become URLs that are; filled by integrations.
        self.resolvers: dict[str, Callable[[str], str]] = {}
        #: What ``autodiscover_tasks()`` without packages searches; filled by integrations.
        self.package_finders: list[Callable[[], Iterable[str]]] = []
        #: The broker where no setting names one; integrations may know a better one.
        self.default_broker_url = locations.EMBEDDED
        #: What goes round every attempt in a worker; filled by integrations.
        self.around_attempt: list[Surrounding] = []
        #: Where synchronous code runs on behalf of coroutines; integrations may know a better place.
        self.run_blocking: Runner = in_any_thread
        self._task_cls = task_cls
        self._tasks = TaskRegistry()
        self._searches: list[discovery.Search] = []
        self._lock = threading.RLock()
        self._finalized = False
        self._broker: Broker | None = None
        self._results: ResultStore | None = None
        for task in builtin_tasks(self):
            self._tasks.register(task)
        applications.add(self)
        if set_as_current:
            self.set_current()

    # -- settings

    @property
    def settings(self) -> "Settings":
        """The settings as typed sections. Raises ConfigurationError if some are wrong."""
        return self.conf.settings

    def config_from_object(
        self, obj: object, silent: bool = False, force: bool = False, namespace: str | None = None
    ) -> None:
        """Take settings from a module, an object, a dictionary, or the dotted path of one.

        Args:
            obj: Where they are; read when the first setting is asked for.
            silent: Ignore a dotted path that leads to nothing.
            force: Read, and complain, at once.
            namespace: Their names' prefix there: ``"CELERY"`` for ``CELERY_BROKER_URL``.
        """
        self.conf.add_source(obj, namespace, silent=silent, reset=True)
        if force:
            self.conf.settings  # noqa: B018 - reading them checks them

    def config_from_envvar(self, variable_name: str, silent: bool = False, force: bool = False) -> None:
        """Take settings from the module that an environment variable names."""
        if module := os.environ.get(variable_name):
            self.config_from_object(module, silent=silent, force=force)
        elif not silent:
            raise ConfigurationError(f"The variable {variable_name} is not set: name a module there.")

    def add_defaults(self, source: object) -> None:
        """Settings (a dictionary, or a function that returns one) that count more than the sources'."""
        self.conf.add_defaults(source)

    # -- tasks

    @property
    def tasks(self) -> TaskRegistry:
        """The tasks that this process knows, by name."""
        return self._tasks

    # A coroutine function fits the second overload as well; the first that fits is taken.
    @overload
    def task(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> "CoroutineTask[P, R]": ...

    @overload
    def task(self, function: Callable[P, R], /) -> Task[P, R]: ...

    @overload
    def task(self, /, *, bind: Literal[True], **options: Unpack[TaskDeclaration]) -> BoundDeclarator: ...

    @overload
    def task(self, /, *, bind: Literal[False] = False, **options: Unpack[TaskDeclaration]) -> Declarator: ...

    def task(self, function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
        """Make a function a task, with or without options: ``@app.task``, ``@app.task(bind=True)``.

        Args:
            function: The function.
            options: See ``declaration.TaskDeclaration``; others become attributes of the task.

        Raises:
            NotSupported: an option of Celery's that this version does not have.
        """
        if function is None:
            return lambda declared: self._declare(declared, options)
        return self._declare(function, options)

    def _declare(self, function: Callable[..., Any], options: Mapping[str, Any]) -> Task[..., Any]:
        check_options(options)
        name = options.get("name") or self.gen_task_name(function.__name__, function.__module__)
        task = declare(function, options, name=name, base=options.get("base") or self._default_class())
        self._register(task)
        return task

    def _default_class(self) -> type[Task[..., Any]]:
        chosen = load_object(self._task_cls) if isinstance(self._task_cls, str) else self._task_cls
        return chosen or Task

    def register_task(self, task: Task[P, R] | type[Task[P, R]]) -> Task[P, R]:
        """Make an instance of a class of your own a task: ``add = app.register_task(Add())``."""
        instance = task() if isinstance(task, type) else task
        if not hasattr(instance, "run"):
            raise ConfigurationError(f"{type(instance).__qualname__} is no task: give it a method run().")
        if not instance.name:
            instance.name = self.gen_task_name(type(instance).__name__, type(instance).__module__)
        self._register(instance)
        return instance

    def _register(self, task: Task[..., Any]) -> None:
        task.app = self
        if not self.strict_typing and not any("typing" in vars(one) for one in (task, *_own_classes(task))):
            task.typing = False
        self._add(task)

    def adopt(self, task: Task[..., Any]) -> None:
        """Take in a shared task, unless a task of this application's own has its name."""
        known = self._tasks.get(task.name)
        if known is None or known._app is not self:
            self._add(task)

    def _add(self, task: Task[..., Any]) -> None:
        self._tasks.register(task)
        if self._finalized:
            self._annotate(task)

    def _annotate(self, task: Task[..., Any]) -> None:
        # A shared task is one object for all applications: the current one has the say.
        if task._app is self or applications.is_current(self):
            annotations.annotate(task, self.settings.tasks.annotations)

    def gen_task_name(self, name: str, module: str) -> str:
        """The name of a task that is given none: module and function. For subclasses to change."""
        return f"{module_name(module, main=self.main)}.{name}"

    def autodiscover_tasks(
        self,
        packages: Iterable[str] | Callable[[], Iterable[str]] | None = None,
        related_name: str | None = "tasks",
        force: bool = False,
    ) -> None:
        """Import the module ``tasks`` of each package, when a worker starts.

        Args:
            packages: The packages, or a function that lists them; None means Django's installed apps.
            related_name: The module's name; None imports the packages themselves.
            force: Import at once.
        """
        search = discovery.Search(self._found_packages if packages is None else packages, related_name)
        if force:
            search.run()
        else:
            self._searches.append(search)

    def _found_packages(self) -> list[str]:
        return [package for find in self.package_finders for package in find()]

    def import_modules(self) -> list[ModuleType]:
        """Import the modules that may define tasks: ``imports``, ``include``, and what is to be found."""
        signals.import_modules.send(sender=self)
        settings = self.settings.app
        found = discovery.import_named(settings.imports, setting="imports")
        found += discovery.import_named(settings.include, setting="include")
        for search in self._searches:
            found += search.run()
        self.finalize()
        return found

    def finalize(self, auto: bool = False) -> None:
        """Give the tasks what ``task_annotations`` says of them: once, before the first is used."""
        with self._lock:
            tasks, self._finalized = [] if self._finalized else list(self._tasks.values()), True
            for task in tasks:
                self._annotate(task)

    # -- broker and results

    @property
    def broker_url(self) -> str:
        """Where the broker is, as a URL that a broker understands."""
        return locations.broker_url(self.settings, self.default_broker_url, self.resolvers)

    @property
    def result_url(self) -> str | None:
        """Where results are kept; None where they are not."""
        return locations.result_url(self.settings, self.default_broker_url, self.resolvers)

    @property
    def broker(self) -> "Broker":
        """The broker, opened when it is first asked for."""
        if self._broker is None:
            with self._lock:
                if self._broker is None:
                    settings = self.settings.broker
                    url = locations.broker_url(self.settings, self.default_broker_url, {})
                    self._broker = open_broker(
                        url,
                        options=settings.transport_options,
                        publish_timeout=settings.publish_timeout,
                        clock=self.clock,
                        base_dir=self.base_dir,
                        wiring=wiring_for(self.settings, url),
                    )
        return self._broker

    @property
    def results(self) -> "ResultStore | None":
        """The result store, opened when it is first asked for; None where results are not kept."""
        if self._results is None:
            with self._lock:
                url = locations.result_url(self.settings, self.default_broker_url, {})
                if self._results is None and url is not None:
                    self._results = open_result_store(
                        url,
                        options=self.settings.results.transport_options,
                        clock=self.clock,
                        base_dir=self.base_dir,
                        wiring=wiring_for(self.settings, url),
                    )
        return self._results

    backend = results

    @property
    def eager(self) -> "EagerRunner":
        """Runs tasks in the calling process."""
        if self._eager is None:
            # Imported here: it brings asyncio, which most programs that only publish do not need.
            from sedano.execution.eager import EagerRunner

            self._eager = EagerRunner(self)
            self.finalize()
        return self._eager

    # -- the application as a whole

    @property
    def current_worker_task(self) -> Task[..., Any] | None:
        """The task that a worker runs here, or ``apply()``: not one that is merely called."""
        return request.task_object if (request := worker_request()) is not None else None

    @property
    def current_task(self) -> Task[..., Any] | None:
        """The task that is running here; None where none is."""
        return get_current_task()

    def set_current(self) -> None:
        """Make this the application that ``current_app`` and shared tasks use."""
        applications.set_current(self)

    set_default = set_current

    def close(self) -> None:
        """Close the connections to broker and results. They are opened again when used again."""
        with self._lock:
            broker, results, self._broker, self._results = self._broker, self._results, None, None
        for connection in (broker, results):
            if connection is not None:
                connection.close()
        self.publisher.hang_up()
        self._close_schedule()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.main or '(unnamed)'}>"


def _own_classes(task: Task[..., Any]) -> list[type]:
    """The user's classes that a task is made of."""
    return list(itertools.takewhile(lambda kind: kind is not Task, type(task).__mro__))


applications.make_default = Sedano
