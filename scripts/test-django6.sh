#!/usr/bin/env bash
# Run the Django tests with Django 6 in an environment of their own (.venv-django6).
#
# Django 6 needs Python >= 3.12. Where none is found this says so and succeeds: the other tests have run
# with Django 5.2 by then. Called by `make test-django6`.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv-django6
tests=(tests/unit/django tests/acceptance/test_django*.py tests/acceptance/test_demo*.py)

if ! python="$(bash scripts/find-python.sh 3.12)"; then
    echo "Left out: Django 6 needs Python >= 3.12, and none was found (PATH, pyenv, uv)."
    echo "Name one to run these tests: SEDANO_PYTHON=/path/to/python3.12 make test-django6"
    exit 0
fi

existing=()
for path in "${tests[@]}"; do
    if [ -e "$path" ]; then existing+=("$path"); fi
done
if [ "${#existing[@]}" = 0 ]; then
    echo "Left out: there are no Django tests (${tests[*]})." >&2
    exit 1
fi

stamp="$venv/.set-up-dev"
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ] || [ scripts/set-up.sh -nt "$stamp" ]; then
    SEDANO_PYTHON="$python" SEDANO_CONSTRAINT="Django>=6,<7" bash scripts/set-up.sh "$venv" 3.12 dev
    touch "$stamp"
fi
"$venv/bin/python" -c 'import django, sys; print("Django", django.__version__, "on Python", sys.version.split()[0])'
"$venv/bin/python" -m pytest -q "${existing[@]}"
