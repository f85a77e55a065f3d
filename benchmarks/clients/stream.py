"""Print the tasks per second of a stream of 5 ms tasks: ``stream.py 2000 3``.

The second number says how many tasks that kill their own process are published in the midst of it.
"""

import socket
import sys
import tempfile
from pathlib import Path

import bench_app

count, killers = int(sys.argv[1]), int(sys.argv[2])
work_and_tell, kill_own_process = bench_app.CALLS["work_and_tell"], bench_app.CALLS["kill_own_process"]

with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
    address = str(Path(folder) / "done")
    listener.bind(address)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    listener.settimeout(120)

    # Both of the worker's processes have run one.
    for _ in range(20):
        work_and_tell(address)
    for _ in range(20):
        listener.recv(64)

    for number in range(count):
        if killers and number % (count // killers) == 0:
            kill_own_process()
        work_and_tell(address)
    moments = sorted(int(listener.recv(64)) for _ in range(count))
    print((count - 1) / (moments[-1] - moments[0]) * 1e9)
