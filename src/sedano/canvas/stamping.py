"""Visitors that say which stamps the parts of a workflow get.

Subclassed by users; called by ``stamp`` of signatures and shapes.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from sedano.canvas.chords import chord
from sedano.canvas.groups import group
from sedano.canvas.signature import Signature


class StampingVisitor(ABC):
    """Says which stamps the parts of a workflow get: ``workflow.stamp(visitor=MyVisitor())``.

    Each method returns stamps, or None. They all are stamps, unless ``stamped_headers`` in what it returns
    names those that are. A shape's stamps are handed down to its members, as keyword arguments here.
    """

    @abstractmethod
    def on_signature(self, sig: Signature[Any], **headers: Any) -> Mapping[str, Any] | None:
        """The stamps of a task."""

    def on_group_start(self, group: "group", **headers: Any) -> Mapping[str, Any] | None:
        """The stamps of a group and of all its members."""
        return {}

    def on_group_end(self, group: "group", **headers: Any) -> None:  # noqa: B027 - for those who need it
        """All members of the group have their stamps."""

    def on_chain_start(self, chain: Signature[Any], **headers: Any) -> Mapping[str, Any] | None:
        """The stamps of a chain and of all its steps."""
        return {}

    def on_chain_end(self, chain: Signature[Any], **headers: Any) -> None:  # noqa: B027 - as above
        """All steps of the chain have their stamps."""

    def on_chord_header_start(self, sig: "chord", **header: Any) -> Mapping[str, Any] | None:
        """The stamps of a chord's header and of all its members: those of a group, unless overridden."""
        if not isinstance(sig.tasks, group):
            sig.tasks = group(sig.tasks, app=sig._app)
        return self.on_group_start(sig.tasks, **header)

    def on_chord_header_end(self, sig: "chord", **header: Any) -> None:
        """All members of the header have their stamps."""
        self.on_group_end(sig.tasks, **header)

    def on_chord_body(self, sig: "chord", **header: Any) -> Mapping[str, Any] | None:
        """The stamps of a chord's body."""
        return {}

    def on_callback(self, callback: Signature[Any], **header: Any) -> Mapping[str, Any] | None:
        """The stamps of what is called on success."""
        return {}

    def on_errback(self, errback: Signature[Any], **header: Any) -> Mapping[str, Any] | None:
        """The stamps of what is called on failure."""
        return {}
