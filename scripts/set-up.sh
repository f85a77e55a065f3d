#!/usr/bin/env bash
# Create a virtual environment with Sedano (editable) and the given dependency groups in it.
#
#   scripts/set-up.sh .venv 3.11 dev bench      folder, least Python version, groups
#
# Uses uv where it is present, else the venv module and pip. SEDANO_CONSTRAINT="Django>=6,<7" narrows a
# version. Called by the Makefile; asks nothing; safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."

venv="${1:?the folder}"
version="${2:?the least Python version}"
shift 2

make_venv_without_uv() {
    "$1" -m venv "$venv" && return 0
    # Debian keeps the venv module's pip in a package of its own.
    rm -rf "$venv"
    local package
    package="$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "This Python has no venv module: installing $package."
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "$package"
        "$1" -m venv "$venv"
    else
        echo "This Python has no venv module. Install it and run make again: sudo apt-get install $package" >&2
        exit 1
    fi
}

if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
    rm -rf "$venv"
    if python="$(bash scripts/find-python.sh "$version")"; then
        echo "Creating $venv with $python"
        if ! { command -v uv >/dev/null && uv venv -q --python "$python" "$venv"; }; then
            make_venv_without_uv "$python"
        fi
    elif ! { command -v uv >/dev/null && uv venv -q --python ">=$version" "$venv"; }; then
        echo "No Python >= $version was found. Install one, or name it: SEDANO_PYTHON=/path/to/python make setup" >&2
        exit 1
    fi
fi

requirements="$venv/requirements.txt"
constraints="$venv/constraints.txt"
"$venv/bin/python" scripts/dependency_group.py "$@" >"$requirements"
echo "${SEDANO_CONSTRAINT:-}" >"$constraints"

if command -v uv >/dev/null &&
    uv pip install -q --python "$venv/bin/python" -e . -r "$requirements" -c "$constraints"; then
    echo "$venv is ready."
    exit 0
fi
# No uv, or uv could not reach its index where pip's own configuration may know another.
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip --upgrade >/dev/null
"$venv/bin/python" -m pip install -q --disable-pip-version-check -e . -r "$requirements" -c "$constraints"
echo "$venv is ready."
