#!/usr/bin/env bash
# Install the servers that test suites talk to (Debian, Ubuntu): those that are named, else all of them.
#
#   install-test-servers.sh [redis-server] [rabbitmq-server] [postgresql]
#
# The tests of this version need Redis and RabbitMQ. As root this installs them and keeps them from starting by
# themselves: tests start their own, privately, on free ports. Otherwise it prints the command.
set -euo pipefail

packages=("$@")
if [ "${#packages[@]}" = 0 ]; then packages=(redis-server rabbitmq-server postgresql); fi

if ! command -v apt-get >/dev/null; then
    echo "This script knows apt-get only. Install with your system's package manager: ${packages[*]}" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "Run as root: apt-get update && apt-get install -y ${packages[*]}"
    exit 1
fi

missing=()
for package in "${packages[@]}"; do
    if ! dpkg -s "$package" >/dev/null 2>&1; then missing+=("$package"); fi
done
if [ "${#missing[@]}" = 0 ]; then
    echo "Already installed: ${packages[*]}"
    exit 0
fi

# invoke-rc.d asks this file whether a freshly installed service may start; 101 is "no".
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
echo "Installed: ${missing[*]}"
