import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NatBackend } from '@portward/model/feed.ts';
import { type TestHost, withHost } from './test-host.ts';
import { WalkCloud } from './walk/cloud.ts';
import { Hands } from './walk/hands.ts';
import type { Change } from './walk/model.ts';

const FORWARDED = '10.11.7.4';
const ASSOCIATED = '10.11.7.5';

/** A router with a TCP and a UDP forwarding on one floating IP, and another floating IP that is a VM's own. */
const LIVE: readonly Change[] = [
  { op: 'allocate', floating: FORWARDED },
  {
    op: 'forward',
    floating: FORWARDED,
    forwarding: { protocol: 'tcp', external: [2222, 2222], internal: [22, 22], vm: 'a1' },
  },
  {
    op: 'forward',
    floating: FORWARDED,
    forwarding: { protocol: 'udp', external: [3000, 3002], internal: [4000, 4002], vm: 'a2' },
  },
  { op: 'allocate', floating: ASSOCIATED },
  { op: 'associate', floating: ASSOCIATED, vm: 'b1' },
];

const gateway = (address: string, snat = true): Change => ({ op: 'gateway', gateway: { address, snat } });

/** A cloud with that router, and what a test does with it again and again. */
class RouterCloud {
  readonly hands: Hands;
  readonly #natBackend: NatBackend;

  constructor(hands: Hands, natBackend: NatBackend) {
    this.hands = hands;
    this.#natBackend = natBackend;
  }

  get host(): TestHost {
    return this.hands.cloud.host;
  }

  get #prober() {
    return this.hands.cloud.prober;
  }

  async take(...changes: readonly Change[]): Promise<void> {
    for (const change of changes) assert.equal(await this.hands.take(change), 'accepted', JSON.stringify(change));
    await this.hands.cloud.settle();
  }

  /** Packets go where the forwardings and the association say, and out by the addresses that are promised. */
  async passes(gatewayAddress: string | undefined): Promise<void> {
    const way = (from: string) => this.#prober.attempt(from, 'tcp', '10.11.7.100', { port: 80, timeout: 1 });
    assert.deepEqual(
      await Promise.all([
        this.#prober.attempt('client', 'tcp', FORWARDED, { port: 2222 }),
        this.#prober.attempt('client', 'udp', FORWARDED, { port: 3001 }),
        this.#prober.attempt('client', 'tcp', FORWARDED, { port: 2223 }),
        this.#prober.attempt('client', 'tcp', ASSOCIATED, { port: 22 }),
        this.#prober.attempt('b1', 'tcp', FORWARDED, { port: 2222 }).then((said) => said.split(' ')[0]),
        way('b1'),
        way('a1'),
      ]),
      [
        '192.168.2.79:22 sees 10.11.7.100',
        '192.168.2.80:4001 sees 10.11.7.100',
        'refused',
        '192.168.3.79:22 sees 10.11.7.100',
        '192.168.2.79:22',
        `10.11.7.100:80 sees ${ASSOCIATED}`,
        gatewayAddress === undefined ? 'silent' : `10.11.7.100:80 sees ${gatewayAddress}`,
      ],
    );
  }

  /** Opens connections of all kinds under names that begin so. */
  async open(name: string): Promise<void> {
    const said = await Promise.all([
      this.#prober.open(`${name} forwarded`, 'client', 'tcp', FORWARDED, 2222),
      this.#prober.open(`${name} datagrams`, 'client', 'udp', FORWARDED, 3000),
      this.#prober.open(`${name} associated`, 'client', 'tcp', ASSOCIATED, 22),
      this.#prober.open(`${name} own way out`, 'b1', 'tcp', '10.11.7.100', 80),
      this.#prober.open(`${name} way out`, 'a1', 'tcp', '10.11.7.100', 80),
    ]);
    for (const outcome of said) assert.match(outcome, / sees /);
  }

  /** Which of these connections still answer. */
  async alive(name: string): Promise<string[]> {
    const kinds = ['forwarded', 'datagrams', 'associated', 'own way out', 'way out'];
    const said = await Promise.all(kinds.map((kind) => this.#prober.say(`${name} ${kind}`, 'on', 1)));
    return kinds.filter((_, index) => said[index]?.includes(' sees '));
  }

  /** The router's namespaces, whether each translates, and the kinds of devices in it. */
  async places(): Promise<Record<string, { translates: boolean; devices: string[] }>> {
    const names = (await this.host.run(['ls', '/run/netns']))
      .split('\n')
      .filter((name) => /^(qrouter|snat)-/.test(name));
    const entries = names.map(async (namespace) => {
      const argv = this.#natBackend === 'nftables' ? ['nft', 'list', 'ruleset'] : ['iptables', '-t', 'nat', '-S'];
      const rules = await this.host.run(argv, { namespace });
      const links: { ifname: string }[] = JSON.parse(await this.host.run(['ip', '-j', 'link'], { namespace }));
      const devices = links.map(({ ifname }) => ifname.slice(0, 3)).filter((device) => device !== 'lo');
      return [
        namespace.replace(/-.*/, ''),
        {
          translates: rules.includes('192.168.2.79') || rules.includes(FORWARDED),
          devices: [...new Set(devices)].sort(),
        },
      ] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  }
}

async function withRouter(natBackend: NatBackend, use: (cloud: RouterCloud) => Promise<void>): Promise<void> {
  await withHost(async (host) => {
    await host.addBridge('br-ex');
    await host.addBridge('br-other');
    await host.addClient('br-ex', 'client', '10.11.7.100/24');
    await host.addClient('br-other', 'client-b', '10.12.7.100/24');
    const hands = new Hands(await WalkCloud.start(host, natBackend));
    await hands.build();
    await hands.cloud.prober.serve('client-b', '10.12.7.100', { tcp: [80] });
    const cloud = new RouterCloud(hands, natBackend);
    await cloud.take(...LIVE);
    await use(cloud);
    assert.deepEqual(hands.cloud.said, [], 'the agent has no complaints');
  });
}

const EVERYTHING = ['forwarded', 'datagrams', 'associated', 'own way out', 'way out'];
const CENTRALISED = { qrouter: { translates: true, devices: ['qg-', 'qr-'] } };
const DISTRIBUTED = {
  qrouter: { translates: false, devices: ['qr-'] },
  snat: { translates: true, devices: ['qg-', 'sg-'] },
};

for (const natBackend of ['nftables', 'iptables'] as const) {
  test(`a router with live forwardings becomes distributed, and centralised again: ${natBackend}`, async () => {
    await withRouter(natBackend, async (cloud) => {
      await cloud.passes('10.11.7.3');
      assert.deepEqual(await cloud.places(), CENTRALISED);
      await cloud.open('first');
      assert.deepEqual(await cloud.alive('first'), EVERYTHING);

      // As Neutron demands: off, another kind, on.
      assert.equal(await cloud.hands.take({ op: 'distribute', distributed: true }), 'refused');
      await cloud.take({ op: 'power', up: false });
      assert.deepEqual(await cloud.alive('first'), []);
      assert.deepEqual(await cloud.places(), {});
      await cloud.take({ op: 'distribute', distributed: true });
      assert.deepEqual(await cloud.places(), {});
      await cloud.take({ op: 'power', up: true });
      assert.deepEqual(await cloud.places(), DISTRIBUTED);
      await cloud.passes('10.11.7.3');
      // A flow without connections goes on; what was a connection in the namespace that is gone does not.
      assert.deepEqual(await cloud.alive('first'), ['datagrams']);

      await cloud.open('second');
      assert.deepEqual(await cloud.alive('second'), EVERYTHING);
      await cloud.take({ op: 'power', up: false }, { op: 'distribute', distributed: false }, { op: 'power', up: true });
      assert.deepEqual(await cloud.places(), CENTRALISED);
      await cloud.passes('10.11.7.3');
      // A centralised router takes up connections in mid-stream: which of them come through is up to who sends first.
      assert.ok((await cloud.alive('second')).includes('datagrams'));
    });
  });

  for (const distributed of [false, true]) {
    const kind = distributed ? 'distributed' : 'centralised';
    test(`connections of a ${kind} router follow its gateway and its translation: ${natBackend}`, async () => {
      await withRouter(natBackend, async (cloud) => {
        if (distributed) {
          await cloud.take({ op: 'power', up: false }, { op: 'distribute', distributed }, { op: 'power', up: true });
        }
        const butTheWayOut = EVERYTHING.filter((name) => name !== 'way out');
        await cloud.open('first');
        await cloud.take(gateway('10.11.7.9'));
        await cloud.passes('10.11.7.9');
        assert.deepEqual(await cloud.alive('first'), butTheWayOut, 'another address cuts what went out by the old one');

        await cloud.open('second');
        await cloud.take(gateway('10.11.7.9', false));
        await cloud.passes(undefined);
        assert.deepEqual(await cloud.alive('second'), butTheWayOut, 'so does the end of translation');

        await cloud.take(gateway('10.11.7.9', true));
        await cloud.passes('10.11.7.9');
        assert.deepEqual(await cloud.alive('first'), butTheWayOut);

        // Floating IPs hold the gateway on its network.
        const { cloud: api, routerId } = cloud.hands;
        const other = await api.create('networks', 'network', {
          'router:external': true,
          'provider:network_type': 'flat',
          'provider:physical_network': 'other',
        });
        const subnet = { network_id: other.id, ip_version: 4, cidr: '10.12.7.0/24', enable_dhcp: false };
        await api.create('subnets', 'subnet', subnet);
        const move = () =>
          api.send('PUT', `/networking/v2.0/routers/${routerId}`, {
            router: {
              external_gateway_info: { network_id: other.id, external_fixed_ips: [{ ip_address: '10.12.7.3' }] },
            },
          });
        assert.equal((await move()).status, 409);
        await cloud.open('third');
        await cloud.take({ op: 'release', floating: FORWARDED }, { op: 'release', floating: ASSOCIATED });
        assert.deepEqual(await cloud.alive('third'), ['way out']);
        assert.equal((await move()).status, 200);
        await api.settle();
        assert.deepEqual(await cloud.alive('third'), [], 'another network cuts all that went out');
        assert.equal(
          await api.prober.attempt('a1', 'tcp', '10.12.7.100', { port: 80 }),
          '10.12.7.100:80 sees 10.12.7.3',
        );
      });
    });
  }
}

test('neighbours learn at once that an interface came back with another MAC address, by IPv4 and IPv6', async () => {
  await withRouter('nftables', async (cloud) => {
    await cloud.take({ op: 'disassociate', floating: ASSOCIATED });
    const { prober } = cloud.hands.cloud;
    const reach = async () =>
      Promise.all(
        ['192.168.2.79', 'fd00:a::79'].map((to) => prober.attempt('b1', 'tcp', to, { port: 22, timeout: 3 })),
      );
    const reached = ['192.168.2.79:22 sees 192.168.3.79', 'fd00:a::79:22 sees fd00:b::79'];
    assert.deepEqual(await reach(), reached);
    await cloud.take({ op: 'detach', network: 'b' });
    await cloud.take({ op: 'attach', network: 'b' });
    assert.deepEqual(await reach(), reached);
  });
});
