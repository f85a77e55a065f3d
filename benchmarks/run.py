"""The command behind ``make bench``: Sedano and potatoq side by side, on SQLite, in one run.

    python benchmarks/run.py                     everything, 5 rounds
    python benchmarks/run.py --quick             everything, fewer and shorter rounds
    python benchmarks/run.py --only drain        the measures whose name contains "drain"
    python benchmarks/run.py --contender potatoq one of them alone
    python benchmarks/run.py --json

A figure that misses its promise does not make the command fail: it prints ratios, people judge.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.contender import CONTENDERS
from benchmarks.measures.crash_stream import CRASH_STREAM
from benchmarks.measures.drain_rate import DRAIN_RATE, DRAIN_RATE_WITHOUT_RESULTS
from benchmarks.measures.idle_cpu import IDLE_CPU
from benchmarks.measures.import_time import IMPORT_TIME
from benchmarks.measures.memory import MEMORY
from benchmarks.measures.publish_rate import PUBLISH_RATE
from benchmarks.measures.start_latency import START_LATENCY
from benchmarks.report import print_json, print_table
from benchmarks.rounds import compare

MEASURES: Final = (
    PUBLISH_RATE,
    DRAIN_RATE,
    DRAIN_RATE_WITHOUT_RESULTS,
    START_LATENCY,
    CRASH_STREAM,
    IDLE_CPU,
    MEMORY,
    IMPORT_TIME,
)


def main() -> None:
    """Take the measures that are asked for and print them."""
    options = _options()
    contenders = [each for each in CONTENDERS if options.contender in (None, each.name)]
    measures = [measure for measure in MEASURES if options.only in measure.name]
    comparisons = [
        compare(
            measure,
            contenders,
            rounds=options.rounds or (2 if options.quick else 5),
            quick=options.quick,
            tell=lambda line: print(line, file=sys.stderr, flush=True),
        )
        for measure in measures
    ]
    (print_json if options.json else print_table)(comparisons, contenders)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Sedano and potatoq side by side, on SQLite.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: a rough picture")
    parser.add_argument("--rounds", type=int, help="how often each measure is taken (5; 2 with --quick)")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only the measures whose name contains TEXT"
    )
    parser.add_argument("--contender", choices=[each.name for each in CONTENDERS], help="measure one alone")
    parser.add_argument("--json", action="store_true", help="print JSON with every round's figure")
    return parser.parse_args()


if __name__ == "__main__":
    main()
