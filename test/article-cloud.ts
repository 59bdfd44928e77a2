import type { TestCloud } from './test-cloud.ts';
import { eventually } from './test-host.ts';

/** Sides of a table's cells: in ASCII, or as drawn at a terminal. */
const SIDE = /[|│]/;

/** What `openstack` prints as the head of a table. */
export const titles = (table: string): string[] =>
  (table.split('\n').find((line) => SIDE.test(line.charAt(0))) ?? '')
    .split(SIDE)
    .slice(1, -1)
    .map((cell) => cell.trim());

/** Two-column table of a `show` or `create` command. */
export const fields = (table: string): Record<string, string> =>
  Object.fromEntries(
    table
      .split('\n')
      .filter((line) => SIDE.test(line.charAt(0)))
      .map(
        (line) =>
          line
            .split(SIDE)
            .slice(1, 3)
            .map((cell) => cell.trim()) as [string, string],
      ),
  );

/** A VM that serves on port 22 and has its address by DHCP. */
async function bootServer(
  cloud: TestCloud,
  name: string,
  network: string,
  address: string,
): Promise<{ id: string; namespace: string }> {
  const { id: networkId } = await cloud.json('network', 'show', network);
  const nic = `net-id=${networkId},v4-fixed-ip=${address}`;
  const { id } = await cloud.json(
    'server',
    'create',
    '--image',
    'namespace',
    '--flavor',
    'm1.tiny',
    '--nic',
    nic,
    name,
  );
  const namespace = `machine-${id}`;
  await eventually(async () => (await cloud.json('server', 'show', name)).status === 'ACTIVE', {
    what: `${name} active`,
    timeoutMs: 30_000,
    intervalMs: 100,
  });
  await eventually(
    async () =>
      (await cloud.host.run(['ip', '-4', '-o', 'addr', 'show', 'dev', 'eth0'], { namespace })).includes(`${address}/`),
    { what: `${name}’s address by DHCP`, timeoutMs: 30_000 },
  );
  await eventually(async () => (await cloud.host.probe(namespace, address, 22)).data.startsWith('SSH-'), {
    what: `${name}’s SSH server`,
    timeoutMs: 30_000,
  });
  return { id, namespace };
}

/** The article's cloud: ext-net, a private network, the distributed router with 10.11.7.3, VM1; and a client outside. */
export async function buildCloud(
  cloud: TestCloud,
): Promise<{ vm1: { id: string; namespace: string }; routerId: string }> {
  const run = (...words: string[]) => cloud.run('openstack', words);
  await run(
    'network',
    'create',
    '--external',
    '--provider-network-type',
    'flat',
    '--provider-physical-network',
    'public',
    'ext-net',
  );
  await run('subnet', 'create', '--network', 'ext-net', '--subnet-range', '10.11.7.0/24', '--no-dhcp', 'ext-subnet');
  await run('network', 'create', 'private');
  await run('subnet', 'create', '--network', 'private', '--subnet-range', '192.168.2.0/24', 'private-subnet');
  await run('router', 'create', '--distributed', '--ha', 'Router');
  await run(
    'router',
    'set',
    '--external-gateway',
    'ext-net',
    '--fixed-ip',
    'subnet=ext-subnet,ip-address=10.11.7.3',
    'Router',
  );
  await run('router', 'add', 'subnet', 'Router', 'private-subnet');
  await cloud.host.addClient('br-ex', 'client', '10.11.7.200/24');
  const vm1 = await bootServer(cloud, 'VM1', 'private', '192.168.2.79');
  return { vm1, routerId: (await cloud.json('router', 'show', 'Router')).id };
}
