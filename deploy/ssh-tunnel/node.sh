#!/bin/sh
# A node of one's own: a network namespace with an sshd and a web server at an
# address that this machine has no route to. `node.sh up`, `node.sh down`; root.
set -eu
name=catena-example link=catena-ex outer=10.209.0.2 inner=10.208.0.1
dir=$(cd "$(dirname "$0")" && pwd)/.run
case ${1:-} in
up)
  mkdir -p "$dir/www" /run/sshd
  ip netns add $name
  ip link add $link type veth peer name ${link}p
  ip link set ${link}p netns $name
  ip addr add 10.209.0.1/30 dev $link
  ip link set $link up
  ip -n $name addr add $outer/30 dev ${link}p
  ip -n $name link set ${link}p up
  ip -n $name link set lo up
  ip -n $name addr add $inner/32 dev lo
  ip route add unreachable $inner/32
  [ -f "$dir/key" ] || ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
  [ -f "$dir/host" ] || ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
  cat >"$dir/sshd_config" <<EOF
Port 2222
ListenAddress $outer
HostKey $dir/host
PidFile $dir/sshd.pid
AuthorizedKeysFile $dir/key.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
AllowTcpForwarding local
EOF
  echo "[$outer]:2222 $(cat "$dir/host.pub")" >"$dir/known_hosts"
  ip netns exec $name /usr/sbin/sshd -f "$dir/sshd_config"
  echo "hello from the node" >"$dir/www/index.html"
  ip netns exec $name python3 -m http.server 8000 --bind $inner --directory "$dir/www" \
    >"$dir/http.log" 2>&1 </dev/null &
  echo $! >"$dir/http.pid"
  ;;
down)
  for pid in sshd http; do
    [ ! -f "$dir/$pid.pid" ] || kill "$(cat "$dir/$pid.pid")" || true
  done
  ip route del unreachable $inner/32 || true
  ip link del $link || true
  ip netns del $name || true
  rm -rf "$dir"
  ;;
*)
  echo "usage: $0 up|down" >&2
  exit 2
  ;;
esac
