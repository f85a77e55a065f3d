"""When periodic tasks run: intervals, crontabs, the sun's events, single moments.

Used by the scheduler, and by users through ``sedano.schedules``. Only computes moments: it starts no task,
stores nothing and waits for nothing.
"""
