"""docs/canvas.md says the truth: its examples run as they stand, against a real worker."""

from pathlib import Path

import pytest

from tests.acceptance.document_examples import complaints, running_tasks

pytestmark = pytest.mark.acceptance


def test_the_examples_run_as_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_tasks("canvas.md", tmp_path, monkeypatch) as (_, examples):
        assert len(examples.examples) > 15
        assert complaints(examples) == ""
