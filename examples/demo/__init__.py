"""The parts of ``run_demo.py``: a mail server, the processes it starts, a visitor, and the table."""
