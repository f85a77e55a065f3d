"""Workflows: signatures of tasks, and the shapes they are put into. Published by ``sedano.tasks``."""

from sedano.canvas.chains import chain
from sedano.canvas.chords import chord
from sedano.canvas.groups import group
from sedano.canvas.maps import chunks, xmap, xstarmap
from sedano.canvas.signature import Signature, maybe_signature, signature, subtask
from sedano.canvas.stamping import StampingVisitor

__all__ = [
    "Signature",
    "StampingVisitor",
    "chain",
    "chord",
    "chunks",
    "group",
    "maybe_signature",
    "signature",
    "subtask",
    "xmap",
    "xstarmap",
]
