#!/bin/sh
# Installs the real parts that tests talk to: etcd and etcdctl from Debian, and
# the current etcd, Helm and Jaeger from their Go modules.
set -eu
here=$(dirname "$0")
if ! { command -v etcd && command -v etcdctl && command -v curl; } >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            curl etcd-server etcd-client >/dev/null
    else
        echo "etcd, etcdctl or curl are not installed; the tests that need them are skipped" >&2
    fi
fi
if command -v go >/dev/null && [ ! -x "$here/../target/tools/etcd" ]; then
    (cd "$here/storage/etcd" && go build -o ../../../target/tools/etcd .) ||
        echo "the current etcd was not built; the tests that need it are skipped" >&2
fi
if command -v go >/dev/null && [ ! -x "$here/../target/tools/helm" ]; then
    (cd "$here/charts/helm" && go build -o ../../../target/tools/helm helm.sh/helm/v3/cmd/helm) ||
        echo "helm was not built; the tests of the charts are skipped" >&2
fi
if command -v go >/dev/null && [ ! -x "$here/../target/tools/jaeger" ]; then
    (
        cd "$here/traces/jaeger"
        go build -ldflags '-s -w' -o ../../../target/tools/jaeger \
            github.com/jaegertracing/jaeger/cmd/all-in-one
    ) || echo "Jaeger was not built; the tests of traces are skipped" >&2
fi
if ! { [ -x /usr/sbin/sshd ] && command -v ip && command -v iptables; } >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            iproute2 iptables openssh-server >/dev/null
    else
        echo "sshd or iptables are not installed; the tests of the tunnel are skipped" >&2
    fi
fi
if ! { command -v podman && command -v buildah && command -v strip; } >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            binutils buildah conmon podman runc >/dev/null
    else
        echo "podman, buildah or strip are not installed; the test of containers is skipped" >&2
    fi
fi
if ! command -v prometheus >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            prometheus >/dev/null
    else
        echo "prometheus is not installed; the test of metrics is skipped" >&2
    fi
fi
# An old kubectl beside the one that is installed: Debian's.
if command -v apt-get >/dev/null && [ ! -x "$here/../target/tools/kubectl-old" ]; then
    mkdir -p "$here/../target/tools"
    (
        cd "$here/../target/tools"
        apt-get download -qq kubernetes-client >/dev/null 2>&1
        dpkg -x kubernetes-client_*.deb old
        mv old/usr/bin/kubectl kubectl-old
        rm -rf old kubernetes-client_*.deb
    ) || echo "Debian's kubectl was not found; the test that needs it is skipped" >&2
fi
if command -v go >/dev/null && [ ! -x "$here/../target/tools/proxy-agent" ]; then
    (
        cd "$here/egress/konnectivity"
        tools=../../../target/tools
        proxy=sigs.k8s.io/apiserver-network-proxy/cmd
        go build -o $tools/proxy-server $proxy/server && go build -o $tools/proxy-agent $proxy/agent
    ) || echo "konnectivity was not built; the tests that need it are skipped" >&2
fi
# Types of three versions of Kubernetes, to read what the charts render.
if command -v go >/dev/null; then
    for version in 1.29 1.33 1.36; do
        tool="$here/../target/tools/schemas-$version"
        [ -x "$tool" ] && continue
        case $version in 1.36) file=go.mod ;; *) file=v$version.mod ;; esac
        (cd "$here/charts/schemas" && go build -modfile="$file" -o "../../../target/tools/schemas-$version" .) ||
            echo "the types of Kubernetes $version were not built; the test of what the charts render is skipped" >&2
    done
fi
