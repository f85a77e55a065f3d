"""Task messages: what a call looks like on the wire, in Celery's protocol 2 (and 1, for reading)."""
