"""Whether a node can keep what is asked of its tasks: their time limits, and the slots that they name.

Asked by the planning of a node, before it starts. Only judges.
"""

from sedano.errors import ConfigurationError
from sedano.execution.slot_kind import ASYNCIO, PREFORK, SIDE_KINDS, THREADS
from sedano.worker.placement import Placement
from sedano.worker.plan import NodePlan, TaskTraits
from sedano.worker.posts import places


def check_limits(plan: NodePlan) -> None:
    """Limits that contradict each other, or that the pool cannot keep, are errors at the start.

    Raises:
        ConfigurationError: it names the task, and says what to do.
    """
    limited = [
        ("", plan.time_limit, plan.soft_time_limit),
        *((f"task {n}: ", t.time_limit, t.soft_time_limit) for n, t in plan.tasks.items()),
    ]
    for where, hard, soft in limited:
        if hard and soft and soft > hard:
            raise ConfigurationError(
                f"{where}soft_time_limit ({soft} s) is longer than time_limit ({hard} s)."
            )
        if plan.pool == "solo" and (hard or soft):
            raise ConfigurationError(
                f"{where}the solo pool cannot keep time limits, because nothing watches the one process. "
                "Remove the limit, or use --pool prefork."
            )


def check_slots(plan: NodePlan) -> list[str]:
    """The slots that tasks ask for must fit them, and must be able to keep their limits; returns warnings.

    Raises:
        ConfigurationError: it names the task, and says what to do.
    """
    for name, traits in plan.tasks.items():
        _check_kind(name, traits)
    if plan.pool == "solo":
        return []
    placement = Placement(plan)
    if plan.time_limit and places(plan.posts, THREADS) and not places(plan.posts, PREFORK):
        raise ConfigurationError(_unkept("", plan.time_limit, plan))
    for name, kind in placement.here.items():
        hard = plan.tasks[name].time_limit or plan.time_limit
        if kind == THREADS and hard:
            raise ConfigurationError(_unkept(f"task {name}: ", hard, plan))
    warnings = []
    if plan.time_limit and places(plan.posts, THREADS):
        warnings.append(
            f"The hard time limit ({plan.time_limit:g} s) holds for every task, so that functions run in "
            "prefork slots only, and the threads have nothing to do. Give it to the tasks that need it."
        )
    for kind in (PREFORK, *SIDE_KINDS):
        left = sorted(name for name, wanted in placement.elsewhere.items() if wanted == kind)
        if left:
            warnings.append(
                f"No {kind} slots here (--pool {kind}=N): left to other workers are {', '.join(left)}."
            )
    return warnings


def _check_kind(name: str, traits: TaskTraits) -> None:
    if traits.pool is None:
        return
    if traits.pool not in (PREFORK, *SIDE_KINDS):
        raise ConfigurationError(
            f"task {name}: pool={traits.pool!r}: the kinds of slots are prefork, threads and asyncio."
        )
    if traits.is_coroutine != (traits.pool == ASYNCIO):
        fitting = "asyncio" if traits.is_coroutine else "prefork and threads"
        kind = "`async def` tasks" if traits.is_coroutine else "functions"
        raise ConfigurationError(f"task {name}: pool={traits.pool!r}: {kind} run in slots of {fitting}.")


def _unkept(where: str, seconds: float, plan: NodePlan) -> str:
    if places(plan.posts, PREFORK):
        return (
            f"{where}pool='threads' and time_limit ({seconds:g} s) do not go together: a thread cannot be "
            "killed. Take one of them out; soft_time_limit works in threads."
        )
    threads = places(plan.posts, THREADS)
    hint = "" if not where else ", or give the task pool='prefork' to leave it to other workers"
    return (
        f"{where}a thread cannot be killed, so time_limit ({seconds:g} s) cannot be kept here. Add processes "
        f"(--pool threads={threads},prefork=2){hint}, or use soft_time_limit."
    )
