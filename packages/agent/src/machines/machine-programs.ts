/**
 * First process of a machine: in its working directory it finds the machine's files, as arguments host name and cards.
 * It tells its process id, as the agent sees it, before it mounts a /proc of its own. What the machine's user may
 * change is private: root's home, terminals, host name, name servers. With SIGCHLD ignored the kernel reaps orphans.
 */
export const MACHINE_INIT = `set -e
read -r pid _ </proc/self/stat
echo "$pid" >pid
name=$1
shift
mount -t proc proc /proc
mount -t tmpfs -o mode=700,nosuid,nodev tmpfs /root
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts /dev/pts
for file in motd hosts resolv.conf; do
  if [ -e "/etc/$file" ]; then mount --bind "$file" "/etc/$file"; fi
done
mkdir -m 700 /root/.ssh
cp authorized_keys /root/.ssh/authorized_keys
chmod 600 /root/.ssh/authorized_keys
cp dhcp-event /root/.dhcp-event
chmod 700 /root/.dhcp-event
hostname "$name"
for card; do
  busybox udhcpc -f -i "$card" -s /root/.dhcp-event -x "hostname:$name" -O staticroutes -O mtu -T 1 -A 2 </dev/null >/dev/null 2>&1 &
done
dropbear -F -s -p 22 -r host-key -P dropbear.pid </dev/null >/dev/null 2>&1 &
echo ready
exec env --ignore-signal=CHLD sleep infinity </dev/null >/dev/null 2>&1
`;

/**
 * What the DHCP client runs, with the event as argument and the lease in the environment: sets address, MTU and routes
 * of the card, and name servers in the machine's own file. An address that stays is not touched, for its connections.
 * Option 121 (RFC 3442) comes as pairs of destination and router; 0.0.0.0 as router: directly attached.
 */
export const DHCP_EVENT = `#!/bin/sh
case "$1" in
deconfig)
  ip -4 address flush dev "$interface"
  ip link set "$interface" up
  ;;
bound | renew)
  if [ -n "$mtu" ]; then ip link set "$interface" mtu "$mtu"; fi
  ip -4 -o address show dev "$interface" | while read -r _ _ _ address _; do
    if [ "$address" != "$ip/$mask" ]; then ip address del "$address" dev "$interface"; fi
  done
  ip address replace "$ip/$mask" broadcast + dev "$interface"
  if [ "$1" = bound ]; then ip -4 route flush dev "$interface" proto dhcp; fi
  if [ -z "$staticroutes" ] && [ -n "$router" ]; then staticroutes="0.0.0.0/0 \${router%% *}"; fi
  set -- $staticroutes
  while [ $# -ge 2 ]; do
    if [ "$2" = 0.0.0.0 ]; then ip route replace "$1" dev "$interface" proto dhcp
    else ip route replace "$1" via "$2" dev "$interface" proto dhcp onlink
    fi
    shift 2
  done
  for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
  ;;
esac
`;
