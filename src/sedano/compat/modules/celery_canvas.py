"""``import celery.canvas``."""

from typing import Final

from sedano.canvas import (
    Signature,
    StampingVisitor,
    chain,
    chord,
    chunks,
    group,
    maybe_signature,
    signature,
    subtask,
    xmap,
    xstarmap,
)

_chain = chain
_chord = chord
maybe_subtask = maybe_signature

__all__ = [
    "Signature",
    "StampingVisitor",
    "_chain",
    "_chord",
    "chain",
    "chord",
    "chunks",
    "group",
    "maybe_signature",
    "maybe_subtask",
    "signature",
    "subtask",
    "xmap",
    "xstarmap",
]

_REFUSED: Final = {
    "abstract": "Isinstance of celery.Signature, or of dict, is what a signature can be asked for.",
    "regen": "A list does the same.",
}
