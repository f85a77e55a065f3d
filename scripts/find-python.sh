#!/usr/bin/env bash
# Print the path of a Python of at least the given version that can run Sedano, or fail.
#
#   scripts/find-python.sh 3.11
#
# Looks at $SEDANO_PYTHON, the PATH, pyenv's versions and uv's, and tries each: a name on the PATH may be
# a shim that leads nowhere. Never installs anything.
set -euo pipefail

wanted="${1:?the least version, such as 3.11}"

fits() {
    # Prints the interpreter itself, not the shim that led to it.
    "$1" -c '
import sys
wanted = tuple(map(int, sys.argv[1].split(".")))
import ctypes, sqlite3, ssl
if sys.version_info[:2] < wanted or sys.implementation.name != "cpython":
    sys.exit(1)
print(sys.executable)
' "$wanted" 2>/dev/null
}

if [ -n "${SEDANO_PYTHON:-}" ]; then
    fits "$SEDANO_PYTHON" && exit 0
    echo "SEDANO_PYTHON=$SEDANO_PYTHON is no Python >= $wanted with sqlite3, ssl and ctypes." >&2
    exit 1
fi

for name in python3 python python3.13 python3.12 python3.11 python3.14; do
    for candidate in $(type -ap "$name"); do
        fits "$candidate" && exit 0
    done
done
for candidate in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python /usr/local/bin/python3.1? /opt/python*/bin/python3; do
    if [ -x "$candidate" ]; then
        fits "$candidate" && exit 0
    fi
done
if command -v uv >/dev/null; then
    candidate="$(uv python find --no-project ">=$wanted" 2>/dev/null || true)"
    if [ -n "$candidate" ]; then
        fits "$candidate" && exit 0
    fi
fi
exit 1
