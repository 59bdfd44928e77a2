import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dhcpNamespace, machineNamespace } from '@portward/model/device-names.ts';
import type { FeedPut } from '@portward/model/feed.ts';
import { eventually, type TestHost, withHost } from '../../../test/test-host.ts';
import { AgentHost } from './testing/agent-host.ts';
import { article } from './testing/article.ts';
import { articleCloud, gone, HOST_NAME, N, port, sshRule, subnet, uuid } from './testing/cloud.ts';

const [SERVER, DHCP_PORT] = [0xbb01, 0xbb02];

const server = (running = true): FeedPut => ({
  seq: 0,
  op: 'put',
  kind: 'server',
  object: {
    id: uuid(SERVER),
    name: 'VM1',
    project_id: 'project',
    host: HOST_NAME,
    running,
    public_key: null,
    created_at: '',
  },
});

const dhcpPort = (): FeedPut =>
  port(
    DHCP_PORT,
    N.private,
    { '192.168.2.2': N.privateSubnet },
    { device_owner: 'network:dhcp', device_id: `dhcp-${uuid(N.private)}`, port_security_enabled: false },
  );

test('a server gets a machine, an address by DHCP, and visitors through its forwarding', {
  timeout: 60_000,
}, async () => {
  await withHost(async (host) => {
    await host.addBridge('br-ex');
    await host.addClient('br-ex', 'client', '10.11.7.100/24', '10.11.7.1');
    const agent = new AgentHost(host, { machines: true });
    await agent.start([
      ...articleCloud(true),
      sshRule(),
      subnet(N.privateSubnet, N.private, '192.168.2.0/24', '192.168.2.1', { enable_dhcp: true }),
      dhcpPort(),
      port(
        N.vm1,
        N.private,
        { '192.168.2.79': N.privateSubnet },
        { security_groups: [uuid(N.group)], device_id: uuid(SERVER) },
      ),
      server(),
    ]);
    const machine = machineNamespace(uuid(SERVER));
    await eventually(
      async () => (await host.run(['ip', '-4', 'addr'], { namespace: machine })).includes('192.168.2.79'),
      {
        what: 'the machine has its address',
        timeoutMs: 20_000,
      },
    );
    const ssh = await eventually(async () => {
      const { outcome, data } = await host.probe('client', '10.11.7.4', 2222);
      return outcome === 'connected' && data;
    });
    assert.match(ssh, /^SSH-2\.0/);
    await eventually(() => agent.status('port', uuid(N.vm1))?.status === 'ACTIVE');
    assert.equal(agent.status('server', uuid(SERVER))?.status, 'ACTIVE');
    assert.equal(agent.status('port', uuid(DHCP_PORT))?.status, 'ACTIVE');

    await agent.feed(gone('server', SERVER), gone('port', N.vm1));
    assert.doesNotMatch(await host.run(['ip', 'netns']), /machine-/);
    await agent.feed(gone('port', DHCP_PORT));
    assert.doesNotMatch(await host.run(['ip', 'netns']), new RegExp(dhcpNamespace(uuid(N.private))));
    assert.deepEqual(agent.complaints(), []);
    await agent.kill();
    await agent.cleanUp();
    assert.deepEqual(await host.run(['ls', host.directory]), '');
    assert.doesNotMatch(await host.run(['ps', '-eo', 'args']), /dnsmasq|dropbear|udhcpc/);
  });
});

test('a device that is made anew under its name is plugged in again', async () => {
  await article(async ({ host, agent }) => {
    for (let i = 0; i < 3; i++) {
      await host.run(['ip', 'link', 'del', 'tap000000d1-00']);
      await host.run(['ip', 'netns', 'del', 'vm1']);
      await agent.addVm(N.vm1, 'vm1', '192.168.2.79/24', '192.168.2.1');
      await agent.plugged(N.vm1);
    }
    await host.serve('vm1', '192.168.2.79', [22]);
    assert.equal((await host.probe('client', '10.11.7.4', 2222)).outcome, 'connected');
  });
});

test('no port is plugged in while bridged packets cannot be filtered', async () => {
  await article(async ({ host, agent }) => {
    await agent.kill();
    // A file that reads as 0 and cannot be written, in place of the kernel's parameter.
    await host.run([
      'sh',
      '-c',
      `
      mkdir ${host.directory}/frozen && mount -t tmpfs t ${host.directory}/frozen && echo 0 > ${host.directory}/frozen/zero &&
      mount -o remount,ro ${host.directory}/frozen &&
      mount --bind ${host.directory}/frozen/zero /proc/sys/net/bridge/bridge-nf-call-iptables`,
    ]);
    await host.run(['ip', 'link', 'set', 'tap000000d1-00', 'nomaster']);
    await agent.start([...articleCloud(true), sshRule()]);
    await eventually(() => agent.status('port', uuid(N.vm1))?.status === 'ERROR');
    assert.match(agent.status('port', uuid(N.vm1))?.reason ?? '', /bridge-nf-call-iptables/);
    assert.doesNotMatch(await host.run(['ip', '-o', 'link', 'show', 'tap000000d1-00']), /master/);
    agent.log.length = 0;
    await host.run(['umount', '/proc/sys/net/bridge/bridge-nf-call-iptables', `${host.directory}/frozen`]);
    await agent.plugged(N.vm1);
    await eventually(() => agent.status('port', uuid(N.vm1))?.status === 'ACTIVE');
    agent.log.length = 0;
  });
});

test('what is missing is told in one sentence, before anything is changed', async () => {
  await withHost(async (host) => {
    assert.match(await refusal(host, {}), /bridge 'br-ex' of the bridge mapping is not there; make it/);
    await host.addBridge('br-ex');
    assert.match(
      await refusal(host, { PATH: '/nowhere' }),
      /command 'nsenter' is not installed; Debian's package util-linux/,
    );
    assert.match(
      await refusal(host, {}, ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin', '--']),
      /lacks the privilege CAP_NET_ADMIN; start it as root/,
    );
    await host.run(['mount', '-t', 'tmpfs', 't', '/proc/sys/net/bridge']);
    assert.match(await refusal(host, {}), /no bridge netfilter .*load the module br_netfilter/);
    assert.equal(await host.run(['nft', 'list', 'ruleset']), '');
    assert.equal(await host.run(['ip', 'netns']), '');
  });
});

/** What the agent says when it does not start. */
async function refusal(host: TestHost, env: Record<string, string>, wrapper: string[] = []): Promise<string> {
  const program = `
    const { checkHost } = await import(process.argv[1]);
    await checkHost({ bridges: ['br-ex'], natBackend: 'nftables' }).then(() => console.log('nothing is missing'), (error) => console.log(error.message));`;
  const file = import.meta.resolve('./kernel/requirements.ts');
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return host.run([...wrapper, 'env', ...assignments, process.execPath, '--input-type=module', '-e', program, file]);
}
