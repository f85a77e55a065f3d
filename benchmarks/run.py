"""The command behind ``make bench``: Sedano and other queues side by side, in one run.

    python benchmarks/run.py                       everything: on SQLite 5 rounds, on others 3
    python benchmarks/run.py --broker redis        on Redis only
    python benchmarks/run.py --quick               everything, fewer and shorter rounds
    python benchmarks/run.py --only drain          the measures whose name contains "drain"
    python benchmarks/run.py --contender sedano celery-late     these alone
    python benchmarks/run.py --json

A figure that misses its promise does not make the command fail: it prints ratios, people judge.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.contender import Contender
from benchmarks.report import as_document, print_json, print_table
from benchmarks.rounds import Comparison, compare
from benchmarks.setting import Setting
from benchmarks.settings.on_rabbitmq import ON_RABBITMQ
from benchmarks.settings.on_redis import ON_REDIS
from benchmarks.settings.on_sqlite import ON_SQLITE

SETTINGS: Final = (ON_SQLITE, ON_REDIS, ON_RABBITMQ)


def main() -> None:
    """Take the measures that are asked for and print them."""
    options = _options()
    # The others were compiled when they were installed, Sedano is by its first import from the source.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    documents = []
    for setting in SETTINGS:
        if options.broker in (None, setting.name):
            contenders = _taking_part(setting, options.contender)
            comparisons = _compare_all(setting, contenders, options)
            if options.json:
                documents.append(as_document(setting, contenders, comparisons))
            elif comparisons and contenders:
                print_table(setting, contenders, comparisons)
    if options.json:
        print_json(documents)


def _compare_all(
    setting: Setting, contenders: list[Contender], options: argparse.Namespace
) -> list[Comparison]:
    return [
        compare(
            measure,
            setting,
            contenders,
            rounds=options.rounds or (2 if options.quick else setting.rounds),
            quick=options.quick,
            tell=_tell,
        )
        for measure in setting.measures
        if options.only in measure.name
    ]


def _taking_part(setting: Setting, named: list[str]) -> list[Contender]:
    """Those who are named, or all; whoever is not installed is left out, with a word about it."""
    if named:
        wanted = [each for each in (*setting.contenders, *setting.on_request) if each.name in named]
    else:
        wanted = list(setting.contenders)
    for contender in wanted:
        if contender.version is None:
            _tell(f"{contender.name} is left out: it is not installed, see docs/performance.md")
    return [each for each in wanted if each.version is not None]


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    names = sorted({each.name for setting in SETTINGS for each in (*setting.contenders, *setting.on_request)})
    parser = argparse.ArgumentParser(description="Sedano and other queues side by side.")
    parser.add_argument("--broker", choices=[setting.name for setting in SETTINGS], help="only on this one")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: a rough picture")
    parser.add_argument("--rounds", type=int, help="how often each measure is taken")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only the measures whose name contains TEXT"
    )
    parser.add_argument(
        "--contender",
        nargs="+",
        default=[],
        choices=names,
        metavar="NAME",
        help=f"only of {', '.join(names)}",
    )
    parser.add_argument("--json", action="store_true", help="print JSON with every round's figure")
    return parser.parse_args()


if __name__ == "__main__":
    main()
