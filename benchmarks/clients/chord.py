"""Print, for so many chords, the seconds from before each is published to its body's result.

``chord.py 1000 3``: three chords of a thousand no-op members.
"""

import sys
import time

import bench_app

members, chords = map(int, sys.argv[1:])
# The first one warms both sides up.
bench_app.run_chord(20)
for _ in range(chords):
    began = time.perf_counter()
    gathered = bench_app.run_chord(members)
    print(time.perf_counter() - began)
    if gathered != members:
        raise SystemExit(f"the body was given {gathered} results of {members}")
