"""The tasks that run again, declared for either library."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.interop.scenarios.errors import Trouble, WorseTrouble, make_error
from tests.interop.scenarios.library import Library
from tests.interop.scenarios.observing import noted_class

#: Seconds until the next attempt, where a scenario does not say otherwise.
SOON: Final = 0.05


def declare_retries(library: Library, app: Any) -> None:
    """Declare them."""
    noted = noted_class(library)
    exceptions = library.exceptions

    @app.task(name="sc.again", bind=True, base=noted, default_retry_delay=SOON)
    def again(
        self: Any, *args: Any, how: Any = None, times: int = 1, k: str | None = None, **kwargs: Any
    ) -> Any:
        """Run again, in the way that ``how`` says."""
        if self.request.retries >= times:
            return [list(args), kwargs, self.request.retries]
        how = dict(how or {})
        how["exc"] = make_error(how.get("exc"))
        if "eta" in how:
            how["eta"] = datetime.now(UTC) + timedelta(seconds=how["eta"])
        if how.pop("within", None):
            try:
                raise Trouble("inner")
            except Trouble:
                raise self.retry(**how)
        returned = self.retry(**how)
        return ["went on", type(returned).__name__, self.request.retries]

    @app.task(name="sc.again_no_limit", bind=True, base=noted, default_retry_delay=SOON, max_retries=None)
    def again_no_limit(self: Any, times: int, k: str | None = None) -> int:
        if self.request.retries < times:
            raise self.retry()
        return self.request.retries

    @app.task(name="sc.retry_by_hand", bind=True, base=noted, default_retry_delay=SOON)
    def retry_by_hand(self: Any, k: str | None = None) -> int:
        if self.request.retries:
            return self.request.retries
        raise exceptions.Retry("by hand", exc=Trouble("hand"), when=SOON)

    def automatic(name: str, **options: Any) -> None:
        options = {"autoretry_for": (Trouble,), "base": noted, "default_retry_delay": SOON, **options}

        @app.task(name=f"sc.{name}", bind=True, **options)
        def auto(self: Any, error: Any, times: int = 99, k: str | None = None) -> int:
            if self.request.retries < times:
                raise make_error(error)
            return self.request.retries

    automatic("auto", max_retries=2)
    automatic("auto_kwargs", retry_kwargs={"max_retries": 1, "countdown": SOON})
    automatic("auto_backoff", retry_backoff=True, retry_jitter=False, retry_backoff_max=1, max_retries=2)
    automatic("auto_backoff_factor", retry_backoff=3, retry_backoff_max=1, retry_jitter=False, max_retries=1)
    automatic("auto_but", dont_autoretry_for=(WorseTrouble,), max_retries=1)

    @app.task(
        name="sc.auto_and_inner",
        bind=True,
        base=noted,
        autoretry_for=(Trouble,),
        max_retries=5,
        default_retry_delay=SOON,
    )
    def auto_and_inner(self: Any, k: str | None = None) -> None:
        self.retry(exc=Trouble("inner"), max_retries=1)

    @app.task(name="sc.auto_ignore", base=noted, autoretry_for=(Exception,), default_retry_delay=SOON)
    def auto_ignore(k: str | None = None) -> None:
        raise exceptions.Ignore

    @app.task(name="sc.auto_reject", base=noted, autoretry_for=(Exception,), default_retry_delay=SOON)
    def auto_reject(k: str | None = None) -> None:
        raise exceptions.Reject("auto")
