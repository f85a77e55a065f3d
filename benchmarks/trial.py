"""One figure being taken: of which contender, on which server, in which folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contender import HERE, Contender
from benchmarks.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a measure is given. Server and folder are fresh, and gone afterwards."""

    contender: Contender
    server: Server
    folder: Path
    #: Whether to be quick about it, at the cost of precision.
    quick: bool
    #: Whether the contender stores its tasks' results.
    store_results: bool

    @property
    def calls_folder(self) -> Path:
        """Where the contender's processes count the calls of its task."""
        return self.folder / "calls"

    def worker_log(self) -> str:
        """What the worker has printed."""
        return (self.folder / "worker.log").read_text(encoding="utf-8", errors="replace")

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which the contender's application finds itself and its server."""
        apps = HERE / "apps"
        self.calls_folder.mkdir(exist_ok=True)
        return {
            **os.environ,
            **dict(self.contender.environment),
            "PYTHONPATH": f"{apps / self.contender.app_folder}{os.pathsep}{apps}",
            "BENCH_URL": self.server.url,
            "BENCH_RESULTS_URL": self.server.results_url,
            "BENCH_STORE_RESULTS": "yes" if self.store_results else "",
            "BENCH_CALLS_FOLDER": str(self.calls_folder),
        }
