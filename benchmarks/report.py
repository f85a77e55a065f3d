"""How the benchmarks' outcome is printed: a table for people, or JSON."""

import json
import platform
import sqlite3
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.contender import SEDANO, Contender
from benchmarks.rounds import Comparison


def print_table(comparisons: Sequence[Comparison], contenders: Sequence[Contender]) -> None:
    """One line a measure: each one's median, how many times as good Sedano is, and what is promised."""
    table = Table(title="Medians; the ratio says how many times as good Sedano is", title_justify="left")
    table.add_column("measure")
    for contender in contenders:
        table.add_column(f"{contender.name} {_version(contender)}", justify="right")
    table.add_column("ratio", justify="right")
    table.add_column("promised")
    for comparison in comparisons:
        ratio = comparison.ratio
        table.add_row(
            f"{comparison.measure.name}, {comparison.measure.unit}",
            *(_figure(comparison.median(contender.name)) for contender in contenders),
            "" if ratio is None else f"{ratio:.2f} x",
            _promise(comparison),
        )
    console = Console(width=None if sys.stdout.isatty() else 130)
    console.print(table)
    console.print(", ".join(f"{name}: {value}" for name, value in machine().items()))


def print_json(comparisons: Sequence[Comparison], contenders: Sequence[Contender]) -> None:
    """Everything, every round's figure included."""
    document = {
        "machine": machine(),
        "versions": {contender.name: _version(contender) for contender in contenders},
        "measures": [
            {
                "name": comparison.measure.name,
                "unit": comparison.measure.unit,
                "higher_is_better": comparison.measure.higher_is_better,
                "figures": comparison.figures,
                "medians": {name: comparison.median(name) for name in comparison.figures},
                "ratio": comparison.ratio,
                "keeps_promise": comparison.keeps_promise,
            }
            for comparison in comparisons
        ],
    }
    print(json.dumps(document, indent=2))


def machine() -> dict[str, str]:
    """What the figures depend on."""
    return {
        "cores": str(psutil.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
    }


def _version(contender: Contender) -> str:
    try:
        return version(contender.name)
    except PackageNotFoundError:
        return "(not installed)"


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _promise(comparison: Comparison) -> str:
    measure = comparison.measure
    if measure.promised_figure is not None:
        promise = f"{'>=' if measure.higher_is_better else '<='} {measure.promised_figure:g} {measure.unit}"
    elif measure.promised_ratio is not None:
        promise = f">= {measure.promised_ratio:g} x"
    else:
        return ""
    if comparison.median(SEDANO.name) is None or comparison.keeps_promise is None:
        return promise
    return f"{promise}: {'kept' if comparison.keeps_promise else 'NOT kept'}"
