"""The scheduler: entries, runs that were missed, and the loop that starts what is due.

Made by the application (``app_schedule``); run by ``sedano beat``, and beside workers. Runs no task.
"""
