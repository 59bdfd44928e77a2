import { addClient, createServer, type DemoCloud } from './cloud.ts';
import type { Narrator } from './narrator.ts';
import type { Shell } from './shell.ts';

/** What came of an attempt to log in. */
interface Login {
  /** What the VM printed. */
  output: string;
  /** The last thing that ssh said when it did not get in. */
  error: string;
}

/** Logs in by SSH from a client's namespace, as the article's reader does. */
async function ssh(shell: Shell, keyFile: string, from: string, address: string, port: number): Promise<Login> {
  const options = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'BatchMode=yes',
    'ConnectTimeout=3',
    'LogLevel=ERROR',
  ];
  const outcome = await shell.inNamespace(from, [
    'ssh',
    ...options.flatMap((option) => ['-o', option]),
    '-i',
    keyFile,
    '-p',
    String(port),
    `root@${address}`,
    'echo "$(hostname) greets $SSH_CLIENT"',
  ]);
  return { output: outcome.stdout.trim(), error: outcome.stderr.trim().split('\n').at(-1) ?? '' };
}

/** Shows a login and checks that this VM answers, and sees the client's own address. */
async function showLogin(
  shell: Shell,
  narrator: Narrator,
  keyFile: string,
  from: string,
  clientAddress: string,
  address: string,
  port: number,
  vm: string,
): Promise<void> {
  narrator.command(`ssh -p ${port} ${address}        ${narrator.paint(`# from ${from}, ${clientAddress}`, 'dim')}`);
  // The rule that was made a moment ago reaches the kernel within milliseconds, but the API does not wait for it.
  const login = await shell
    .until(`an answer at ${address}:${port}`, async () => {
      const attempt = await ssh(shell, keyFile, from, address, port);
      return attempt.output !== '' && attempt;
    })
    .catch(async () => ssh(shell, keyFile, from, address, port));
  narrator.output(login.output || login.error);
  narrator.check(
    `${address}:${port} is answered by ${vm}, which sees the client’s own address`,
    login.output.startsWith(`${vm} greets ${clientAddress} `),
    login.output || login.error,
  );
}

async function showRefusal(
  shell: Shell,
  narrator: Narrator,
  keyFile: string,
  from: string,
  address: string,
  port: number,
): Promise<void> {
  narrator.command(`ssh -p ${port} ${address}`);
  const login = await ssh(shell, keyFile, from, address, port);
  narrator.output(login.error || login.output);
  narrator.check(
    `port ${port} of the same address is refused`,
    login.error.includes('Connection refused'),
    login.error || login.output,
  );
}

/** The article's main scenario: 10.11.7.4:2222 leads to port 22 of VM1. */
export async function showScenario(shell: Shell, narrator: Narrator, cloud: DemoCloud): Promise<void> {
  narrator.title('client → 10.11.7.4:2222/tcp → 192.168.2.79:22 (VM1)');
  await shell.show(
    'floating',
    'ip',
    'create',
    '--floating-ip-address',
    '10.11.7.4',
    '--tag',
    'port_forwarding_VM1',
    'ext-net',
  );
  await shell.show('floating', 'ip', 'list', '--long', '--any-tags', 'port_forwarding_VM1');
  const [floatingIp] = await shell.json<{ ID: string }[]>(
    'floating',
    'ip',
    'list',
    '--any-tags',
    'port_forwarding_VM1',
  );
  await shell.show('port', 'list', '--server', 'VM1', '--long');
  const [port] = await shell.json<{ ID: string }[]>('port', 'list', '--server', 'VM1');
  if (floatingIp === undefined || port === undefined) throw new Error('The floating IP or VM1’s port is not listed.');
  const forwarding = ['--internal-ip-address', '192.168.2.79', '--port', port.ID, '--protocol', 'tcp'];
  await shell.show(
    'floating',
    'ip',
    'port',
    'forwarding',
    'create',
    ...forwarding,
    '--internal-protocol-port',
    '22',
    '--external-protocol-port',
    '2222',
    '10.11.7.4',
  );
  await shell.show('floating', 'ip', 'port', 'forwarding', 'list', floatingIp.ID);
  await shell.until('the floating IP to be active', async () => {
    const { status } = await shell.json<{ status: string }>('floating', 'ip', 'show', floatingIp.ID);
    return status === 'ACTIVE';
  });

  narrator.title('The VM’s security group must let the internal port in');
  narrator.command('ssh -p 2222 10.11.7.4');
  const early = await ssh(shell, cloud.keyFile, 'client', '10.11.7.4', 2222);
  narrator.output(early.error || early.output);
  narrator.check(
    'without a rule nothing passes',
    early.output === '' && !early.error.includes('refused'),
    early.output || early.error,
  );
  await shell.show(
    'security',
    'group',
    'rule',
    'create',
    '--ingress',
    '--protocol',
    'tcp',
    '--dst-port',
    '22',
    cloud.groupId,
  );
  await showLogin(shell, narrator, cloud.keyFile, 'client', '10.11.7.200', '10.11.7.4', 2222, 'VM1');
  await showRefusal(shell, narrator, cloud.keyFile, 'client', '10.11.7.4', 22);

  narrator.title('Under the hood');
  await shell.show('router', 'list', '--name', 'Router', '--long');
  const namespace = `snat-${cloud.routerId}`;
  const argv =
    shell.system.natBackend === 'iptables'
      ? ['iptables', '-S', '-t', 'nat']
      : ['nft', 'list', 'map', 'ip', 'portward', 'forwardings'];
  narrator.command(`ip netns exec ${namespace} ${argv.join(' ')}`);
  const rules = await shell.inNamespace(namespace, argv);
  const interesting =
    shell.system.natBackend === 'iptables'
      ? rules.stdout
          .split('\n')
          .filter((line) => /agent-fip|-pf-/.test(line))
          .join('\n')
      : rules.stdout;
  narrator.output(interesting);
  narrator.check('the kernel has the forwarding', /192\.168\.2\.79/.test(rules.stdout), rules.stderr);
}

/** The forwardings of the article's first example, and who connects to them. */
const FIRST_EXAMPLE = [
  {
    client: 'client1',
    clientAddress: '1.1.1.201',
    address: '1.1.1.1',
    port: 22,
    vm: 'example-VM1',
    internal: '192.168.0.100',
  },
  {
    client: 'client2',
    clientAddress: '1.1.1.202',
    address: '1.1.1.1',
    port: 2022,
    vm: 'example-VM2',
    internal: '192.168.0.101',
  },
  {
    client: 'client3',
    clientAddress: '1.1.1.203',
    address: '1.1.1.2',
    port: 2022,
    vm: 'example-VM3',
    internal: '192.168.0.102',
  },
];

/** The article's first example, to the letter: three servers behind two floating IPs. */
export async function showFirstExample(shell: Shell, narrator: Narrator, cloud: DemoCloud): Promise<void> {
  narrator.title('Three servers, two floating IPs');
  await narrator.step('a second subnet of ext-net, 1.1.1.0/24, and a network 192.168.0.0/24', async () => {
    await shell.portward(
      'subnet',
      'create',
      '--network',
      'ext-net',
      '--subnet-range',
      '1.1.1.0/24',
      '--gateway',
      'none',
      '--no-dhcp',
      'ext-subnet-1',
    );
    await shell.portward('network', 'create', 'servers');
    await shell.portward(
      'subnet',
      'create',
      '--network',
      'servers',
      '--subnet-range',
      '192.168.0.0/24',
      'servers-subnet',
    );
    await shell.portward('router', 'add', 'subnet', 'Router', 'servers-subnet');
    for (const { client, clientAddress } of FIRST_EXAMPLE) await addClient(shell, client, [`${clientAddress}/24`]);
  });
  await narrator.step(`${FIRST_EXAMPLE.map(({ vm }) => vm).join(', ')}: three more VMs`, () =>
    Promise.all(FIRST_EXAMPLE.map(({ vm, internal }) => createServer(shell, vm, 'servers', internal))),
  );
  for (const address of new Set(FIRST_EXAMPLE.map((row) => row.address))) {
    await shell.portward('floating', 'ip', 'create', '--floating-ip-address', address, 'ext-net');
  }
  for (const { vm, internal, address, port } of FIRST_EXAMPLE) {
    const [found] = await shell.json<{ ID: string }[]>('port', 'list', '--server', vm);
    await shell.show(
      ...[
        'floating',
        'ip',
        'port',
        'forwarding',
        'create',
        '--internal-ip-address',
        internal,
        '--port',
        found?.ID ?? '',
        '--protocol',
        'tcp',
      ],
      ...['--internal-protocol-port', '22', '--external-protocol-port', String(port), address],
    );
  }
  for (const { client, clientAddress, address, port, vm } of FIRST_EXAMPLE) {
    await showLogin(shell, narrator, cloud.keyFile, client, clientAddress, address, port, vm);
  }
}
