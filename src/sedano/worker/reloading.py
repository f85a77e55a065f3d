"""``--reload``: notice that the application's files changed, and import it anew beside the old one.

Owned by the parent's loop. A file that cannot be imported changes nothing but the log.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sedano.worker.options import NodeOptions
from sedano.worker.plan import NodePlan
from sedano.worker.zygote_link import ZygoteLink

#: How often the files are looked at. Seconds.
LOOK_EVERY: Final = 0.5


class Reloading:
    """Watches files; starts a zygote when one changes."""

    def __init__(self, options: NodeOptions, plan: NodePlan) -> None:
        self._options = options
        self._files: tuple[str, ...] = ()
        self._seen: Mapping[str, int] = {}
        self._importing = False
        self.next_look = 0.0
        self.watch(plan)

    def watch(self, plan: NodePlan) -> None:
        """From now on these are the files."""
        self._files = plan.watched_files
        self._seen = self._stamps()
        self._importing = False

    def look(self, now: float) -> ZygoteLink | None:
        """A zygote that is importing the changed application, if it has changed since the last look."""
        if now < self.next_look:
            return None
        self.next_look = now + LOOK_EVERY
        if self._importing:
            return None
        stamps = self._stamps()
        if stamps == self._seen:
            return None
        self._seen = stamps
        self._importing = True
        return ZygoteLink(self._options)

    def abandon(self) -> None:
        """The import failed: wait for the next change."""
        self._importing = False

    def _stamps(self) -> dict[str, int]:
        stamps: dict[str, int] = {}
        for name in self._files:
            try:
                stamps[name] = Path(name).stat().st_mtime_ns
            except OSError:
                stamps[name] = 0
        return stamps
