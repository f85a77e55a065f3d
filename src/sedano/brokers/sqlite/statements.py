"""The broker's SQL statements, by name; they are in the ``.sql`` files of this package."""

from typing import Final

from sedano.sql.statements import load_statements

STATEMENTS: Final = {**load_statements(__package__, "lease.sql"), **load_statements(__package__, "admin.sql")}
