"""SQL files are read as named statements."""

import pytest

from sedano.sql.statements import parse_statements


def test_statements_are_found_by_name_without_their_comments() -> None:
    text = """-- What this file is for.

-- claim --
-- Take one.
UPDATE message
SET held = 1;  -- by us

-- finish --
DELETE FROM message;
"""

    assert parse_statements(text) == {
        "claim": "UPDATE message\nSET held = 1",
        "finish": "DELETE FROM message",
    }


def test_a_name_that_is_used_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="'claim' is there twice"):
        parse_statements("-- claim --\nSELECT 1;\n-- claim --\nSELECT 2;")


def test_a_name_without_a_statement_is_refused() -> None:
    with pytest.raises(ValueError, match="no statement under the name 'claim'"):
        parse_statements("-- claim --\n-- Only a comment.\n")
