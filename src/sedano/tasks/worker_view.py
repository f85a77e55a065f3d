"""The worker, as receivers of signals see it: the sender of ``worker_ready``, say.

Made by the processes of a node and by the executor. Says who and where it is, and controls nothing: the node
itself is another process.
"""

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sedano.tasks.application import Application


class WorkerView:
    """One worker. What is not here raises an AttributeError that says what is.

    Receivers may set attributes of their own: what ``worker_init`` leaves here is still here for
    ``worker_shutdown``.
    """

    def __init__(self, app: "Application", hostname: str | None) -> None:
        # The views of an application live as long as it does.
        self._app = weakref.ref(app)
        #: The worker's name.
        self.hostname = hostname

    @property
    def app(self) -> "Application":
        """The application: ``sender.app.send_task(...)``."""
        app = self._app()
        if app is None:
            raise ReferenceError("The application of this worker is gone.")
        return app

    @property
    def controller(self) -> "WorkerView":
        """The same object: Celery's consumer has its worker here."""
        return self

    consumer = controller

    def learn(self, **facts: Any) -> None:
        """Further attributes, such as ``concurrency``."""
        vars(self).update(facts)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        known = sorted({"app", "consumer", "controller", *(n for n in vars(self) if n[0] != "_")})
        raise AttributeError(
            f"The worker that signals show has no attribute {name!r}. It has {', '.join(known)}."
        )

    def __str__(self) -> str:
        return self.hostname or ""

    def __repr__(self) -> str:
        return f"<Worker: {self.hostname}>"


_views: "weakref.WeakKeyDictionary[Application, dict[str | None, WorkerView]]" = weakref.WeakKeyDictionary()


def worker_of(app: "Application", hostname: str | None) -> WorkerView:
    """The view of the worker of this name; the same object whoever asks in this process."""
    views = _views.setdefault(app, {})
    return views.get(hostname) or views.setdefault(hostname, WorkerView(app, hostname))
