"""Runs a worker, of whichever pool: what ``sedano worker`` calls. Starts the zygote, opens the broker."""

import logging
import sys

from sedano.errors import ConfigurationError
from sedano.monitoring.logging_setup import set_up_logging
from sedano.worker.node import Node
from sedano.worker.opened import opened
from sedano.worker.options import NodeOptions
from sedano.worker.pidfile import pidfile
from sedano.worker.solo import Load, run_solo
from sedano.worker.zygote_link import ZygoteLink

logger = logging.getLogger("sedano.worker")


def run_node(options: NodeOptions, *, load: Load) -> int:
    """Run a worker until it is told to stop.

    Args:
        options: What the command line said.
        load: Imports the application and makes its plan; called in this process for the solo pool only.

    Returns:
        The exit code: 0 after any orderly stop, 1 if the node could not go on.

    Raises:
        ApplicationNotFound, ConfigurationError, BrokerError: it could not start; the message says why.
    """
    if options.pool == "solo" or sys.platform == "win32":
        return run_solo(options, load)
    zygote = ZygoteLink(options)
    try:
        plan = zygote.wait_until_ready()
        if plan.pool == "solo":
            zygote.stop()
            return run_solo(options, load)
        set_up_logging(options.loglevel, logfile=options.logfile, formats=plan.log_formats)
        with pidfile(options.pidfile), opened(plan) as (broker, results):
            if not broker.features.between_processes:
                raise ConfigurationError(
                    f"The {broker.name} broker does not leave its process: the pool {plan.pool} cannot use "
                    "it. Name another broker_url, or use --pool solo."
                )
            # A broker that cannot be used is an error at the start, told in one line.
            broker.admin.queues()
            if options.purge:
                for queue in plan.queues:
                    logger.warning("Purged %d messages from %s", broker.admin.purge(queue), queue)
            return Node(options, plan, zygote, broker, results).run()
    finally:
        zygote.stop()
