#!/usr/bin/env bash
# Run the Django tests with Django 6 in an environment of their own (.venv-django6).
#
# Django 6 needs Python >= 3.12. Where none is found this says so and succeeds: the other tests have run
# with Django 5.2 by then. Called by `make test-django6`.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv-django6
# What goes through Django. How the demo itself behaves, and how rates are kept, is the same with either.
tests=(
    tests/unit/django
    tests/acceptance/test_django_pools.py
    tests/acceptance/test_django_schedule.py
    tests/acceptance/test_django_transactions.py
    tests/acceptance/test_demo.py::test_without_a_terminal_every_job_is_done_and_the_demo_ends
    tests/acceptance/test_demo.py::test_the_example_sites_own_tests_pass
)

if ! python="$(bash scripts/find-python.sh 3.12)"; then
    echo "Left out: Django 6 needs Python >= 3.12, and none was found (PATH, pyenv, uv)."
    echo "Name one to run these tests: SEDANO_PYTHON=/path/to/python3.12 make test-django6"
    exit 0
fi

stamp="$venv/.set-up-dev"
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ] || [ scripts/set-up.sh -nt "$stamp" ]; then
    SEDANO_PYTHON="$python" SEDANO_CONSTRAINT="Django>=6,<7" bash scripts/set-up.sh "$venv" 3.12 dev
    touch "$stamp"
fi
"$venv/bin/python" -c 'import django, sys; print("Django", django.__version__, "on Python", sys.version.split()[0])'
"$venv/bin/python" -m pytest -q -n 3 --dist worksteal "${tests[@]}"
