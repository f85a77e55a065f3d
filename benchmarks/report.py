"""How the benchmarks' outcome is printed: a table for people, which Markdown understands as well, or JSON."""

import json
import platform
import sqlite3
import sys
from collections.abc import Sequence
from typing import Any

import psutil
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.contender import SEDANO, Contender
from benchmarks.rounds import Comparison
from benchmarks.setting import Setting


def print_table(setting: Setting, contenders: Sequence[Contender], comparisons: Sequence[Comparison]) -> None:
    """One line a measure: each one's median, how many times as good Sedano is, and what is promised."""
    table = Table(box=box.MARKDOWN)
    table.add_column("measure")
    for contender in contenders:
        table.add_column(f"{contender.name} {contender.version}", justify="right")
    table.add_column("promised")
    for comparison in comparisons:
        table.add_row(
            f"{comparison.measure.name}, {comparison.measure.unit}",
            *(_cell(comparison, contender) for contender in contenders),
            ", ".join(_promise(what, kept) for what, kept in comparison.promises().items()),
        )
    console = Console(width=None if sys.stdout.isatty() else 240, highlight=False)
    console.print(f"{setting.title}. Medians; in brackets how many times as good Sedano is.\n", markup=False)
    console.print(table)
    console.print(", ".join(f"{name}: {value}" for name, value in machine().items()) + "\n", markup=False)


def as_document(
    setting: Setting, contenders: Sequence[Contender], comparisons: Sequence[Comparison]
) -> dict[str, Any]:
    """Everything, every round's figure included."""
    return {
        "broker": setting.name,
        "machine": machine(),
        "versions": {contender.name: contender.version for contender in contenders},
        "measures": [
            {
                "name": comparison.measure.name,
                "unit": comparison.measure.unit,
                "higher_is_better": comparison.measure.higher_is_better,
                "figures": comparison.figures,
                "medians": {name: comparison.median(name) for name in comparison.figures},
                "ratios": {name: comparison.ratio(name) for name in comparison.figures},
                "promises": comparison.promises(),
            }
            for comparison in comparisons
        ],
    }


def print_json(documents: Sequence[dict[str, Any]]) -> None:
    """Print what ``as_document`` made."""
    print(json.dumps(documents, indent=2))


def machine() -> dict[str, str]:
    """What the figures depend on."""
    return {
        "cores": str(psutil.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
    }


def _cell(comparison: Comparison, contender: Contender) -> str:
    figure, ratio = comparison.median(contender.name), comparison.ratio(contender.name)
    if figure is None:
        return ""
    ours = contender == SEDANO or ratio is None
    return _figure(figure) if ours else f"{_figure(figure)} ({ratio:.2f})"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _promise(what: str, kept: bool | None) -> str:
    return what if kept is None else f"{what}: {'kept' if kept else 'NOT kept'}"
