"""What a worker says at its start."""

from sedano.brokers.broker import Broker
from sedano.execution.slot_kind import ASYNCIO, PREFORK, THREADS
from sedano.results.store import ResultStore
from sedano.worker.plan import NodePlan
from sedano.worker.posts import places


def banner(plan: NodePlan, broker: Broker, results: ResultStore | None) -> str:
    """A few lines: who, where from, what, how many. Locations are without secrets; URLs would not be."""
    tasks = sorted(name for name in plan.tasks if not name.startswith(("sedano.", "celery.")))
    lines = [
        f"sedano worker {plan.name}",
        f"  app      {plan.app_name}",
        f"  broker   {broker.name} {broker.location}",
        f"  results  {'not stored' if results is None else f'{results.name} {results.location}'}",
        f"  queues   {', '.join(plan.queues)}",
        f"  slots    {slots(plan)}",
        f"  tasks    {len(tasks)}" + (":" if tasks else ""),
        *(f"             {name}{limit(plan, name)}" for name in tasks),
    ]
    return "\n".join(lines) + "\n"


def limit(plan: NodePlan, name: str) -> str:
    """How often a task may start, if it has a limit."""
    rate_limit = plan.tasks[name].rate_limit
    return "" if rate_limit is None else f"  at most {rate_limit}"


def slots(plan: NodePlan) -> str:
    """How many tasks run at once, and where."""
    if plan.pool == "solo":
        return "1 (solo)"
    counts = {kind: places(plan.posts, kind) for kind in (PREFORK, THREADS, ASYNCIO)}
    return ", ".join(f"{count} ({kind})" for kind, count in counts.items() if count)
