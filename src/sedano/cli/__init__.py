"""The command ``sedano``: one module per command, and what the commands share.

``main.main`` is the entry; ``commands.sedano`` is the click group. Nothing here is
imported by the rest of the package, but for ``find_app``, by which a worker's process finds its application.
"""
