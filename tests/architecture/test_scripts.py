"""Every script of Redis says on top what it does and which keys it touches, as a reader of one needs it."""

from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT

SCRIPTS = sorted(ROOT.glob("src/sedano/**/*.lua"))


def test_there_are_scripts() -> None:
    assert len(SCRIPTS) > 10


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_documents_its_keys_on_top(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    top = "\n".join(lines[: next(n for n, line in enumerate(lines) if not line.startswith("--"))])

    assert "KEYS" in top or top.startswith("-- Part of other scripts")
