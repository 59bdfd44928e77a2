import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routerNamespace, snatNamespace } from '@portward/model/device-names.ts';
import type { FeedPut } from '@portward/model/feed.ts';
import { Replica } from '../replica.ts';
import { articleCloud, floatingIp, forwarding, HOST_NAME, N, router, uuid } from '../testing/cloud.ts';
import { Numbers } from './numbers.ts';
import { agreementOf } from './translation.ts';
import type { World } from './world.ts';

const SNAT = snatNamespace(uuid(N.router));
const [CLIENT, F, GATEWAY, VM1, VM2] = ['10.11.7.100', '10.11.7.4', '10.11.7.3', '192.168.2.79', '192.168.2.80'];
const [TCP, UDP, SCTP] = [6, 17, 132];

function worldOf(more: readonly FeedPut[] = []): World {
  const replica = new Replica();
  for (const put of [...articleCloud(true), ...more]) replica.put(put);
  return {
    replica,
    host: HOST_NAME,
    bridgeMappings: new Map([['public', 'br-ex']]),
    natBackend: 'nftables',
    misses: 'refuse',
    taps: new Set(),
    numbers: new Numbers(),
    machines: false,
  };
}

type End = readonly [address: string, port?: number];

/** A connection `from` → `to` that is answered by `by`, which sends to `seen`. */
function connection(from: End, to: End, by: End, seen: End, protocol = TCP) {
  const direction = ([source, sourcePort = 0]: End, [destination, destinationPort = 0]: End) => ({
    source,
    sourcePort,
    destination,
    destinationPort,
    protocol,
  });
  return { original: direction(from, to), reply: direction(by, seen) };
}

/** Whether a connection goes as the article's cloud, with more objects, would have it. */
const agrees = (which: ReturnType<typeof connection>, more: readonly FeedPut[] = [], namespace = SNAT): boolean =>
  agreementOf(worldOf(more), namespace).agrees(which);

const client: End = [CLIENT, 40_000];
const vm2: End = [VM2, 50_000];

test('a connection inward goes where its forwarding leads', () => {
  assert.equal(agrees(connection(client, [F, 2222], [VM1, 22], client)), true);
  assert.equal(agrees(connection(client, [F, 2222], [VM2, 22], client)), false, 'another VM');
  assert.equal(agrees(connection(client, [F, 2222], [VM1, 23], client)), false, 'another port');
  assert.equal(agrees(connection(client, [F, 2222], [F, 2222], client)), false, 'older than the forwarding');
  assert.equal(agrees(connection(client, [F, 2222], [VM1, 22], client, UDP)), false, 'not of its protocol');
  assert.equal(agrees(connection(client, [F, 22], [F, 22], client)), true, 'refused, as it should be');
  assert.equal(agrees(connection(client, [F, 22], [VM1, 22], client)), false, 'a forwarding that is gone');
  assert.equal(agrees(connection(client, ['10.11.7.9', 22], [VM1, 22], client)), false, 'a floating IP that is gone');
});

test('ranges are told apart from what is beside them, wherever they begin', () => {
  for (const first of [1, 250, 256, 60_000]) {
    const range = [
      forwarding(0x51, N.floatingIp, [first, first + 600], N.vm1, { address: VM1, port: [1000, 1600] }, 'sctp'),
    ];
    for (const step of [0, 5, 6, 300, 600]) {
      assert.equal(agrees(connection(client, [F, first + step], [VM1, 1000 + step], client, SCTP), range), true);
      assert.equal(agrees(connection(client, [F, first + step], [VM1, 1000], client, SCTP), range), step === 0);
    }
    assert.equal(agrees(connection(client, [F, first + 601], [F, first + 601], client, SCTP), range), true);
    assert.equal(agrees(connection(client, [F, first + 601], [VM1, 1601], client, SCTP), range), false);
  }
});

test('a hairpin comes from the gateway’s address', () => {
  assert.equal(agrees(connection(vm2, [F, 2222], [VM1, 22], [GATEWAY, 1025])), true);
  assert.equal(agrees(connection(vm2, [F, 2222], [VM1, 22], ['10.11.7.8', 1025])), false);
});

test('what leaves has the gateway’s address, or the floating IP of its VM', () => {
  const out = (seen: string) => connection(vm2, [CLIENT, 80], [CLIENT, 80], [seen, 1025]);
  const own = [floatingIp(0x61, N.external, '10.11.7.6', N.router, { port: N.vm2, address: VM2 })];
  const ofOther = [floatingIp(0x61, N.external, '10.11.7.6', N.router, { port: N.vm1, address: VM1 })];
  const plain = (more: object) =>
    router(N.router, {
      distributed: true,
      gateway_port_id: uuid(N.gateway),
      gateway_network_id: uuid(N.external),
      ...more,
    });
  const withoutSnat = [plain({ enable_snat: false })];
  assert.equal(agrees(out(GATEWAY)), true);
  assert.equal(agrees(out(VM2)), false, 'older than the gateway');
  assert.equal(agrees(out('10.11.7.8')), false, 'a gateway’s address that is gone');
  assert.equal(agrees(out(GATEWAY), withoutSnat), false);
  assert.equal(agrees(out(VM2), withoutSnat), true);
  assert.equal(agrees(out('10.11.7.6'), own), true);
  assert.equal(agrees(out('10.11.7.6'), ofOther), false);
  assert.equal(agrees(out('10.11.7.6')), false);
  assert.equal(agrees(out(GATEWAY), own), true, 'what is open when a VM gets a floating IP goes on');
  assert.equal(agrees(out(VM2), [...withoutSnat, ...own]), false);
  const extra = [plain({ routes: [{ destination: '10.11.7.96/28', nexthop: '192.168.2.9' }] })];
  assert.equal(agrees(out(VM2), extra), true, 'an extra route leads to where it is not translated');
});

test('what stays inside, what the router itself says, and groups are let alone', () => {
  const untranslated = (from: string, to: string) => connection([from, 1], [to, 2], [to, 2], [from, 1], UDP);
  for (const [from, to] of [
    [VM1, VM2],
    [VM1, '192.168.2.1'],
    [VM1, GATEWAY],
    [VM1, F],
    [VM1, '255.255.255.255'],
    [VM1, '224.0.0.251'],
    ['192.168.2.4', CLIENT],
    [GATEWAY, CLIENT],
    [CLIENT, VM1],
  ] as const) {
    assert.equal(agrees(untranslated(from, to)), true, `${from} to ${to}`);
  }
});

test('where a router has no gateway nothing is translated', () => {
  const inside = routerNamespace(uuid(N.router));
  assert.equal(agrees(connection(client, [F, 2222], [VM1, 22], client), [], inside), false);
  assert.equal(agrees(connection(vm2, [CLIENT, 80], [CLIENT, 80], vm2), [], inside), true);
});
