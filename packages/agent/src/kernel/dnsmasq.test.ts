import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { dhcpNamespace } from '@portward/model/device-names.ts';
import type { FeedObjects } from '@portward/model/feed.ts';
import { eventually, type TestHost, withHost } from '@portward/test/test-host.ts';
import { type DhcpService, dhcpService } from '../layout/dhcp.ts';

const NETWORK = 'bbbbbbbb-0000-4000-8000-000000000001';
const NAMESPACE = dhcpNamespace(NETWORK);
const ALICE = 'fa:16:3e:00:00:0a';
const BOB = 'fa:16:3e:00:00:0b';

/** What a DHCP client prints of its lease. */
const EVENT = `#!/bin/sh
if [ "$1" = bound ]; then echo "$ip/$mask via $router dns $dns mtu $mtu routes $staticroutes boot $bootfile"; fi
`;

const subnet = (fields: Partial<FeedObjects['subnet']> = {}): FeedObjects['subnet'] => ({
  id: 'cccccccc-0000-4000-8000-000000000001',
  network_id: NETWORK,
  ip_version: 4,
  cidr: '192.168.2.0/24',
  gateway_ip: '192.168.2.1',
  enable_dhcp: true,
  dns_nameservers: ['9.9.9.9', '8.8.8.8'],
  host_routes: [],
  ipv6_ra_mode: null,
  ipv6_address_mode: null,
  revision_number: 1,
  ...fields,
});

const port = (mac: string, address: string, fields: Partial<FeedObjects['port']> = {}): FeedObjects['port'] => ({
  id: `port-${mac}`,
  project_id: 'p',
  name: '',
  network_id: NETWORK,
  admin_state_up: true,
  mac_address: mac,
  fixed_ips: [{ subnet_id: subnet().id, ip_address: address }],
  device_id: 'server',
  device_owner: 'compute:nova',
  security_groups: [],
  port_security_enabled: true,
  allowed_address_pairs: [],
  'binding:host_id': 'h',
  extra_dhcp_opts: [],
  dns_name: '',
  revision_number: 1,
  ...fields,
});

const SERVER = port('fa:16:3e:00:00:02', '192.168.2.2', {
  id: 'dddddddd-0000-4000-8000-000000000001',
  device_owner: 'network:dhcp',
  device_id: `dhcp-${NETWORK}`,
});

const serviceOf = (ports: FeedObjects['port'][], fields: Partial<FeedObjects['subnet']> = {}): DhcpService => {
  const service = dhcpService({ id: NETWORK, mtu: 1450 }, [subnet(fields)], [SERVER, ...ports]);
  assert.ok(service);
  return service;
};

/** Open to all, unlike the host's directory for tests. */
const STATE = '/run/agent';

/** Calls the driver in a process of its own, as an agent that has just been started would. */
const dnsmasq = <T = void>(host: TestHost, call: string, service?: DhcpService, stateDir = STATE): Promise<T> =>
  host.evaluate(
    `const { Dnsmasq } = await import(input.file);
    const found = await new Dnsmasq({ stateDir: input.stateDir }).${call};
    return found instanceof Map ? [...found] : found;`,
    { file: import.meta.resolve('./dnsmasq.ts'), stateDir, service },
  );

/** What the agent's core makes: the network's bridge, and DHCP's namespace and device. */
async function addNetwork(host: TestHost, bridge = true): Promise<void> {
  const device = serviceOf([]).device;
  if (bridge) await host.addBridge('br0');
  await host.ip([
    `netns add ${NAMESPACE}`,
    `link add dhcp type veth peer name ${device} netns ${NAMESPACE}`,
    'link set dhcp master br0 up',
  ]);
  await host.ip(['link set lo up', `link set ${device} up`, `addr add 192.168.2.2/24 dev ${device}`], NAMESPACE);
}

async function addClients(host: TestHost): Promise<void> {
  for (const [name, mac] of [
    ['alice', ALICE],
    ['bob', BOB],
    ['stranger', 'fa:16:3e:00:00:0c'],
  ]) {
    await host.addClient('br0', name ?? '', '192.168.3.1/32');
    await host.ip([`link set eth0 address ${mac}`], name);
  }
  await writeFile(join(host.directory, 'event'), EVENT);
  await chmod(join(host.directory, 'event'), 0o755);
}

/** Asks for an address; gives what came, or the client's complaint. */
const ask = (host: TestHost, client: string): Promise<string> =>
  host
    .run(
      [
        ...[
          'busybox',
          'udhcpc',
          '-f',
          '-q',
          '-n',
          '-i',
          'eth0',
          '-t',
          '4',
          '-T',
          '1',
          '-s',
          join(host.directory, 'event'),
        ],
        ...['-O', 'mtu', '-O', 'staticroutes', '-O', 'bootfile'],
      ],
      { namespace: client },
    )
    .catch((error: Error) => error.message);

const pidOf = async (host: TestHost): Promise<string> => (await host.run(['pgrep', '-x', 'dnsmasq'])).trim();

test('ports get their addresses and options, and nobody else any', { timeout: 60_000 }, async () => {
  await withHost(async (host) => {
    await addNetwork(host);
    await addClients(host);
    const options = [
      { opt_name: 'bootfile-name', opt_value: 'pxe.0', ip_version: 4 },
      { opt_name: 'dns-server', opt_value: '1.1.1.1', ip_version: 4 },
      { opt_name: 'no-such-option', opt_value: 'x', ip_version: 4 },
    ];
    const host_routes = [{ destination: '10.5.0.0/16', nexthop: '192.168.2.9' }];
    const ports = [port(ALICE, '192.168.2.79'), port(BOB, '192.168.2.80', { extra_dhcp_opts: options })];
    await dnsmasq(host, 'apply(input.service)', serviceOf(ports, { host_routes }));
    const routes = 'routes 10.5.0.0/16 192.168.2.9 0.0.0.0/0 192.168.2.1';
    const [alice, bob, stranger] = await Promise.all([ask(host, 'alice'), ask(host, 'bob'), ask(host, 'stranger')]);
    assert.match(
      alice,
      new RegExp(`^192.168.2.79/24 via 192.168.2.1 dns 9.9.9.9 8.8.8.8 mtu 1450 ${routes} boot $`, 'm'),
    );
    // What a tenant writes into options can be nonsense: it harms nobody.
    assert.match(bob, new RegExp(`^192.168.2.80/24 via 192.168.2.1 dns 1.1.1.1 mtu 1450 ${routes} boot pxe.0$`, 'm'));
    assert.match(stranger, /no lease, failing/);
    // Nothing but DHCP listens.
    assert.doesNotMatch(await host.run(['ss', '-Hlntu'], { namespace: NAMESPACE }), /:53\b/);
    const user = async () => (await host.run(['ps', '-o', 'user=', '-C', 'dnsmasq'])).trim();
    assert.equal(await user(), 'nobody');
    await dnsmasq(host, `remove('${NETWORK}')`);
    // Where only root gets to its files, it must stay root to read them again.
    await dnsmasq(host, 'apply(input.service)', serviceOf(ports), join(host.directory, 'state'));
    assert.equal(await user(), 'root');
  });
});

test('changes of ports are taken over without a restart, by an agent that did not start it', {
  timeout: 60_000,
}, async () => {
  await withHost(async (host) => {
    await addNetwork(host);
    await addClients(host);
    const first = serviceOf([port(ALICE, '192.168.2.79')]);
    await dnsmasq(host, 'apply(input.service)', first);
    assert.deepEqual(await dnsmasq(host, 'running()'), [[NETWORK, first.digest]]);
    const pid = await pidOf(host);
    assert.match(await ask(host, 'alice'), /^192\.168\.2\.79/m);

    const second = serviceOf([port(ALICE, '192.168.2.81'), port(BOB, '192.168.2.80')]);
    await dnsmasq(host, 'apply(input.service)', second);
    assert.deepEqual(await dnsmasq(host, 'running()'), [[NETWORK, second.digest]]);
    assert.match(await eventually(async () => /^192\.168\.2\.80/m.exec(await ask(host, 'bob'))?.[0]), /80/);
    assert.match(await ask(host, 'alice'), /^192\.168\.2\.81/m);
    assert.equal(await pidOf(host), pid);

    // An address passes to somebody else while its lease lives.
    await dnsmasq(host, 'apply(input.service)', serviceOf([port(BOB, '192.168.2.81')]));
    assert.match(await ask(host, 'bob'), /^192\.168\.2\.81/m);
    assert.match(await ask(host, 'alice'), /no lease/);

    // dnsmasq 2.90 does not survive SIGHUP after a client has met an entry with options of its own.
    const options = [{ opt_name: 'bootfile-name', opt_value: 'pxe.0', ip_version: 4 }];
    await dnsmasq(host, 'apply(input.service)', serviceOf([port(BOB, '192.168.2.81', { extra_dhcp_opts: options })]));
    assert.match(await ask(host, 'bob'), /boot pxe\.0$/m);
    const last = serviceOf([port(BOB, '192.168.2.81')]);
    await dnsmasq(host, 'apply(input.service)', last);
    assert.match(await ask(host, 'bob'), /^192\.168\.2\.81.*boot $/m);
    assert.deepEqual(await dnsmasq(host, 'running()'), [[NETWORK, last.digest]]);

    await dnsmasq(host, `remove('${NETWORK}')`);
    await dnsmasq(host, `remove('${NETWORK}')`);
    assert.deepEqual(await dnsmasq(host, 'running()'), []);
    assert.equal(await host.run(['ls', join(STATE, 'dhcp')]), '');
    await assert.rejects(pidOf(host));
  });
});

test('without name servers, names of the network are answered and no others', { timeout: 60_000 }, async () => {
  await withHost(async (host) => {
    await addNetwork(host);
    await addClients(host);
    await host.ip(['addr add 192.168.2.80/24 dev eth0'], 'bob');
    const ports = [port(ALICE, '192.168.2.79', { dns_name: 'web' }), port(BOB, '192.168.2.80')];
    await dnsmasq(host, 'apply(input.service)', serviceOf(ports, { dns_nameservers: [] }));
    assert.match(await ask(host, 'alice'), /dns 192\.168\.2\.2 /);
    const resolve = (name: string) =>
      host.run(['busybox', 'nslookup', '-type=a', name, '192.168.2.2'], { namespace: 'bob' });
    assert.match(await resolve('web.openstacklocal'), /Address: 192\.168\.2\.79/);
    await assert.rejects(resolve('example.org'), /REFUSED/);
    await assert.rejects(resolve('localhost.localdomain'));
  });
});

test('one that died, or is in a namespace that is gone, is started anew; a refusal is told', {
  timeout: 60_000,
}, async () => {
  await withHost(async (host) => {
    await addNetwork(host);
    const service = serviceOf([port(ALICE, '192.168.2.79')]);
    await dnsmasq(host, 'apply(input.service)', service);
    await host.run(['kill', '-9', await pidOf(host)]);
    assert.deepEqual(await dnsmasq(host, 'running()'), [[NETWORK, '']]);
    await dnsmasq(host, 'apply(input.service)', service);
    assert.deepEqual(await dnsmasq(host, 'running()'), [[NETWORK, service.digest]]);
    await host.ip([`netns del ${NAMESPACE}`]);
    await host.ip(['link del dhcp']).catch(() => undefined);
    await addNetwork(host, false);
    assert.deepEqual(await dnsmasq(host, 'running()'), [[NETWORK, '']]);
    const old = await pidOf(host);
    await dnsmasq(host, 'apply(input.service)', service);
    assert.deepEqual(await dnsmasq(host, 'running()'), [[NETWORK, service.digest]]);
    assert.notEqual(await pidOf(host), old);
    const wrong = { ...service, argv: [...service.argv, '--no-such-argument'] };
    await assert.rejects(dnsmasq(host, 'apply(input.service)', wrong), /bad command line options/);
  });
});
