#!/bin/sh
# Installs the real parts that tests talk to: etcd and etcdctl from Debian.
set -eu
if command -v etcd >/dev/null && command -v etcdctl >/dev/null; then
    exit 0
fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends etcd-server etcd-client >/dev/null
else
    echo "etcd and etcdctl are not installed; the tests that need them are skipped" >&2
fi
