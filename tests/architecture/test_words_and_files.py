"""How files are named, how long they are, and what never stands in them; CONTRIBUTING.md says why."""

import ast
import re
from typing import Final

from tests.architecture.source_tree import defined_names, line_count, parsed, relative, source_files

#: Names without a noun: what would not belong in such a module?
WEAK_MODULE_NAMES: Final = {
    "utils",
    "util",
    "common",
    "helpers",
    "helper",
    "misc",
    "base",
    "core",
    "stuff",
    "tools",
}

LONGEST_FILE: Final = 400

UNFINISHED: Final = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")

#: Patterns of words that are not ours, and the word of the table in CONTRIBUTING.md that takes their place.
OTHER_WORDS: Final = {
    "enqueue": "publish",
    "dequeue": "claim",
    "(^|_)maybe_": "a name that says what is decided",
    "_inner$": "a name that says what it does",
}

#: What users call as they do in Celery keeps Celery's name.
CELERYS_NAMES: Final = {"maybe_signature", "maybe_throw"}


def test_no_module_has_a_name_without_a_noun() -> None:
    names = {relative(path): path.stem for path in source_files()}
    names |= {relative(path.parent): path.parent.name for path in source_files()}

    assert [path for path, name in names.items() if name.strip("_") in WEAK_MODULE_NAMES] == []


def test_one_act_has_one_word() -> None:
    strangers = [
        f"{relative(path)}: {name} (our word: {ours})"
        for path in source_files()
        for name in defined_names(parsed(path))
        for theirs, ours in OTHER_WORDS.items()
        if re.search(theirs, name, re.IGNORECASE) and name not in CELERYS_NAMES
    ]

    assert strangers == []


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    long = {relative(path): line_count(path) for path in source_files() if line_count(path) > LONGEST_FILE}

    assert long == {}


def test_every_module_opens_with_what_lives_there() -> None:
    silent = [
        relative(path)
        for path in source_files()
        if line_count(path) > 0
        and path.parent.name != "migrations"  # Django writes those, in its own form
        and ast.get_docstring(parsed(path)) is None
    ]

    assert silent == []


def test_nothing_is_left_unfinished() -> None:
    unfinished = [
        f"{relative(path)}:{number}: {line.strip()}"
        for path in source_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if UNFINISHED.search(line)
    ]

    assert unfinished == []
