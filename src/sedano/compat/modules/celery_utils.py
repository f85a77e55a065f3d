"""``import celery.utils``."""

from functools import cached_property
from typing import Final

from sedano import uuid

gen_unique_id = uuid

__all__ = ["cached_property", "gen_unique_id", "uuid"]

_TOOL: Final = "It is a tool of Celery's own. Use the standard library's"

_REFUSED: Final = {
    "LOG_LEVELS": f"{_TOOL} logging.getLevelNamesMapping().",
    "chunks": "Use task.chunks, or the standard library's itertools.",
    "gen_task_name": "Use app.gen_task_name.",
    "get_cls_by_name": f"{_TOOL} importlib.",
    "get_full_cls_name": "It is the class's __module__ and __qualname__.",
    "import_from_cwd": f"{_TOOL} importlib.",
    "instantiate": f"{_TOOL} importlib.",
    "memoize": f"{_TOOL} functools.lru_cache.",
    "nodename": "A node's name is a text, such as w1@host.",
    "nodesplit": "A node's name is a text: name.partition('@').",
    "noop": "Write `def noop(*args, **kwargs): ...`.",
    "worker_direct": "Workers have no queues of their own. Give one a queue with `sedano worker -Q`.",
    # -- modules
    "abstract": "Use isinstance with celery.Task and celery.Signature.",
    "annotations": f"{_TOOL} typing.",
    "collections": f"{_TOOL} collections.",
    "debug": f"{_TOOL} faulthandler and tracemalloc.",
    "deprecated": f"{_TOOL} warnings.",
    "dispatch": "Make signals with django.dispatch, or with blinker.",
    "encoding": "It is no part of Celery 5 either.",
    "functional": f"{_TOOL} functools and itertools.",
    "graph": "result.graph gives a graph of its own class.",
    "imports": f"{_TOOL} importlib.",
    "iso8601": f"{_TOOL} datetime.fromisoformat.",
    "nodenames": "A node's name is a text: name.partition('@').",
    "objects": f"{_TOOL} types.SimpleNamespace.",
    "quorum_queues": "Queues are the broker's own.",
    "saferepr": f"{_TOOL} reprlib.",
    "serialization": f"{_TOOL} pickle and base64.",
    "static": "It belongs to Celery's documentation.",
    "sysinfo": f"{_TOOL} os.",
    "term": "Use rich, or click.style.",
    "text": f"{_TOOL} textwrap.",
    "threads": f"{_TOOL} threading.",
    "timer2": f"{_TOOL} sched.",
}
