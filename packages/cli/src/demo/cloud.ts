import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { authSettings } from '../client/auth.ts';
import { Session } from '../client/session.ts';
import { DEMO_BRIDGE } from '../up.ts';
import { run as runOnMachine } from './local-command.ts';
import type { Narrator } from './narrator.ts';
import type { Shell } from './shell.ts';

/** The article's cloud, as far as later steps must know it. */
export interface DemoCloud {
  /** File with the private SSH key that the VMs accept. */
  keyFile: string;
  routerId: string;
  /** Id of the default security group, which every VM's port carries. */
  groupId: string;
}

/** Name of the key pair. */
export const KEY_NAME = 'demo-key';

/** A namespace on the external network that plays a client on the Internet. */
export async function addClient(shell: Shell, name: string, addresses: string[]): Promise<void> {
  const device = `c-${name}`;
  await must(shell, ['ip', 'netns', 'add', name]);
  const outside = [
    `link add ${device} type veth peer name eth0 netns ${name}`,
    `link set ${device} master ${DEMO_BRIDGE} up`,
  ];
  await must(shell, ['ip', '-batch', '-'], outside.join('\n'));
  const inside = [
    'link set lo up',
    'link set eth0 up',
    ...addresses.map((address) => `address add ${address} dev eth0`),
  ];
  await must(shell, ['ip', '-n', name, '-batch', '-'], inside.join('\n'));
}

async function must(shell: Shell, argv: string[], input = ''): Promise<void> {
  const outcome = await shell.onHost(argv, input);
  if (outcome.code !== 0) throw new Error(`${argv.join(' ')}: ${outcome.stderr.trim()}`);
}

/** Builds networks, router and VM1 through the public API. */
export async function buildCloud(shell: Shell, narrator: Narrator): Promise<DemoCloud> {
  await narrator.step('the agent has reported to the controller', () =>
    shell.until('a live agent', async () => {
      const agents = await shell.json<{ Alive: boolean }[]>('network', 'agent', 'list');
      return agents.length > 0 && agents.every((agent) => agent.Alive);
    }),
  );
  await narrator.step('ext-net 10.11.7.0/24 (external) and private 192.168.2.0/24', async () => {
    await shell.portward(
      'network',
      'create',
      '--external',
      '--provider-network-type',
      'flat',
      '--provider-physical-network',
      'public',
      'ext-net',
    );
    await shell.portward(
      'subnet',
      'create',
      '--network',
      'ext-net',
      '--subnet-range',
      '10.11.7.0/24',
      '--gateway',
      '10.11.7.1',
      '--no-dhcp',
      'ext-subnet',
    );
    await shell.portward('network', 'create', 'private');
    await shell.portward(
      'subnet',
      'create',
      '--network',
      'private',
      '--subnet-range',
      '192.168.2.0/24',
      'private-subnet',
    );
  });
  const routerId = await narrator.step('Router: distributed, HA, gateway address 10.11.7.3', async () => {
    const router = await shell.json<{ id: string }>('router', 'create', '--distributed', '--ha', 'Router');
    await shell.portward(
      'router',
      'set',
      '--external-gateway',
      'ext-net',
      '--fixed-ip',
      'subnet=ext-subnet,ip-address=10.11.7.3',
      'Router',
    );
    await shell.portward('router', 'add', 'subnet', 'Router', 'private-subnet');
    return router.id;
  });
  await addClient(shell, 'client', ['10.11.7.200/24']);
  const keyFile = await createKey(shell);
  await narrator.step('VM1 192.168.2.79: a namespace with DHCP and an SSH server', () =>
    createServer(shell, 'VM1', 'private', '192.168.2.79'),
  );
  const ports = await shell.json<{ 'Security Groups': string[] }[]>('port', 'list', '--server', 'VM1', '--long');
  const groupId = ports[0]?.['Security Groups']?.[0];
  if (groupId === undefined) throw new Error('VM1’s port has no security group.');
  return { keyFile, routerId, groupId };
}

/** Makes a key pair here and tells Compute its public half. */
async function createKey(shell: Shell): Promise<string> {
  const { dataDir } = shell.system;
  const keyFile = join(dataDir, 'demo-key');
  await runOnMachine(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'portward-demo', '-f', keyFile]);
  const session = await Session.connect(
    await authSettings({
      options: { cloud: 'portward-admin' },
      insecure: false,
      env: { OS_CLIENT_CONFIG_FILE: join(dataDir, 'clouds.yaml') },
      cwd: dataDir,
    }),
  );
  const keypair = { name: KEY_NAME, public_key: readFileSync(`${keyFile}.pub`, 'utf8').trim() };
  await session.request('compute', 'POST', '/os-keypairs', { body: { keypair } });
  return keyFile;
}

/** Creates a VM with an address of its choice and awaits its SSH server. */
export async function createServer(shell: Shell, name: string, network: string, address: string): Promise<void> {
  const { id } = await shell.json<{ id: string }>('network', 'show', network);
  const nic = `net-id=${id},v4-fixed-ip=${address}`;
  const server = await shell.json<{ id: string }>(
    'server',
    'create',
    '--image',
    'namespace',
    '--flavor',
    'm1.tiny',
    '--key-name',
    KEY_NAME,
    '--nic',
    nic,
    name,
  );
  await shell.until(`${name} to be active`, async () => {
    const { status } = await shell.json<{ status: string }>('server', 'show', name);
    if (status === 'ERROR') throw new Error(`${name} could not be started; see the agent’s log`);
    return status === 'ACTIVE';
  });
  await shell.until(`${name}’s address by DHCP and its SSH server`, async () => {
    const probe = await shell.inNamespace(`machine-${server.id}`, ['busybox', 'nc', '-w', '1', address, '22']);
    return probe.stdout.startsWith('SSH-');
  });
}
