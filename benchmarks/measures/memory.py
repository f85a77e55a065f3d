"""The memory of a worker with two slots, in MB: the proportional set size of all its processes (Linux)."""

from pathlib import Path
from typing import Final

from benchmarks.contender import Contender
from benchmarks.measures.measure import Measure
from benchmarks.warm_worker import warm_worker
from benchmarks.worker_process import family


def _take(contender: Contender, folder: Path, quick: bool) -> float:
    with warm_worker(contender, folder) as worker:
        return sum(_proportional_set_kib(process.pid) for process in family(worker)) * 1024 / 1e6


def _proportional_set_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise RuntimeError(f"the kernel tells no Pss of process {pid}")


MEMORY: Final = Measure(
    name="worker with 2 slots, memory (PSS)",
    unit="MB",
    higher_is_better=False,
    take=_take,
    promised_figure=80.0,
)
