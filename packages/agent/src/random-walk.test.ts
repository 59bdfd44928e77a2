import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FeedPut, NatBackend } from '@portward/model/feed.ts';
import fc from 'fast-check';
import { eventually, type TestHost } from '../../../test/test-host.ts';
import { article, gatewayNamespace } from './testing/article.ts';
import { articleCloud, forwarding, gone, N, securityGroupRule } from './testing/cloud.ts';

/** Seconds of walking on each back end. PORTWARD_WALK_SECONDS=600 walks for as long; PORTWARD_WALK_SEED repeats one. */
const SECONDS = Number(process.env.PORTWARD_WALK_SECONDS ?? 12);
const SEED = Number(process.env.PORTWARD_WALK_SEED ?? Math.floor(Math.random() * 2 ** 31));

const PORTS = [3000, 3001, 3002, 3003];
type Protocol = 'tcp' | 'udp';
const VMS = { 79: N.vm1, 80: N.vm2 } as const;

type Step =
  | { op: 'put'; port: number; protocol: Protocol; vm: 79 | 80 }
  | { op: 'delete'; port: number; protocol: Protocol }
  | { op: 'kill'; put: Extract<Step, { op: 'put' }>; afterMs: number }
  | { op: 'drift'; what: number };

const anyPlace = { port: fc.constantFrom(...PORTS), protocol: fc.constantFrom<Protocol>('tcp', 'udp') };
const anyPut = fc.record({ op: fc.constant('put' as const), ...anyPlace, vm: fc.constantFrom<79 | 80>(79, 80) });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: anyPut },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('delete' as const), ...anyPlace }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('kill' as const), put: anyPut, afterMs: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('drift' as const), what: fc.nat(99) }) },
);

const ROUTER = gatewayNamespace(true);

/** What somebody may do to the host: a command, and the namespace in which it is run. */
const DAMAGE: Record<NatBackend, [argv: string[], namespace?: string][]> = {
  nftables: [
    [['nft', 'flush', 'map', 'ip', 'portward', 'forwardings'], ROUTER],
    [['nft', 'flush', 'chain', 'ip', 'portward', 'prerouting'], ROUTER],
    [['nft', 'insert', 'rule', 'ip', 'portward', 'prerouting', 'accept'], ROUTER],
    [['nft', 'flush', 'ruleset'], ROUTER],
  ],
  iptables: [
    [['iptables', '-t', 'nat', '-F', 'neutron-l3-agent-PREROUTING'], ROUTER],
    [['iptables', '-t', 'nat', '-I', 'neutron-l3-agent-PREROUTING', '-j', 'RETURN'], ROUTER],
    [['iptables', '-t', 'nat', '-F'], ROUTER],
  ],
};
const COMMON_DAMAGE: [argv: string[], namespace?: string][] = [
  [['nft', 'flush', 'ruleset']],
  [['ip', 'addr', 'del', '10.11.7.4/32', 'dev', 'qg-000000b0-00'], ROUTER],
  [['ip', 'route', 'del', 'default'], ROUTER],
  [['ip', 'link', 'del', 'tap000000b2-00']],
  [['sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=0']],
  [['sysctl', '-qw', 'net.ipv4.ip_forward=0'], ROUTER],
];

/** Asks all ports at once, and prints for each which VM answered, or null. */
const ASK = `import json,socket,sys,concurrent.futures as f
def ask(a):
  p,k=a
  try:
    s=socket.socket(socket.AF_INET,socket.SOCK_STREAM if k=='tcp' else socket.SOCK_DGRAM); s.settimeout(1.5)
    s.connect(('10.11.7.4',p))
    if k=='udp': s.send(b'x\\n')
    return int(s.recv(100).decode().split(':')[0].split('.')[3])
  except OSError: return None
w=json.loads(sys.argv[1])
with f.ThreadPoolExecutor(16) as e: print(json.dumps(list(e.map(ask,w))))`;

const PLACES = PORTS.flatMap((port) => [[port, 'tcp'] as const, [port, 'udp'] as const]);

async function answers(host: TestHost): Promise<Record<string, number>> {
  const text = await host.run(['python3', '-c', ASK, JSON.stringify(PLACES)], { namespace: 'client' });
  const list = JSON.parse(text) as (number | null)[];
  return Object.fromEntries(
    PLACES.flatMap(([port, protocol], index) => {
      const vm = list[index];
      return vm === null || vm === undefined ? [] : [[`${protocol} ${port}`, vm]];
    }),
  );
}

const numberOf = ({ port, protocol }: { port: number; protocol: Protocol }): number =>
  port * 0x100000 + (protocol === 'tcp' ? 6 : 17);

const lineOf = ({ port, protocol, vm }: { port: number; protocol: Protocol; vm: 79 | 80 }): FeedPut =>
  forwarding(
    numberOf({ port, protocol }),
    N.floatingIp,
    port,
    VMS[vm],
    { address: `192.168.2.${vm}`, port: protocol === 'tcp' ? 22 : 53 },
    protocol,
  );

for (const natBackend of ['nftables', 'iptables'] as const) {
  test(`whatever happens, just those packets pass that shall: ${natBackend}`, async () => {
    await article(async ({ host, agent }) => {
      const base = [...articleCloud(true), securityGroupRule(0xc6, N.group, 'ingress')];
      await Promise.all([
        host.serve('vm1', '192.168.2.79', [53], 'udp'),
        host.serve('vm2', '192.168.2.80', [53], 'udp'),
      ]);
      const wanted = new Map<string, Extract<Step, { op: 'put' }>>();
      const start = () => agent.start([...base, ...[...wanted.values()].map(lineOf)], { auditSeconds: 1 });
      await agent.kill();
      await start();
      const kept = host.connect('client', '10.11.7.4', 2023);
      await kept.read();
      const damage = [...DAMAGE[natBackend], ...COMMON_DAMAGE];
      const walked: string[] = [];
      const take = async (step: Step): Promise<void> => {
        if (step.op === 'put') {
          wanted.set(`${step.protocol} ${step.port}`, step);
          await agent.feed(lineOf(step));
        } else if (step.op === 'delete') {
          if (wanted.delete(`${step.protocol} ${step.port}`)) await agent.feed(gone('port_forwarding', numberOf(step)));
        } else if (step.op === 'kill') {
          wanted.set(`${step.put.protocol} ${step.put.port}`, step.put);
          agent.send(lineOf(step.put));
          await sleep(step.afterMs);
          await agent.kill();
          await start();
        } else {
          const [argv, namespace] = damage[step.what % damage.length] ?? [['true']];
          await host.run(argv, namespace === undefined ? {} : { namespace });
          await eventually(() => agent.check().then(() => true), { what: `${argv.join(' ')} mended` });
        }
        const shall = Object.fromEntries([...wanted].map(([place, { vm }]) => [place, vm]));
        assert.deepEqual(await answers(host), shall);
        kept.write(step.op);
        assert.match(await kept.read(), new RegExp(`${step.op}$`), 'an open connection lives on');
      };
      const end = Date.now() + SECONDS * 1000;
      for (const step of fc.sample(anyStep, { seed: SEED, numRuns: 20_000 })) {
        if (Date.now() > end) break;
        walked.push(JSON.stringify(step));
        try {
          await take(step);
        } catch (error) {
          const story = walked.slice(-12).join('\n');
          throw new Error(`PORTWARD_WALK_SEED=${SEED}, step ${walked.length}; the last steps:\n${story}`, {
            cause: error,
          });
        }
      }
      assert.ok(walked.length > 1);
      kept.close();
      // Repairs are warnings; failures are not expected.
      agent.log.splice(0, agent.log.length, ...agent.log.filter(({ level }) => level > 40));
    }, natBackend);
  });
}
