import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildCloud, fields, titles } from './article-cloud.ts';
import { TestCloud } from './test-cloud.ts';
import { eventually, withHost } from './test-host.ts';
import { PROMPT, Typist } from './typist.ts';

/** What the article finds out on the way, and names in later commands. */
type Known = Record<'port' | 'floatingIp' | 'group', string>;

interface Line {
  /** As in the article, but for the ids of its cloud. */
  readonly line: (known: Known) => string;
  /** Heads of the table that it shows. */
  readonly titles: readonly string[];
  /** What is taken from it. */
  readonly learn?: (shown: string) => Partial<Known>;
}

const FIELD_VALUE = ['Field', 'Value'];

const TRANSCRIPT: readonly Line[] = [
  {
    line: () => 'floating ip create --floating-ip-address 10.11.7.4 --tag port_forwarding_VM1 ext-net',
    titles: FIELD_VALUE,
    learn: (shown) => ({ floatingIp: fields(shown).id as string }),
  },
  {
    line: () => "floating ip list --long --any-tags 'port_forwarding_VM1'",
    titles: [
      ...['ID', 'Floating IP Address', 'Fixed IP Address', 'Port', 'Floating Network', 'Project'],
      ...['Router', 'Status', 'Description', 'Tags', 'DNS Name', 'DNS Domain'],
    ],
  },
  {
    line: () => 'port list --server VM1 --long',
    titles: [
      ...['ID', 'Name', 'MAC Address', 'Fixed IP Addresses', 'Status', 'Security Groups', 'Device Owner', 'Tags'],
    ],
    learn(shown) {
      const row = shown.split('\n').find((line) => line.includes('192.168.2.79')) ?? '';
      const [port = '', , , , , group = ''] = row
        .split(/[|│]/)
        .slice(1)
        .map((cell) => cell.trim());
      return { port, group };
    },
  },
  {
    line: ({ port }) =>
      `floating ip port forwarding create --internal-ip-address 192.168.2.79 --port ${port} --protocol tcp --internal-protocol-port 22 --external-protocol-port 2222 10.11.7.4`,
    titles: FIELD_VALUE,
  },
  {
    line: ({ floatingIp }) => `floating ip port forwarding list ${floatingIp}`,
    titles: [
      ...['ID', 'Internal Port ID', 'Internal IP Address', 'Internal Port', 'External Port', 'Protocol'],
      'Description',
    ],
  },
  {
    line: ({ group }) => `security group rule create --ingress --protocol tcp --dst-port 22 ${group}`,
    titles: FIELD_VALUE,
  },
  {
    line: () => 'router list --name Router --long',
    titles: [
      ...['ID', 'Name', 'Status', 'State', 'Project', 'Distributed', 'HA', 'Routes'],
      ...['External gateway info', 'Availability zones', 'Tags'],
    ],
  },
];

/** Goes through the transcript by a way of carrying out lines that answers what they show. */
async function follow(carryOut: (line: string) => Promise<string>): Promise<Known> {
  const known: Known = { port: '', floatingIp: '', group: '' };
  for (const { line, titles: heads, learn } of TRANSCRIPT) {
    const shown = await carryOut(line(known));
    assert.deepEqual(titles(shown), heads, `${line(known)}:\n${shown}`);
    Object.assign(known, learn?.(shown));
  }
  return known;
}

/** Words of a line as a shell takes them; the transcript quotes once, and nothing in the quotes is special. */
const wordsOf = (line: string): string[] => line.split(' ').map((word) => word.replace(/^'(.*)'$/, '$1'));

test('the article’s transcript, but for the program’s name: as commands, and typed into the interactive shell', {
  timeout: 180_000,
}, async () => {
  await withHost(async (host) => {
    const cloud = await TestCloud.start(host, 'nftables');
    await buildCloud(cloud);
    const reach = (port: number) => host.probe('client', '10.11.7.4', port, { timeoutMs: 1000 });
    const reachesVm1 = async (): Promise<void> => {
      await eventually(async () => (await reach(2222)).data.startsWith('SSH-2.0-dropbear'), { what: 'VM1 by 2222' });
      assert.equal((await reach(22)).outcome, 'refused');
    };
    const startAgain = async ({ floatingIp, group }: Known): Promise<void> => {
      await cloud.run('portward', ['floating', 'ip', 'delete', '--wait', floatingIp]);
      const rules = await cloud.json('security', 'group', 'rule', 'list', group);
      const added = rules.find((rule: Record<string, unknown>) => rule['Port Range'] === '22:22');
      await cloud.run('portward', ['security', 'group', 'rule', 'delete', '--wait', added.ID]);
    };

    const first = await follow((line) => cloud.run('portward', wordsOf(line)));
    await reachesVm1();
    await startAgain(first);
    assert.notEqual((await reach(2222)).outcome, 'connected');

    const env = {
      ...process.env,
      OS_CLIENT_CONFIG_FILE: join(cloud.dataDir, 'clouds.yaml'),
      OS_CLOUD: 'portward-admin',
      NO_COLOR: '1',
      HOME: host.directory,
      XDG_STATE_HOME: host.directory,
    };
    const typist = new Typist(env, (argv, variables) =>
      host.spawn(argv, { env: variables, stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    await typist.shows(PROMPT);
    // What is typed is shown as it is typed; the table comes below, and ends with the next prompt.
    const second = await follow((line) => typist.type(`${line}\r`, /\n┌[\s\S]*└[^\n]*\r?\n[^\n]*\(portward\) /));
    assert.equal(await typist.leave('exit\r'), 0);
    await reachesVm1();
    await startAgain(second);
  });
});
