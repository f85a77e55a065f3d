"""The rules that our tests keep: no mocks of our own code, no sleeps, no patching of the package."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source_tree import calls, files_of_tests, imported_modules, parsed, relative


def test_no_test_uses_mocks() -> None:
    users = [
        relative(path)
        for path in files_of_tests()
        if {"unittest.mock", "mock", "pytest_mock"} & set(imported_modules(parsed(path)))
    ]

    assert users == []


def test_no_test_sleeps() -> None:
    sleepers = [
        f"{relative(path)}:{line}" for path in files_of_tests() for line in _lines_that_sleep(parsed(path))
    ]

    assert sleepers == []


def test_no_test_patches_the_package() -> None:
    patchers = [
        f"{relative(path)}:{call.lineno}"
        for path in files_of_tests()
        for call, name in calls(parsed(path))
        if name.endswith("monkeypatch.setattr") and call.args and "sedano" in ast.unparse(call.args[0])
    ]

    assert patchers == []


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        pytest.param("def test_it():\n    time.sleep(1)", [2], id="a test that sleeps"),
        pytest.param("@app.task\ndef nap():\n    time.sleep(1)", [], id="a task whose work is to sleep"),
        pytest.param(
            "def wait_until(probe):\n    time.sleep(0.01)", [], id="a probe that waits for something"
        ),
        pytest.param("async def test_it():\n    await asyncio.sleep(1)", [2], id="a coroutine that sleeps"),
        pytest.param("await asyncio.sleep(0)", [], id="giving way is no sleep"),
    ],
)
def test_sleeps_are_told_from_the_work_of_tasks(code: str, lines: list[int]) -> None:
    assert list(_lines_that_sleep(ast.parse(code))) == lines


def _lines_that_sleep(tree: ast.AST, *, allowed: bool = False) -> Iterator[int]:
    """Where something sleeps that is neither a task nor a probe (``wait_...``)."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and not allowed and _is_sleep(node):
            yield node.lineno
        yield from _lines_that_sleep(node, allowed=allowed or _may_sleep(node))


def _is_sleep(call: ast.Call) -> bool:
    gives_way = [ast.unparse(argument) for argument in call.args] == ["0"]
    return ast.unparse(call.func) in {"time.sleep", "sleep", "asyncio.sleep"} and not gives_way


def _may_sleep(node: ast.AST) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    is_task = any("task" in ast.unparse(decorator) for decorator in node.decorator_list)
    return is_task or node.name.lstrip("_").startswith("wait_")
