#!/bin/sh
# A node behind NAT of one's own: a network namespace whose inner address this
# machine has no route to, and that nobody can connect to; it connects to others.
# `node.sh up` starts a web server on it, `node.sh certificate` makes what a
# kubelet would have, `node.sh down` removes all; root.
set -eu
name=catena-nat link=catena-nat outer=10.209.1.2 inner=10.208.1.1
dir=$(cd "$(dirname "$0")" && pwd)/.run
case ${1:-} in
up)
  mkdir -p "$dir/www"
  ip netns add $name
  ip link add $link type veth peer name ${link}p
  ip link set ${link}p netns $name
  ip addr add 10.209.1.1/30 dev $link
  ip link set $link up
  ip -n $name addr add $outer/30 dev ${link}p
  ip -n $name link set ${link}p up
  ip -n $name link set lo up
  ip -n $name addr add $inner/32 dev lo
  ip route add unreachable $inner/32
  ip netns exec $name iptables -A INPUT -p tcp --syn ! -i lo -j DROP
  echo "hello from the node" >"$dir/www/index.html"
  ip netns exec $name python3 -m http.server 8000 --bind $inner --directory "$dir/www" \
    >"$dir/http.log" 2>&1 </dev/null &
  echo $! >"$dir/http.pid"
  ;;
certificate)
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/n1.key" \
    -subj "/O=system:nodes/CN=system:node:n1" -out "$dir/n1.csr" 2>"$dir/openssl.log"
  echo "extendedKeyUsage=clientAuth" >"$dir/extensions"
  openssl x509 -req -in "$dir/n1.csr" -days 30 -out "$dir/n1.crt" -extfile "$dir/extensions" \
    -CA "$dir/data/pki/ca.crt" -CAkey "$dir/data/pki/ca.key" 2>>"$dir/openssl.log"
  ;;
down)
  [ ! -f "$dir/http.pid" ] || kill "$(cat "$dir/http.pid")" || true
  ip route del unreachable $inner/32 || true
  ip link del $link || true
  ip netns del $name || true
  rm -rf "$dir"
  ;;
*)
  echo "usage: $0 up|certificate|down" >&2
  exit 2
  ;;
esac
