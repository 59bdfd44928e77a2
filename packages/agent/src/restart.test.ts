import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { eventually, type TestHost } from '../../../test/test-host.ts';
import { article, connected, gatewayNamespace } from './testing/article.ts';
import { articleCloud, floatingIp, gone, N, sshRule, uuid } from './testing/cloud.ts';

const snapshot = (distributed = true) => [...articleCloud(distributed), sshRule()];

/** The five lines of the article. */
const ARTICLE_LINES = `-N neutron-l3-agent-fip-pf
-N neutron-l3-agent-pf-0011665d
-A neutron-l3-agent-PREROUTING -j neutron-l3-agent-fip-pf
-A neutron-l3-agent-fip-pf -j neutron-l3-agent-pf-0011665d
-A neutron-l3-agent-pf-0011665d -d 10.11.7.4/32 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 192.168.2.79:22
`;

test('a gateway in another group costs packets time, not the client its address, and is put back', async () => {
  await article(async ({ host, agent }) => {
    const namespace = gatewayNamespace(true);
    const device = 'qg-000000b0-00';
    const shown = () => host.run(['ip', '-d', 'link', 'show', device], { namespace });
    const seen = await shown();
    await host.run(['ip', 'link', 'set', device, 'group', '0'], { namespace });
    assert.deepEqual(await host.probe('client', '10.11.7.4', 2222), connected('192.168.2.79:22 sees 10.11.7.100'));
    await agent.kill();
    await agent.start(snapshot());
    assert.equal(await shown(), seen);
  });
});

for (const natBackend of ['nftables', 'iptables'] as const) {
  test(`a killed agent comes back, changes nothing and cuts nothing: ${natBackend}`, async () => {
    await article(async ({ host, agent }) => {
      const connection = host.connect('client', '10.11.7.4', 2222);
      await connection.read();
      await agent.kill();
      connection.write('without an agent');
      assert.match(await connection.read(), /without an agent/);
      const before = agent.operations();
      await agent.start(snapshot());
      assert.ok(before > 0);
      assert.equal(agent.operations(), before, 'a second apply writes nothing');
      connection.write('with the next agent');
      assert.match(await connection.read(), /with the next agent/);
      connection.close();
    }, natBackend);
  });

  test(`what changed while the agent was away is carried out when it is back: ${natBackend}`, async () => {
    await article(async ({ host, agent }) => {
      const doomed = host.connect('client', '10.11.7.4', 2222);
      const kept = host.connect('client', '10.11.7.4', 2023);
      await Promise.all([doomed.read(), kept.read()]);
      await agent.kill();
      await agent.start(snapshot().filter(({ object }) => object.id !== uuid(N.forwarding1)));
      assert.equal((await host.probe('client', '10.11.7.4', 2222)).outcome, 'refused');
      doomed.write('still there?');
      await assert.rejects(doomed.read(1500));
      kept.write('still there?');
      assert.match(await kept.read(), /still there/);
      doomed.close();
      kept.close();
    }, natBackend);
  });

  test(`the other back end's rules go when the host changes over, connections stay: ${natBackend}`, async () => {
    const other = natBackend === 'nftables' ? 'iptables' : 'nftables';
    await article(async ({ host, agent }) => {
      const connection = host.connect('client', '10.11.7.4', 2222);
      await connection.read();
      await agent.kill();
      await agent.start(snapshot(), { natBackend: other });
      const namespace = gatewayNamespace(true);
      const tables = await host.run(['nft', 'list', 'tables'], { namespace });
      const chains = await host.run(['iptables', '-S', '-t', 'nat'], { namespace });
      assert.equal(tables.includes('ip portward'), other === 'nftables');
      assert.equal(chains.includes('neutron-'), other === 'iptables');
      assert.deepEqual(await host.probe('client', '10.11.7.4', 2222), connected('192.168.2.79:22 sees 10.11.7.100'));
      connection.write('after the change');
      assert.match(await connection.read(), /after the change/);
      connection.close();
    }, natBackend);
  });

  test(`clean-up leaves nothing: ${natBackend}`, async () => {
    await article(async ({ host, agent }) => {
      await host.ip(['netns add stranger', 'link add brq-stranger type bridge']);
      await host.run(['nft', 'add table inet stranger']);
      await agent.kill();
      await agent.cleanUp();
      assert.deepEqual(await leftOn(host), {
        namespaces: ['client', 'stranger', 'vm1', 'vm2'],
        links: ['br-ex', 'brq-stranger', 'c-client', 'lo', 'tap000000d1-00', 'tap000000d2-00'],
        tables: ['table inet stranger'],
        files: [],
      });
    }, natBackend);
  });
}

test('iptables shows the lines of the article', async () => {
  await article(async ({ host, agent }) => {
    await agent.feed(gone('port_forwarding', N.forwarding2));
    const rules = await host.run(['iptables', '-S', '-t', 'nat'], { namespace: gatewayNamespace(true) });
    assert.equal(
      rules
        .split('\n')
        .filter((line) => /0011665d|agent-fip/.test(line))
        .map((line) => `${line}\n`)
        .join(''),
      ARTICLE_LINES,
    );
  }, 'iptables');
});

test('an audit repairs what others broke, and only that', async () => {
  await article(async ({ host, agent }) => {
    await agent.kill();
    await agent.start(snapshot(), { auditSeconds: 1 });
    const namespace = gatewayNamespace(true);
    const connection = host.connect('client', '10.11.7.4', 2222);
    await connection.read();
    const complaints = agent.log.length;
    await host.run(['nft', 'flush chain ip portward postrouting; flush map ip portward forwardings'], { namespace });
    await host.run(['nft', 'flush ruleset']);
    await host.run(['ip', 'addr', 'del', '10.11.7.4/32', 'dev', 'qg-000000b0-00'], { namespace });
    await host.run(['sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=0']);
    await host.run(['sysctl', '-qw', 'net.ipv4.ip_forward=0'], { namespace });
    await host.run(['ip', 'link', 'del', 'tap000000b2-00']);
    await eventually(async () => (await host.probe('client', '10.11.7.4', 2023)).outcome === 'connected', {
      what: 'the forwarding works again',
    });
    assert.equal((await host.run(['sysctl', '-n', 'net.bridge.bridge-nf-call-iptables'])).trim(), '1');
    assert.match(await host.run(['nft', 'list', 'ruleset']), /to-tap000000d1-00/);
    connection.write('still there?');
    assert.match(await connection.read(), /still there/);
    connection.close();
    // The repairs are told as warnings; nothing else is.
    for (const entry of agent.log.splice(complaints)) assert.ok(entry.level <= 40, JSON.stringify(entry));
  });
});

test('an audit puts rules of iptables back in order, and takes out what is not the agent’s', async () => {
  await article(async ({ host, agent }) => {
    await agent.feed(floatingIp(0xff, N.external, '10.11.7.9', N.router, { port: N.vm2, address: '192.168.2.80' }));
    const namespace = gatewayNamespace(true);
    const rules = () => host.run(['iptables', '-t', 'nat', '-S'], { namespace });
    const before = await rules();
    await agent.kill();
    await agent.start(
      [...snapshot(), floatingIp(0xff, N.external, '10.11.7.9', N.router, { port: N.vm2, address: '192.168.2.80' })],
      {
        auditSeconds: 1,
      },
    );
    const chain = 'neutron-l3-agent-PREROUTING';
    const moved = '-j neutron-l3-agent-fip-pf'.split(' ');
    await host.run(['iptables', '-t', 'nat', '-D', chain, ...moved], { namespace });
    await host.run(['iptables', '-t', 'nat', '-I', chain, ...moved], { namespace });
    await host.run(['iptables', '-t', 'nat', '-A', chain, ...moved], { namespace });
    await host.run(['iptables', '-t', 'nat', '-I', chain, '-p', 'tcp', '-j', 'RETURN'], { namespace });
    await eventually(async () => (await rules()) === before, { what: 'the rules as they were' });
    agent.log.length = 0;
  }, 'iptables');
});

/** What is there, whoever made it. */
async function leftOn(host: TestHost): Promise<Record<string, string[]>> {
  const list = async (argv: string[]): Promise<string[]> =>
    (await host.run(argv)).split('\n').filter((line) => line !== '');
  return {
    namespaces: (await list(['ip', 'netns'])).map((line) => line.split(' ')[0] ?? '').sort(),
    links: (await list(['ip', '-br', 'link'])).map((line) => line.split(/[ @]/)[0] ?? '').sort(),
    tables: await list(['nft', 'list', 'tables']),
    files: await readdir(host.directory),
  };
}
