"""Signatures as plain dictionaries, for messages.

Used by ``plan``. A message must not carry our classes: some serializers write a class's name, and others know
dictionaries only.
"""

from collections.abc import Mapping
from typing import Any, Final

#: What holds further signatures, among the arguments of shapes and the options of any signature.
_ARGUMENTS: Final = ("tasks", "header", "body", "task")
_OPTIONS: Final = ("link", "link_error", "chord", "chain")


class Plain:
    """Makes plain dictionaries, one of each signature: the body of a chord is shared by its members."""

    def __init__(self) -> None:
        self._made: dict[int, dict[str, Any]] = {}

    def option(self, value: Any) -> Any:
        """The value of an option that holds a signature, or several."""
        if isinstance(value, Mapping):
            return self.signature(value)
        return [self.signature(each) for each in value]

    def signature(self, signature: Mapping[str, Any]) -> dict[str, Any]:
        """A signature, and all it holds."""
        made = self._made.get(id(signature))
        if made is None:
            made = self._made[id(signature)] = dict(signature)
            if made.get("subtask_type") or str(made.get("task")).startswith("celery."):
                made["kwargs"] = self._filled(made["kwargs"], _ARGUMENTS)
            made["options"] = self._filled(made["options"], _OPTIONS)
        return made

    def _filled(self, values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
        filled = dict(values)
        for name in names:
            if filled.get(name):
                filled[name] = self.option(filled[name])
        return filled
