"""Attributes of signatures that are entries of the dictionary they are."""

from typing import Any, Generic, Self, TypeVar, overload

V = TypeVar("V")


class Entry(Generic[V]):
    """``signature.task`` for ``signature["task"]``; ``within`` names the entry that holds it, where one does.

    Reading an entry that is missing gives None.
    """

    def __init__(self, key: str, within: str | None = None) -> None:
        self._key = key
        self._within = within

    @overload
    def __get__(self, signature: None, owner: object) -> Self: ...

    @overload
    def __get__(self, signature: dict[str, Any], owner: object) -> V: ...

    def __get__(self, signature: dict[str, Any] | None, owner: object) -> Any:
        if signature is None:
            return self
        return (signature[self._within] if self._within else signature).get(self._key)

    def __set__(self, signature: dict[str, Any], value: V) -> None:
        (signature[self._within] if self._within else signature)[self._key] = value
