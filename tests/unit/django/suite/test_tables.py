"""The migrations make the same tables as the schema file."""

import sqlite3
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from sedano.contrib.django import models
from sedano.sql.statements import load_statements

TABLES = (
    "sedano_message",
    "sedano_node",
    "sedano_queue",
    "sedano_rate",
    "sedano_dead_letter",
    "sedano_result",
    "sedano_group",
    "sedano_chord",
    "sedano_chord_part",
    "sedano_entry",
    "sedano_schedule",
)


@pytest.fixture
def schema() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:")
    for statement in load_statements("sedano.sql", "schema.sql").values():
        made.execute(statement)
    yield made
    made.close()


@pytest.mark.parametrize("table", TABLES)
def test_the_columns_are_those_of_the_schema(schema: sqlite3.Connection, table: str) -> None:
    assert columns(connection.cursor(), table) == columns(schema, table)


@pytest.mark.parametrize("table", TABLES)
def test_the_indices_are_those_of_the_schema(schema: sqlite3.Connection, table: str) -> None:
    assert indices(connection.cursor(), table) == indices(schema, table)


def test_there_is_one_other_table_which_is_the_sites_own(schema: sqlite3.Connection) -> None:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'sedano_%'"

    tables = set(connection.cursor().execute(query).fetchall())

    assert tables - set(schema.execute(query).fetchall()) == {("sedano_periodic_task",)}
    assert set(schema.execute(query).fetchall()) < tables


def test_ids_are_never_given_twice() -> None:
    query = "SELECT sql FROM sqlite_master WHERE name IN ('sedano_message', 'sedano_dead_letter')"

    assert all("AUTOINCREMENT" in sql for (sql,) in connection.cursor().execute(query).fetchall())


def test_the_migrations_say_what_the_models_say() -> None:
    call_command("makemigrations", "sedano", "--check", "--dry-run", verbosity=0)


def test_each_model_says_what_it_is() -> None:
    rows = [
        models.Message(task="shop.ship", task_id="1", state="ready", queue="celery"),
        models.Node(incarnation="sedano@host/1/abc"),
        models.Queue(name="celery"),
        models.Rate(task="shop.print_label"),
        models.DeadLetter(task="shop.ship", task_id="1", reason="crashed"),
        models.Result(task_id="1", state="SUCCESS"),
        models.Group(group_id="g"),
        models.Chord(group_id="g", counted=2),
        models.Chord(group_id="g", counted=2, ended=True),
        models.ChordPart(group_id="g", member="1:0"),
    ]

    assert [str(row) for row in rows] == [
        "shop.ship[1] ready in celery",
        "sedano@host/1/abc",
        "celery",
        "shop.print_label",
        "shop.ship[1]: crashed",
        "1: SUCCESS",
        "g",
        "g: 2",
        "g: ended",
        "1:0 of g",
    ]


def columns(database: Any, table: str) -> list[tuple[Any, ...]]:
    rows = database.execute(f"PRAGMA table_info({table})").fetchall()
    return [(name, kind.upper(), not_null, default, key) for _, name, kind, not_null, default, key in rows]


def indices(database: Any, table: str) -> list[Any]:
    """Name, uniqueness, origin, whether partial, and the columns with their order, of each index."""
    found = database.execute(f"PRAGMA index_list({table})").fetchall()
    described = []
    for _, name, unique, origin, partial in found:
        members = database.execute(f"PRAGMA index_xinfo({name})").fetchall()
        where = database.execute("SELECT sql FROM sqlite_master WHERE name = ?".replace("?", f"'{name}'"))
        (sql,) = where.fetchone()
        described.append((name, unique, origin, partial, members, condition_in(sql)))
    return sorted(described)


def condition_in(sql: str | None) -> str:
    return (sql or "").partition("WHERE")[2].replace('"', "").strip()
