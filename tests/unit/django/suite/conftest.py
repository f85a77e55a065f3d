"""Sets up Django for this process, with databases that are files, so that other processes can see them."""

import atexit
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import django
import pytest
from django.test.utils import (
    setup_databases,
    setup_test_environment,
    teardown_databases,
    teardown_test_environment,
)

_folder = Path(tempfile.mkdtemp(prefix="sedano-shop-"))
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["SHOP_FOLDER"] = str(_folder)
sys.path.insert(0, str(Path(__file__).parents[1] / "project"))
django.setup()


@pytest.fixture(scope="session", autouse=True)
def databases() -> Iterator[None]:
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    gc.collect()
    gc.freeze()  # what is here by now need not be looked through after each test
    yield
    teardown_databases(made, verbosity=0)
    teardown_test_environment()


@pytest.fixture
def clean_tables() -> Iterator[None]:
    """Our tables, empty; for tests that are no TestCase."""
    from django.apps import apps
    from django.db import connection, connections, transaction

    yield
    with transaction.atomic(), connection.cursor() as cursor:
        for model in apps.get_app_config("sedano").get_models():
            cursor.execute(f"DELETE FROM {model._meta.db_table}")
    connections.close_all()
    gc.collect()  # connections of threads that have ended, here and not in another test


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., str]:
    """Runs code in a Django process of its own, with an empty, migrated database of its own."""
    from tests.unit.django.suite.shop_process import ShopProcess

    return ShopProcess(tmp_path).run
