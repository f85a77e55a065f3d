"""A site with several databases and routers: the queue in one of them, migrations that are behind."""

import shutil
from pathlib import Path

import pytest

from tests.unit.django.suite.shop_process import ShopProcess

ROUTER = """
class QueueRouter:
    def _place(self, label):
        return "archive" if label == "sedano" else "default"

    def db_for_read(self, model, **hints):
        return self._place(model._meta.app_label)

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return db == self._place(app_label)
"""

IMPORTS = """
from django.db import connections, transaction
from sedano.contrib.django.models import Message
from shop.models import Order
from shop.tasks import ship, stocktaking

def waiting():
    return [message.task_id for message in Message.objects.order_by("id")]
"""


@pytest.fixture(scope="module")
def routed_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop, with the queue in a database of its own."""
    shop = ShopProcess(tmp_path_factory.mktemp("routed"))
    (shop.folder / "routers.py").write_text(ROUTER)
    shop.write_settings(
        'DATABASE_ROUTERS = ["routers.QueueRouter"]\nCELERY_BROKER_URL = "django://archive"\n'
    )
    shop.manage("migrate", "--verbosity", "0")
    shop.manage("migrate", "--verbosity", "0", "--database", "archive")
    return shop.folder


@pytest.fixture
def routed(routed_site: Path, tmp_path: Path) -> ShopProcess:
    return ShopProcess(shutil.copytree(routed_site, tmp_path / "site"))


def test_a_router_keeps_the_queue_out_of_the_other_database(routed: ShopProcess) -> None:
    said = routed.python(
        IMPORTS
        + """
tables = {alias: connections[alias].introspection.table_names() for alias in ("default", "archive")}
print("sedano_message" in tables["default"], "sedano_message" in tables["archive"])
result = ship.delay(1)
print(waiting() == [result.id], result.state)
"""
    )

    assert said.split() == ["False", "True", "True", "PENDING"]


def test_a_message_for_another_database_waits_for_the_commit_of_the_default_one(routed: ShopProcess) -> None:
    said = routed.python(
        IMPORTS
        + """
with transaction.atomic():
    result = ship.delay(Order.objects.create(name="tea").pk)
    before = waiting()
print(before, waiting() == [result.id])
try:
    with transaction.atomic():
        ship.delay(Order.objects.create(name="milk").pk)
        raise ZeroDivisionError
except ZeroDivisionError:
    print(waiting() == [result.id])
"""
    )

    assert said.split() == ["[]", "True", "True"]


def test_a_message_joins_a_transaction_of_its_own_database(routed: ShopProcess) -> None:
    said = routed.python(
        IMPORTS
        + """
try:
    with transaction.atomic(), transaction.atomic(using="archive"):
        result = ship.delay(1)
        print(waiting() == [result.id])
        raise ZeroDivisionError
except ZeroDivisionError:
    print(waiting())
"""
    )

    assert said.split() == ["True", "[]"]


def test_coroutines_wait_for_the_commit_of_the_default_database_too(routed: ShopProcess) -> None:
    said = routed.python(
        IMPORTS
        + """
from asgiref.sync import async_to_sync
with transaction.atomic():
    result = async_to_sync(ship.adelay)(Order.objects.create(name="tea").pk)
    before = waiting()
print(before, waiting() == [result.id])
"""
    )

    assert said.split() == ["[]", "True"]


def test_the_checks_look_at_the_database_of_the_queue(routed: ShopProcess) -> None:
    said = routed.manage("check", "--database", "default", "--database", "archive")

    assert "no issues" in said


@pytest.fixture(scope="module")
def old_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop, where the first migration was run, and the second, with the tables of workflows, was not."""
    shop = ShopProcess(tmp_path_factory.mktemp("old"))
    shop.manage("migrate", "--verbosity", "0", "sedano", "0001")
    return shop.folder


class TestBehindTheMigrations:
    """Deployed, and not migrated yet."""

    @pytest.fixture(autouse=True)
    def _shop(self, old_site: Path, tmp_path: Path) -> None:
        self.shop = ShopProcess(shutil.copytree(old_site, tmp_path / "site"))

    def test_djangos_checks_say_which_tables_are_missing_and_what_to_run(self) -> None:
        said = self.shop.manage("check", "--database", "default")

        assert "sedano.W005" in said
        assert {"sedano_chord,", "sedano_chord_part,", "sedano_group,"} <= set(said.split())
        assert "sedano_message" not in said
        assert "manage.py migrate --database=default" in said

    def test_the_checks_say_nothing_before_the_migration_that_they_would_ask_for(self) -> None:
        said = self.shop.manage("migrate")

        assert "W005" not in said
        assert "no issues" in self.shop.manage("check", "--database", "default")

    def test_a_single_call_is_published_all_the_same(self) -> None:
        said = self.shop.python(IMPORTS + "result = ship.delay(1)\nprint(waiting() == [result.id])")

        assert said.split() == ["True"]

    def test_a_chord_says_what_to_run(self) -> None:
        said = self.shop.python(
            IMPORTS
            + """
from sedano import chord
try:
    chord([ship.si(1)], stocktaking.s()).delay()
except Exception as error:
    print(type(error).__name__, error, waiting())
"""
        )

        assert said.startswith("ConfigurationError")
        assert "Run: manage.py migrate [" in said
        assert said.strip().endswith("[]")

    def test_a_worker_does_not_start_and_says_what_to_run(self) -> None:
        said = self.shop.manage("sedano", "worker", expect=2)

        assert "missing: sedano_" in said
        assert "sedano_message" not in said
        assert "Run: manage.py migrate" in said

    def test_sedanos_own_check_says_it_too(self) -> None:
        said = self.shop.manage("sedano", "check", expect=1)

        assert "Run: manage.py migrate" in said
