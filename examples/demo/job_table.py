"""What the demo shows in the end: one row for each job."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One task that the visitor caused."""

    name: str
    task_id: str
    state: str
    #: Seconds.
    queue_wait: float | None
    run_time: float | None
    #: What shows that it really happened.
    proof: str


def job_table(jobs: Sequence[Job]) -> Table:
    """The jobs as a table for the terminal."""
    table = Table(box=box.ROUNDED, title="What the worker did", title_justify="left", show_lines=True)
    table.add_column("Job", style="bold")
    table.add_column("Id", overflow="fold", min_width=18)
    table.add_column("State")
    table.add_column("Waited", justify="right", no_wrap=True)
    table.add_column("Ran", justify="right", no_wrap=True)
    table.add_column("Proof", overflow="fold", ratio=1)
    for job in jobs:
        style = "green" if job.state == "SUCCESS" else "red"
        table.add_row(
            job.name,
            Text(job.task_id),
            Text(job.state, style=style),
            _duration(job.queue_wait),
            _duration(job.run_time),
            Text(job.proof),
        )
    return table


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
