"""Call a task so many times and print the seconds it took: ``publish.py noop 5000``."""

import sys
import time

import bench_app

task = getattr(bench_app, sys.argv[1])
count = int(sys.argv[2])

# The first calls open the database and create its tables.
for _ in range(min(10, count)):
    task.delay()

started = time.perf_counter()
for _ in range(count - min(10, count)):
    task.delay()
print(time.perf_counter() - started)
