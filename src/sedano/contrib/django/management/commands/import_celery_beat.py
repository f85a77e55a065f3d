"""``manage.py import_celery_beat``: the periodic tasks of django-celery-beat, as entries of ours."""

import argparse
import json
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, router

from sedano.contrib.django.celery_beat_tables import NoTables, read_tables
from sedano.contrib.django.periodic_task import PeriodicTask, import_tasks
from sedano.current import get_current_app

IMPORTED: Final = "imported"
THERE: Final = "already there"
FAILED: Final = "failed"


class Command(BaseCommand):  # type: ignore[misc]
    """Reads django-celery-beat's tables, and makes the same entries."""

    help = (
        "Makes entries of Sedano's schedule from the tables of django-celery-beat, which need not be "
        "installed. Its tables are only read. Entries whose names are there already are left as they are. "
        "Exit code 1: some could not be imported."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Called by Django."""
        parser.add_argument("--database", default="default", help="Where django-celery-beat's tables are.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be done, and do nothing.")
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="Answer in JSON, for scripts."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Called by Django."""
        try:
            found = list(read_tables(options["database"]))
        except (NoTables, DatabaseError) as error:
            raise CommandError(f"Nothing can be imported: {error}.") from error
        target = router.db_for_write(PeriodicTask)
        there = set(PeriodicTask.objects.using(target).values_list("name", flat=True))
        app = get_current_app()
        import_tasks(app)
        lines: list[dict[str, str]] = []
        for name, row, problem in found:
            if name in there:
                lines.append({"name": name, "outcome": THERE})
            elif row is None:
                lines.append({"name": name, "outcome": FAILED, "reason": problem})
            else:
                if not options["dry_run"]:
                    row.save(using=target)
                line = {
                    "name": name,
                    "outcome": IMPORTED,
                    "task": row.task,
                    "when": row.rule(app).human_readable,
                }
                if row.task not in app.tasks:
                    line["warning"] = f"no task is registered here as {row.task!r}"
                lines.append(line)
        self._tell(lines, options)
        failed = sum(line["outcome"] == FAILED for line in lines)
        if failed:
            raise CommandError(f"{failed} could not be imported.")

    def _tell(self, lines: list[dict[str, str]], options: dict[str, Any]) -> None:
        if options["as_json"]:
            self.stdout.write(json.dumps({"entries": lines, "dry_run": options["dry_run"]}, indent=2))
            return
        for line in lines:
            details = [line[key] for key in ("when", "reason", "warning") if key in line]
            self.stdout.write(": ".join([f"{line['outcome']:13} {line['name']}", *details]))
        counts = {kind: sum(line["outcome"] == kind for line in lines) for kind in (IMPORTED, THERE, FAILED)}
        done = "would be imported" if options["dry_run"] else "imported"
        self.stdout.write(f"{counts[IMPORTED]} {done}, {counts[THERE]} {THERE}, {counts[FAILED]} {FAILED}.")
