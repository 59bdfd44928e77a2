import { HOST, type Item } from './item.ts';
import { nftChain, nftSet, sysctl } from './make-item.ts';
import { ANY_MARK, HOST_REPLY_MARK } from './marks.ts';

/**
 * What every guarded port of the host needs once.
 *
 * A frame from a tap passes, in this order:
 *   bridge prerouting −310  marked with the number of its tap; MAC and addresses checked, only IP and ARP let through
 *   inet prerouting   −300  (called from the bridge: bridge-nf-call-iptables) conntrack zone of its network
 *   inet prerouting   −150  after conntrack: what the tap's port may send (`senders`)
 *   bridge forward     −10  marked anew with the number of the tap it goes to
 *   inet forward         0  what that port may receive (`receivers`)
 * Each look-up is one hash, whatever the number of ports. The bridge's own hooks have no conntrack, hence the two
 * tables; priorities below 0 of the bridge run before it calls the inet hooks (NF_BR_PRI_BRNF).
 *
 * What the host itself sends by a bridge of the operator's passes bridge output instead of forward. Of that, guarded
 * ports receive answers to what they asked; the host is outside of every group and has the floating IPs to come in by.
 */
export function firewallItems(): Item[] {
  return [
    // Without it the kernel shows bridged packets to no inet table, and every port would be open.
    sysctl(HOST, 'net/bridge/bridge-nf-call-iptables', 1),
    sysctl(HOST, 'net/bridge/bridge-nf-call-ip6tables', 1),
    // What a connection carried while the kernel did not show it is no reason to end it. Devices judge sequence numbers.
    sysctl(HOST, 'net/netfilter/nf_conntrack_tcp_be_liberal', 1, true),
    nftSet(HOST, 'bridge', 'taps', 'type ifname : mark;', true),
    nftSet(HOST, 'bridge', 'senders', 'type ifname : verdict;', true),
    nftChain(HOST, 'bridge', 'prerouting', ['meta mark set iifname map @taps', 'iifname vmap @senders'], {
      type: 'filter',
      hook: 'prerouting',
      priority: -310,
    }),
    nftChain(
      HOST,
      'bridge',
      'forward',
      [
        `${ANY_MARK} meta mark set 0`,
        'meta mark set oifname map @taps',
        'oifname @guarded ether type != { ip, ip6, arp } drop',
      ],
      { type: 'filter', hook: 'forward', priority: -10 },
    ),
    nftSet(HOST, 'bridge', 'guarded', 'type ifname;'),
    nftChain(
      HOST,
      'bridge',
      'output',
      [
        `meta mark 0x${HOST_REPLY_MARK.toString(16)} accept`,
        'oifname @guarded ether type ip drop',
        'oifname @guarded icmpv6 type { 133, 134, 135, 136 } accept',
        'oifname @guarded ether type != arp drop',
      ],
      { type: 'filter', hook: 'output', priority: -10 },
    ),
    nftSet(HOST, 'inet', 'zones', 'typeof meta mark : ct zone;', true),
    nftSet(HOST, 'inet', 'senders', 'type mark : verdict;', true),
    nftSet(HOST, 'inet', 'receivers', 'type mark : verdict;', true),
    nftSet(HOST, 'inet', 'host-bridges', 'type ifname;'),
    nftChain(HOST, 'inet', 'zone', ['ct zone set meta mark map @zones'], {
      type: 'filter',
      hook: 'prerouting',
      priority: -300,
    }),
    nftChain(HOST, 'inet', 'prerouting', ['meta mark vmap @senders'], {
      type: 'filter',
      hook: 'prerouting',
      priority: -150,
    }),
    nftChain(HOST, 'inet', 'forward', ['meta mark vmap @receivers'], { type: 'filter', hook: 'forward', priority: 0 }),
    nftChain(
      HOST,
      'inet',
      'output',
      [`oifname @host-bridges ct state established,related meta mark set 0x${HOST_REPLY_MARK.toString(16)}`],
      { type: 'filter', hook: 'output', priority: 0 },
    ),
  ];
}
