import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TestCloud } from './test-cloud.ts';
import { eventually, type TestHost, withHost } from './test-host.ts';

const PORTWARD = fileURLToPath(new URL('../bin/portward', import.meta.url));

interface Finding {
  readonly name: string;
  readonly status: string;
  readonly found: string;
  readonly mend?: string;
}

async function examine(
  host: TestHost,
  flags: readonly string[],
  { env = process.env, as = [] as string[] } = {},
): Promise<{ code: number | null; find: (name: string) => Finding; findings: Finding[] }> {
  const { stdout, stderr, code } = await host.sandbox.run([...as, PORTWARD, 'doctor', '--json', ...flags], { env });
  assert.equal(stderr, '');
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  const find = (name: string): Finding => {
    const found = findings.find((finding) => finding.name === name);
    if (found === undefined) throw new Error(`nothing was said of ${name}: ${stdout}`);
    return found;
  };
  return { code, find, findings };
}

test('doctor finds a host with a working agent well, and says of what is broken how to mend it', {
  timeout: 120_000,
}, async () => {
  await withHost(async (host) => {
    const cloud = await TestCloud.start(host, 'nftables');
    const controller = `controller unix:${cloud.socket}`;
    const flags = [
      ...['--controller', `unix:${cloud.socket}`, '--credentials', join(cloud.dataDir, 'agent.yaml')],
      ...['--host', 'testhost', '--bridge-mapping', 'public:br-ex'],
    ];
    const well = await eventually(
      async () => {
        const examined = await examine(host, flags);
        return examined.find('agent of testhost').status === 'ok' && examined;
      },
      { what: 'an agent with nothing left to do' },
    );
    assert.deepEqual(
      well.findings.filter(({ status }) => status !== 'ok'),
      [],
    );
    assert.equal(well.code, 0);
    assert.match(well.find('dnsmasq').found, /^Dnsmasq version \S+ \(\/\S+\)$/);
    assert.equal(well.find('clock').found, 'as the controller’s');

    const { code, find } = await examine(host, [...flags, '--bridge-mapping', 'other:br-none']);
    assert.equal(code, 1);
    assert.match(find('bridge br-none').mend ?? '', /ip link add br-none type bridge/);

    // Tools that are not in the usual places are not there: a view of the file system without one.
    const hidden = [
      'unshare',
      '--mount',
      '--',
      'sh',
      '-c',
      'mount --bind /dev/null "$(command -v dnsmasq)" && exec "$@"',
      'sh',
    ];
    const without = await examine(host, flags, { as: hidden });
    assert.equal(without.find('dnsmasq').status, 'error');
    assert.match(without.find('dnsmasq').found, /The command 'dnsmasq' is not installed/);
    assert.match(without.find('dnsmasq').mend ?? '', /dnsmasq-base/);

    const strange = await examine(host, [...flags, '--host', 'elsewhere']);
    assert.equal(strange.find('agent of elsewhere').status, 'warning');

    await cloud.kill('agent');
    await host.run(['sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=0']);
    assert.equal((await examine(host, flags)).find('bridged packets').status, 'warning');

    const nobody = ['setpriv', '--reuid', '65534', '--clear-groups', '--'];
    const unprivileged = await examine(host, flags, { as: nobody });
    assert.equal(unprivileged.code, 1);
    assert.match(unprivileged.find('privileges').mend ?? '', /root/);
    assert.equal(unprivileged.find('nf_tables').status, 'unknown');

    await cloud.kill('controller');
    const alone = await examine(host, flags);
    assert.equal(alone.code, 1);
    assert.match(alone.find(controller).found, /^does not answer/);
  });
});
