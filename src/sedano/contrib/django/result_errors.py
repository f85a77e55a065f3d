"""From the errors of Django's databases to those of the result store.

Used by the result store on Django's connection, and by nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connections
from django.db.transaction import TransactionManagementError

from sedano.contrib.django.vendors import vendor_of
from sedano.errors import ConfigurationError, ResultStoreError, ResultStoreUnavailable


@contextmanager
def translated_errors(alias: str) -> Iterator[None]:
    """Raise errors of this database as the result store's. Misused transactions stay what they are."""
    try:
        yield
    except TransactionManagementError:
        raise
    except DatabaseError as error:
        diagnosis = vendor_of(alias).diagnose(connections[alias], error)
        kind: type[Exception] = ResultStoreUnavailable if diagnosis.passing else ResultStoreError
        if diagnosis.configuration:
            kind = ConfigurationError
        raise kind(f"The results in the database {alias!r}: {diagnosis.reason}") from error
