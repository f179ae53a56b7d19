id() { head -c "$1" /dev/urandom | od -An -tx1 | tr -d ' \n'; }
trace=$(id 16)
name=helm-test-$(id 4)
ask() {
  if [ -f /etc/catena/client/token ]; then
    set -- --header "Authorization: Bearer $(cat /etc/catena/client/token)" "$@"
  else
    set -- --cert /etc/catena/client/tls.crt --key /etc/catena/client/tls.key "$@"
  fi
  curl --silent --show-error --fail --max-time 10 --cacert /etc/catena/client/ca.crt \
    --header "traceparent: 00-$trace-$(id 8)-01" --header 'Content-Type: application/json' "$@"
}
maps=$SERVER/api/v1/namespaces/default/configmaps
ask --retry 20 --retry-delay 2 --retry-all-errors "$SERVER/readyz"
echo " ready"
ask --output /dev/null --data \
  "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"$name\"}}" "$maps"
ask "$maps/$name" | grep -q "$name"
ask --output /dev/null --request DELETE "$maps/$name"
echo "created, read and deleted configmap default/$name in trace $trace"
[ -n "$JAEGER" ] || exit 0
# Spans arrive a few seconds after the answer.
for _ in $(seq 30); do
  found=$(curl --silent --max-time 10 "$JAEGER/api/traces/$trace" || true)
  case $found in
  *'"serviceName":"aggregator"'*'"serviceName":"core"'* | *'"serviceName":"core"'*'"serviceName":"aggregator"'*)
    echo "found the trace with spans of aggregator and core"
    exit 0
    ;;
  esac
  sleep 2
done
echo "trace $trace was not found" >&2
exit 1
