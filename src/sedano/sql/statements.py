"""SQL statements kept in ``.sql`` files, by name.

Loaded once when an adapter's module is imported. A file is a list of ``-- name --`` lines, each followed by
comments and one statement. Never runs anything.
"""

import re
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Final

_NAME_LINE: Final = re.compile(r"^--\s+(\w+)\s+--\s*$")
_COMMENT: Final = re.compile(r"\s*--.*$")


def load_statements(package: str, file_name: str) -> Mapping[str, str]:
    """The statements of one file beside the modules of a package.

    >>> sorted(load_statements("sedano.sql", "schema.sql"))[:2]
    ['dead_letter', 'message']
    """
    return parse_statements(resources.files(package).joinpath(file_name).read_text("utf-8"))


def parse_statements(text: str) -> Mapping[str, str]:
    """Split a file's text into statements by name, in the order of the file.

    Comments are for the reader and are left out: what is above the first name as well. Two dashes inside
    a quoted text would be taken for a comment, so no statement has any.

    Raises:
        ValueError: A name is used twice, or names nothing.
    """
    statements: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if heading := _NAME_LINE.match(line):
            name = heading[1]
            if name in statements:
                raise ValueError(f"The statement {name!r} is there twice.")
            lines = statements[name] = []
        elif code := _COMMENT.sub("", line):
            lines.append(code)
    for name, code_lines in statements.items():
        if not code_lines:
            raise ValueError(f"There is no statement under the name {name!r}.")
    return MappingProxyType(
        {name: "\n".join(code_lines).rstrip(";") for name, code_lines in statements.items()}
    )
