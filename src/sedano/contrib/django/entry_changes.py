"""How schedulers learn that an entry in the site's database was saved or deleted: a number that grows.

The number is in ``sedano_schedule``, in the database of the entries, and is written in the transaction that
changes the entry: both are there, or neither, whenever a process dies. Schedulers look at it every second.
"""

from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import F


def count_change(alias: str) -> None:
    """Have all schedulers read the entries of this database anew."""
    rows = _rows(alias)
    with transaction.atomic(using=alias):
        if not rows.filter(pk=1).update(changes=F("changes") + 1):
            rows.bulk_create([rows.model(pk=1, changes=0)], ignore_conflicts=True)
            rows.filter(pk=1).update(changes=F("changes") + 1)


def read_changes(alias: str) -> int:
    """How often entries of this database were changed."""
    found: int | None = _rows(alias).filter(pk=1).values_list("changes", flat=True).first()
    return found or 0


def _rows(alias: str) -> Any:
    return apps.get_model("sedano", "Schedule").objects.using(alias)
