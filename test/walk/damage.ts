import type { NatBackend } from '@portward/model/feed.ts';
import type { TestHost } from '../test-host.ts';

/** What somebody did to the host. */
export interface Damage {
  readonly what: string;
  /** Whether connections may end by it. */
  readonly endsConnections: boolean;
  readonly argv: readonly string[];
  readonly namespace?: string;
}

/** Of ours: rules that others put into chains that are not ours stay. */
const CHAIN = 'neutron-l3-agent-PREROUTING';

/** All that can be done to the host as it is now. */
export async function possibleDamage(host: TestHost, natBackend: NatBackend): Promise<Damage[]> {
  const namespaces = (await host.run(['ls', '/run/netns']))
    .split('\n')
    .filter((name) => /^(qrouter|snat|qdhcp)-/.test(name));
  const list: Omit<Damage, 'what'>[] = [
    { endsConnections: false, argv: ['nft', 'flush', 'ruleset'] },
    { endsConnections: false, argv: ['nft', 'delete', 'table', 'bridge', 'portward'] },
    { endsConnections: false, argv: ['sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=0'] },
  ];
  const links: { ifname: string; ifalias?: string }[] = JSON.parse(await host.run(['ip', '-j', 'link']));
  for (const { ifname } of links.filter(({ ifname: name }) => name.startsWith('tap'))) {
    list.push({ endsConnections: false, argv: ['ip', 'link', 'set', ifname, 'nomaster'] });
  }
  for (const { ifname } of links.filter(
    ({ ifname: name, ifalias }) => name.startsWith('brq') && ifalias === 'portward',
  )) {
    list.push({ endsConnections: false, argv: ['ip', 'link', 'del', ifname] });
    list.push({ endsConnections: false, argv: ['ip', 'link', 'set', ifname, 'down'] });
  }
  const dnsmasqs = (await host.run(['ps', '-eo', 'pid,args']))
    .split('\n')
    .flatMap((line) => /^\s*(\d+) \S*dnsmasq /.exec(line)?.[1] ?? []);
  for (const pid of dnsmasqs) list.push({ endsConnections: false, argv: ['kill', '-9', pid] });
  for (const namespace of namespaces) {
    list.push({ endsConnections: true, argv: ['ip', 'netns', 'del', namespace] });
    if (namespace.startsWith('qdhcp-')) continue;
    list.push({ endsConnections: false, argv: ['sysctl', '-qw', 'net.ipv4.ip_forward=0'], namespace });
    list.push({
      endsConnections: false,
      argv: ['ip', 'route', 'flush', 'table', 'main'],
      namespace,
    });
    const flushes = natBackend === 'nftables' ? [['nft', 'flush', 'ruleset']] : [['iptables', '-t', 'nat', '-F']];
    const isTranslated =
      natBackend === 'iptables' &&
      (await host.run(['iptables', '-t', 'nat', '-S'], { namespace })).includes(`-N ${CHAIN}\n`);
    if (isTranslated) flushes.push(['iptables', '-t', 'nat', '-I', CHAIN, '-j', 'RETURN']);
    for (const argv of flushes) list.push({ endsConnections: false, argv, namespace });
    const addresses: { ifname: string; addr_info: { local: string; prefixlen: number }[] }[] = JSON.parse(
      await host.run(['ip', '-j', '-4', 'addr'], { namespace }),
    );
    for (const { ifname, addr_info: infos } of addresses.filter(({ ifname: name }) => name !== 'lo')) {
      list.push({ endsConnections: true, argv: ['ip', 'link', 'del', ifname], namespace });
      for (const { local, prefixlen } of infos) {
        list.push({
          endsConnections: false,
          argv: ['ip', 'addr', 'del', `${local}/${prefixlen}`, 'dev', ifname],
          namespace,
        });
      }
    }
  }
  return list.map((damage) => ({
    ...damage,
    what: `${damage.argv.join(' ')}${damage.namespace === undefined ? '' : ` in ${damage.namespace}`}`,
  }));
}
