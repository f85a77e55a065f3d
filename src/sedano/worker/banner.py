"""What a worker says at its start."""

from sedano.brokers.broker import Broker
from sedano.worker.plan import NodePlan


def banner(plan: NodePlan, broker: Broker) -> str:
    """A few lines: who, where from, what, how many."""
    results = plan.result_url or "not stored"
    tasks = sorted(name for name in plan.tasks if not name.startswith(("sedano.", "celery.")))
    lines = [
        f"sedano worker {plan.name}",
        f"  app      {plan.app_name}",
        f"  broker   {broker.name} {broker.location}",
        f"  results  {results}",
        f"  queues   {', '.join(plan.queues)}",
        f"  slots    {plan.concurrency} ({plan.pool})",
        f"  tasks    {len(tasks)}" + (":" if tasks else ""),
        *(f"             {name}" for name in tasks),
    ]
    return "\n".join(lines)
