import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gatewayNamespace } from '@portward/model/device-names.ts';
import type { FeedPut } from '@portward/model/feed.ts';
import type { TestHost } from '../../../../test/test-host.ts';
import { floatingIp, forwarding, gone, router, routerPort, uuid } from '../testing/cloud.ts';
import { Flows, Told } from './flows.ts';
import { C, COMBINATIONS, type Combination, packetCloud, withPacketCloud } from './packet-cloud.ts';

const [VM1, VM2, VM3] = ['192.168.2.79', '192.168.2.80', '192.168.3.79'];
/** Reset, refused, unreachable or lost: but nobody answers. */
const ENDED = /^(refused|unreachable|silent)/;

/** What a back end has in a router's namespace, and nothing else: as nft lists it. */
const TABLES = { nftables: ['table ip portward'], iptables: ['table ip mangle', 'table ip nat'] };

const tablesOf = async (host: TestHost, namespace: string): Promise<string[]> =>
  (await host.run(['nft', 'list', 'tables', 'ip'], { namespace })).trim().split('\n').sort();

/** They wait for most of the time. */
test('connections follow the rules', { concurrency: COMBINATIONS.length }, async (t) => {
  await Promise.all(
    COMBINATIONS.map((combination) =>
      t.test(`${combination.natBackend}, ${combination.router} routers`, (own) => follow(own, combination)),
    ),
  );
});

async function follow(t: TestContext, combination: Combination): Promise<void> {
  const distributed = combination.router === 'distributed';
  const other = combination.natBackend === 'nftables' ? 'iptables' : 'nftables';
  const gateway1 = gatewayNamespace({ id: uuid(C.router1), distributed });

  await withPacketCloud(combination, async ({ agent, prober, host }) => {
    const flows = new Flows(prober);
    const told = new Told(agent, packetCloud(distributed));
    const bystanders = await flows.open(
      'tcp client 10.11.7.24:2222',
      'udp client 10.11.7.24:5300',
      'sctp client 10.11.7.24:9000',
      'tcp client 10.11.7.6:22',
      'tcp client-b 10.12.7.6:22',
      'tcp vm3 10.11.7.100:80',
      'udp vm4 10.11.7.100:53',
      'tcp vm1 10.11.7.24:2222',
    );
    for (const outcome of Object.values(bystanders)) assert.match(outcome, /sees/);

    await t.test('removal', async () => {
      const kept = await flows.open(
        'tcp client 10.11.7.4:2023',
        'udp client 10.11.7.4:5353',
        'sctp client 10.11.7.4:9100',
      );
      await flows.open(
        'tcp client 10.11.7.4:2222',
        'tcp vm2 10.11.7.4:2222',
        'udp client 10.11.7.4:5300',
        'udp vm3 10.11.7.4:5300',
        'sctp client 10.11.7.4:9000',
      );
      await told.feed(gone('port_forwarding', 0x901), gone('port_forwarding', 0x906), gone('port_forwarding', 0x90d));
      await flows.meet({
        'tcp client 10.11.7.4:2222': 'refused',
        'tcp vm2 10.11.7.4:2222': 'refused',
        'udp client 10.11.7.4:5300': 'refused by 10.11.7.4',
        'udp vm3 10.11.7.4:5300': 'refused by 10.11.7.4',
        'sctp client 10.11.7.4:9000': ENDED,
      });
      await flows.live(kept);
    });

    await t.test('creation, for flows that are older', async () => {
      await prober.serve(gateway1, '10.11.7.4', { udp: [7002], tcp: [7003] });
      const early = await flows.open(
        'udp client 10.11.7.4:7000',
        'udp client 10.11.7.4:7011',
        'udp vm2 10.11.7.4:7000',
        'sctp client 10.11.7.4:7001',
      );
      for (const outcome of Object.values(early)) assert.match(outcome, ENDED);
      // Somebody in the router's namespace answers. A distributed router takes up no TCP connection in mid-stream
      // (nf_conntrack_tcp_loose=0), so one with the router itself goes on there: it never was anybody else's.
      const answered = await flows.open(
        'udp client 10.11.7.4:7002',
        ...(distributed ? [] : ['tcp client 10.11.7.4:7003']),
      );
      for (const outcome of Object.values(answered)) assert.match(outcome, /^10\.11\.7\.4:700. sees 10\.11\.7\.100$/);
      await told.feed(
        forwarding(0xa00, C.f1, 7000, C.vm1, { address: VM1, port: 53 }, 'udp'),
        forwarding(0xa01, C.f1, 7001, C.vm1, { address: VM1, port: 9 }, 'sctp'),
        forwarding(0xa02, C.f1, 7002, C.vm1, { address: VM1, port: 53 }, 'udp'),
        forwarding(0xa03, C.f1, 7003, C.vm1, { address: VM1, port: 22 }),
        forwarding(0xa04, C.f1, [7010, 7012], C.vm2, { address: VM2, port: [4000, 4002] }, 'udp'),
      );
      await flows.meet({
        'udp client 10.11.7.4:7000': `${VM1}:53 sees 10.11.7.100`,
        'udp vm2 10.11.7.4:7000': `${VM1}:53 sees 10.11.7.3`,
        'udp client 10.11.7.4:7011': `${VM2}:4001 sees 10.11.7.100`,
        'sctp client 10.11.7.4:7001': `${VM1}:9 sees 10.11.7.100`,
        'udp client 10.11.7.4:7002': `${VM1}:53 sees 10.11.7.100`,
        ...(distributed ? {} : { 'tcp client 10.11.7.4:7003': 'refused' }),
      });
    });

    await t.test('another target', async () => {
      const kept = await flows.open(
        'tcp client 10.11.7.4:3333',
        'udp client 10.11.7.4:3100',
        'sctp client 10.11.7.4:9200',
      );
      await flows.open(
        'tcp client 10.11.7.4:2023',
        'udp client 10.11.7.4:5301',
        'udp vm1 10.11.7.4:5301',
        'udp client 10.11.7.4:7000',
        'sctp client 10.11.7.4:9101',
      );
      await told.feed(
        forwarding(0x902, C.f1, 2023, C.vm1, { address: VM1, port: 22 }),
        forwarding(0x910, C.f1, 5301, C.vm2, { address: VM2, port: 53 }, 'udp'),
        forwarding(0xa00, C.f1, 7000, C.vm1, { address: VM1, port: 4002 }, 'udp'),
        forwarding(0x90e, C.f1, [9100, 9101], C.vm1, { address: VM1, port: [9, 10] }, 'sctp'),
        // Told again, and nothing else.
        forwarding(0x903, C.f1, 3333, C.vm3, { address: VM3, port: 22 }),
      );
      await flows.meet({
        'tcp client 10.11.7.4:2023': 'refused',
        'udp client 10.11.7.4:5301': `${VM2}:53 sees 10.11.7.100`,
        'udp vm1 10.11.7.4:5301': `${VM2}:53 sees 10.11.7.3`,
        'udp client 10.11.7.4:7000': `${VM1}:4002 sees 10.11.7.100`,
        'sctp client 10.11.7.4:9101': `${VM1}:10 sees 10.11.7.100`,
      });
      await flows.live(kept);
    });

    await t.test('a range that becomes smaller or shifts', async () => {
      const kept = await flows.open(
        'tcp client 10.11.7.4:3000',
        'udp client 10.11.7.4:3001',
        'sctp client 10.11.7.4:9201',
      );
      await flows.open(
        'tcp client 10.11.7.4:3002',
        'udp client 10.11.7.4:3000',
        'udp client 10.11.7.4:7011',
        'sctp client 10.11.7.4:9200',
      );
      await told.feed(
        forwarding(0x909, C.f1, [3000, 3001], C.vm1, { address: VM1, port: [4000, 4001] }),
        forwarding(0x90a, C.f1, [3001, 3002], C.vm2, { address: VM2, port: [4001, 4002] }, 'udp'),
        forwarding(0x90f, C.f1, 9201, C.vm2, { address: VM2, port: 9 }, 'sctp'),
        forwarding(0xa04, C.f1, [7010, 7011], C.vm2, { address: VM2, port: [4001, 4002] }, 'udp'),
      );
      await flows.meet({
        'tcp client 10.11.7.4:3002': 'refused',
        'udp client 10.11.7.4:3000': 'refused by 10.11.7.4',
        'udp client 10.11.7.4:7011': `${VM2}:4002 sees 10.11.7.100`,
        'sctp client 10.11.7.4:9200': ENDED,
      });
      await flows.live(kept);
    });

    await t.test('a floating IP that goes to another VM, and to another router', async () => {
      const kept = await flows.open('tcp vm2 10.11.7.100:80', 'tcp client 10.11.7.8:8022');
      await flows.open(
        'tcp client 10.11.7.7:8022',
        'udp client 10.11.7.7:53',
        'udp nat1 10.11.7.100:53',
        'tcp nat1 10.11.7.100:80',
      );
      await told.feed(floatingIp(0x86, C.public, '10.11.7.7', C.router1, { port: C.vm2, address: VM2 }));
      await flows.meet({
        'tcp client 10.11.7.7:8022': 'refused',
        'udp client 10.11.7.7:53': `${VM2}:53 sees 10.11.7.100`,
        'udp nat1 10.11.7.100:53': '10.11.7.100:53 sees 10.11.7.3',
        'tcp nat1 10.11.7.100:80': ENDED,
      });
      // What its new VM had opened by way of the router works on.
      await flows.live({ 'tcp vm2 10.11.7.100:80': kept['tcp vm2 10.11.7.100:80'] ?? '' });
      await flows.open('tcp client 10.11.7.7:22', 'udp vm2 10.11.7.100:53');
      await told.feed(floatingIp(0x86, C.public, '10.11.7.7', C.router2, { port: C.other1, address: VM1 }));
      await flows.meet({
        'tcp client 10.11.7.7:22': 'refused',
        'udp client 10.11.7.7:53': `${VM1}:53 sees 10.11.7.100`,
        'udp vm2 10.11.7.100:53': '10.11.7.100:53 sees 10.11.7.3',
      });
      await told.feed(floatingIp(0x86, C.public, '10.11.7.7', null));
      await flows.meet({ 'udp client 10.11.7.7:53': ENDED });
      await flows.live({ 'tcp vm2 10.11.7.100:80': kept['tcp vm2 10.11.7.100:80'] ?? '' });
    });

    await t.test('a floating IP that is deleted, a VM that is deleted', async () => {
      const kept = await flows.open('tcp client 10.11.7.4:3333');
      await flows.open(
        'tcp client 10.11.7.14:2222',
        'udp vm3 10.11.7.14:5300',
        'tcp client-b 10.12.7.4:2222',
        'udp client-b 10.12.7.4:5300',
      );
      await told.feed(
        gone('port_forwarding', 0x921),
        gone('port_forwarding', 0x922),
        gone('floatingip', C.f2),
        gone('port_forwarding', 0x941),
        gone('port_forwarding', 0x942),
        gone('port', C.vm5),
      );
      await flows.meet({
        'tcp client 10.11.7.14:2222': ENDED,
        'udp vm3 10.11.7.14:5300': ENDED,
        'tcp client-b 10.12.7.4:2222': ENDED,
        'udp client-b 10.12.7.4:5300': ENDED,
      });
      await flows.live(kept);
    });

    await flows.live(bystanders);

    await t.test('a router without SNAT, and with it again', async () => {
      const kept = await flows.open(
        'tcp client 10.11.7.24:2222',
        'udp other2 10.11.7.100:53',
        'udp other2 10.11.7.24:5300',
      );
      await flows.open('udp other1 10.11.7.100:53', 'tcp other1 10.11.7.100:80');
      const router2 = told.snapshot.find(({ object }) => object.id === uuid(C.router2))?.object as object;
      await told.feed(router(C.router2, { ...router2, enable_snat: false }));
      await flows.meet({ 'udp other1 10.11.7.100:53': ENDED, 'tcp other1 10.11.7.100:80': ENDED });
      await flows.live(kept);
      await told.feed(router(C.router2, { ...router2, enable_snat: true }));
      await flows.meet({ 'udp other1 10.11.7.100:53': '10.11.7.100:53 sees 10.11.7.5' });
      await flows.live(kept);
    });

    await t.test('a gateway that gets another address, and another port', async () => {
      const kept = await flows.open('tcp client 10.11.7.4:3333', 'udp client 10.11.7.6:53', 'udp vm4 10.11.7.100:53');
      await flows.open('tcp vm1 10.11.7.100:80', 'udp vm1 10.11.7.100:53', 'udp vm1 10.11.7.4:5353');
      await told.feed(routerPort(C.gateway1, C.public, { '10.11.7.9': C.publicSubnet }, C.router1, 'router_gateway'));
      await flows.meet({
        'tcp vm1 10.11.7.100:80': ENDED,
        'udp vm1 10.11.7.100:53': '10.11.7.100:53 sees 10.11.7.9',
        'udp vm1 10.11.7.4:5353': `${VM2}:53 sees 10.11.7.9`,
      });
      await flows.live(kept);
      const router1 = told.snapshot.find(({ object }) => object.id === uuid(C.router1))?.object as object;
      await told.feed(
        routerPort(0x4f, C.public, { '10.11.7.10': C.publicSubnet }, C.router1, 'router_gateway'),
        router(C.router1, { ...router1, gateway_port_id: uuid(0x4f) }),
        gone('port', C.gateway1),
      );
      await flows.meet({
        'udp vm1 10.11.7.100:53': '10.11.7.100:53 sees 10.11.7.10',
        'udp vm1 10.11.7.4:5353': `${VM2}:53 sees 10.11.7.10`,
      });
      await flows.live(kept);
    });

    await t.test('restarts, resyncs and changes of the back end cut nothing', async () => {
      const names = [
        'tcp client 10.11.7.4:3333',
        'udp client 10.11.7.4:3001',
        'tcp vm2 10.11.7.4:3333',
        'tcp vm1 10.11.7.100:80',
        'udp vm4 10.11.7.100:53',
        'tcp client 10.11.7.6:22',
        'tcp client 10.11.7.24:2222',
      ];
      const kept = await flows.open(...names, 'sctp client 10.11.7.4:9201');
      const pumps = names.map((name) => prober.pump(name));
      await told.restart(combination.natBackend);
      await told.resync();
      await told.restart(other);
      assert.deepEqual(await tablesOf(host, gateway1), TABLES[other]);
      await told.restart(combination.natBackend);
      assert.deepEqual(await tablesOf(host, gateway1), TABLES[combination.natBackend]);
      assert.deepEqual(
        await Promise.all(pumps.map((pump) => pump.stop())),
        names.map(() => 'unbroken'),
      );
      await flows.live(kept);
    });

    await t.test('what changed while the agent was away', async () => {
      const kept = await flows.open('tcp client 10.11.7.4:3333', 'tcp vm1 10.11.7.100:80', 'udp client 10.11.7.4:3001');
      await flows.open(
        'tcp client 10.11.7.6:22',
        'udp vm4 10.11.7.100:53',
        'udp client 10.11.7.4:5301',
        'udp client 10.11.7.4:7020',
        'tcp client 10.11.7.24:2222',
      );
      await agent.kill();
      told.note(
        gone('floatingip', 0x85),
        forwarding(0x910, C.f1, 5301, C.vm3, { address: VM3, port: 53 }, 'udp'),
        forwarding(0xa05, C.f1, 7020, C.vm1, { address: VM1, port: 53 }, 'udp'),
        gone('port_forwarding', 0x931),
      );
      await agent.start(told.snapshot);
      await flows.meet({
        'tcp client 10.11.7.6:22': ENDED,
        'udp vm4 10.11.7.100:53': '10.11.7.100:53 sees 10.11.7.10',
        'udp client 10.11.7.4:5301': `${VM3}:53 sees 10.11.7.100`,
        'udp client 10.11.7.4:7020': `${VM1}:53 sees 10.11.7.100`,
        'tcp client 10.11.7.24:2222': 'refused',
      });
      await flows.live(kept);
    });

    await t.test('a gateway on another external network', async () => {
      const kept = await flows.open('tcp client 10.11.7.4:3333');
      await flows.open('udp other1 10.20.0.2:53', 'tcp other1 10.20.0.2:80', 'tcp client 10.11.7.26:22');
      const router2 = told.snapshot.find(({ object }) => object.id === uuid(C.router2))?.object as object;
      await told.feed(
        ...[0x932, 0x933].map((number) => gone('port_forwarding', number)),
        gone('floatingip', C.f3),
        gone('floatingip', 0x88),
        routerPort(0x4e, C.other, { '10.12.7.9': C.otherSubnet }, C.router2, 'router_gateway'),
        router(C.router2, { ...router2, gateway_port_id: uuid(0x4e), gateway_network_id: uuid(C.other) }),
        gone('port', 0x42),
      );
      await flows.meet({
        'udp other1 10.20.0.2:53': '10.20.0.2:53 sees 10.12.7.9',
        'tcp other1 10.20.0.2:80': ENDED,
        'tcp client 10.11.7.26:22': ENDED,
      });
      await flows.live(kept);
    });

    await t.test('a router that becomes of the other kind, and of the first again', async () => {
      const router1 = told.snapshot.find(({ object }) => object.id === uuid(C.router1))?.object as object;
      const expected = await flows.open(
        'udp client 10.11.7.4:3001',
        'udp vm1 10.11.7.100:53',
        'udp vm1 10.11.7.4:3001',
        'sctp client 10.11.7.4:9201',
      );
      for (const kind of [!distributed, distributed]) {
        const ports = packetCloud(kind).filter(isPortOfRouter1);
        const snatPorts = packetCloud(true).filter(isPortOfRouter1).filter(isSnatPort);
        await told.feed(
          ...(kind
            ? []
            : snatPorts.map(({ object }) => ({ seq: 0, op: 'delete', kind: 'port', id: object.id }) as const)),
          ...ports.filter(({ object }) => object.id !== uuid(C.gateway1)),
          router(C.router1, { ...router1, distributed: kind }),
        );
        await flows.meet(expected);
        assert.match(await prober.attempt('client', 'tcp', '10.11.7.4', { port: 3333 }), /sees 10\.11\.7\.100/);
      }
    });
  });
}

const isPortOfRouter1 = (put: FeedPut): boolean => put.kind === 'port' && put.object.device_id === uuid(C.router1);
const isSnatPort = (put: FeedPut): boolean =>
  put.kind === 'port' && put.object.device_owner === 'network:router_centralized_snat';
