"""What is noted of every task: signals, and the handlers of a class of our own.

Called once by the application of the workers, and by the runner, whose process runs tasks eagerly.
"""

from typing import Any

from tests.interop.scenarios.library import Library
from tests.interop.scenarios.notes import key_of, note
from tests.interop.scenarios.plain import last_line, plain, request_facts


def observe(library: Library) -> None:
    """Connect to all signals of a task's life."""
    signals = library.signals

    @signals.task_prerun.connect(weak=False)
    def began(task_id: str, task: Any, args: Any, kwargs: Any, **_: Any) -> None:
        request = request_facts(library, task.request)
        note(key_of(args, kwargs), "prerun", task_id, task=task.name, request=request)

    @signals.task_postrun.connect(weak=False)
    def ended(task_id: str, task: Any, args: Any, kwargs: Any, retval: Any, state: str, **_: Any) -> None:
        facts = {"state": state, "retval": plain(library, retval)}
        note(key_of(args, kwargs), "postrun", task_id, task=task.name, **facts)

    @signals.task_success.connect(weak=False)
    def succeeded(sender: Any, result: Any, **_: Any) -> None:
        request = sender.request
        value = plain(library, result)
        note(key_of(request.args, request.kwargs), "success", request.id, task=sender.name, result=value)

    @signals.task_failure.connect(weak=False)
    def failed(
        sender: Any, task_id: str, exception: Any, args: Any, kwargs: Any, einfo: Any, **_: Any
    ) -> None:
        facts = {"exception": plain(library, exception), "einfo": _einfo(library, einfo)}
        note(key_of(args, kwargs), "failure", task_id, task=_name(sender), **facts)

    @signals.task_retry.connect(weak=False)
    def tried(sender: Any, request: Any, reason: Any, einfo: Any, **_: Any) -> None:
        facts = {"reason": plain(library, reason), "einfo": _einfo(library, einfo)}
        note(key_of(request.args, request.kwargs), "retry", request.id, task=sender.name, **facts)

    @signals.task_revoked.connect(weak=False)
    def revoked(sender: Any, request: Any, terminated: Any, signum: Any, expired: Any, **_: Any) -> None:
        facts = {"terminated": terminated, "signum": signum, "expired": expired}
        key = key_of(request.args, request.kwargs)
        note(key, "revoked", request.id, task=_name(sender), **facts)

    @signals.task_internal_error.connect(weak=False)
    def broke(sender: Any, task_id: str, exception: Any, args: Any, kwargs: Any, **_: Any) -> None:
        shown = plain(library, exception)
        note(key_of(args, kwargs), "internal_error", task_id, task=_name(sender), exception=shown)


def noted_class(library: Library) -> type:
    """A base class of tasks that notes what its handlers are called with."""

    class Noted(library.top.Task):
        """Notes what its handlers are called with."""

        abstract = True

        def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
            self._note("before_start", task_id, args, kwargs)

        def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
            self._note("on_success", task_id, args, kwargs, retval=retval)

        def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
            self._note("on_failure", task_id, args, kwargs, exc=exc, einfo=_einfo(library, einfo))

        def on_retry(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
            self._note("on_retry", task_id, args, kwargs, exc=exc, einfo=_einfo(library, einfo))

        def after_return(
            self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any
        ) -> None:
            facts = {"status": status, "retval": retval, "einfo": _einfo(library, einfo)}
            self._note("after_return", task_id, args, kwargs, **facts)

        def _note(self, event: str, task_id: str, args: Any, kwargs: Any, **facts: Any) -> None:
            shown = plain(library, {"args": args, "kwargs": kwargs, **facts})
            note(key_of(args, kwargs), event, task_id, task=self.name, **shown)

    return Noted


def _einfo(library: Library, einfo: Any) -> Any:
    if einfo is None:
        return None
    error = einfo.exception
    return {"exception": plain(library, error), "last_line": last_line(library, einfo.traceback)}


def _name(sender: Any) -> str:
    return getattr(sender, "name", str(sender))
