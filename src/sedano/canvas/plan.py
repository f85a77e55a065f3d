"""What is to be published so that a workflow starts: all of it decided, nothing sent.

Made by ``plan`` from a signature: by ``apply_async`` in a client, and by the executor for what follows a
task. Never publishes; ``tasks.workflows`` does.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sedano import ids
from sedano.canvas.freezing import Naming, Result
from sedano.canvas.option_copies import as_list
from sedano.canvas.plain import Plain

if TYPE_CHECKING:
    from sedano.canvas.signature import Signature

#: Options of a call that hold signatures.
_HOLD_SIGNATURES: Final = ("chain", "chord", "link", "link_error")


class Call(NamedTuple):
    """One message to publish."""

    task: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    #: Those of ``apply_async``, with ``task_id``. The parts of a workflow are plain dictionaries in Celery's
    #: form: ``chain`` (the steps after this one, the next one last), ``chord`` (the body that waits for this
    #: member), ``link``, ``link_error``; beside them ``group_id``, ``group_index``, ``root_id``,
    #: ``parent_id``, ``stamped_headers`` and the stamps. Nothing is None.
    options: dict[str, Any]


class ChordStart(NamedTuple):
    """A chord whose header is among the calls: the store hears of it before they are published."""

    group_id: str
    #: How many members will tell their ends.
    size: int


class Plan(NamedTuple):
    """What starts a workflow. To be carried out in this order: chords, groups, calls."""

    calls: list[Call]
    chords: list[ChordStart]
    #: Groups to be kept, as result tuples, by id: headers of chords that have groups for members.
    groups: dict[str, Any]
    #: What the caller gets; None for an empty chain.
    result: Result | None
    #: What begins at once: a running task lists it among its children.
    started: Result | None


class Planning(Naming):
    """A plan that is being made. The shapes add to it."""

    def __init__(self, new_id: Callable[[], str] = ids.task_id, reply_to: str | None = None) -> None:
        super().__init__(new_id, reply_to)
        self.calls: list[Call] = []
        self.chords: list[ChordStart] = []
        self.groups: dict[str, Any] = {}


def plan(
    signature: "Signature[Any]",
    args: Iterable[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    new_id: Callable[[], str] = ids.task_id,
    **options: Any,
) -> Plan:
    """Decide everything that ``signature.apply_async(args, kwargs, **options)`` publishes.

    The signature stays as it is. Ids that it has already are kept, so that a signature from a message, with
    the same ``new_id``, makes the same plan again.

    Args:
        signature: A task, or any shape.
        args: Put before its arguments.
        kwargs: Laid over its arguments.
        new_id: Gives an id to what has none.
        options: As for ``apply_async``; ``chain``, ``chord``, ``group_id``, ``group_index``, ``root_id`` and
            ``parent_id`` are what it inherits from the workflow that it continues.
    """
    planning = Planning(new_id, options.get("reply_to"))
    own = signature._copy()._as_step()
    given = {name: value for name, value in options.items() if value is not None}
    result, started = own._publish_in(planning, tuple(args or ()), dict(kwargs or {}), given)
    plain = Plain()
    for call in planning.calls:
        for name in _HOLD_SIGNATURES:
            if name in call.options:
                value = call.options[name]
                call.options[name] = plain.option(value if name == "chord" else as_list(value))
    return Plan(planning.calls, planning.chords, planning.groups, result, started)
