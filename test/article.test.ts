import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCloud, fields, titles } from './article-cloud.ts';
import { TestCloud } from './test-cloud.ts';
import { eventually, type TestHost, withHost } from './test-host.ts';

for (const natBackend of ['nftables', 'iptables'] as const) {
  test(`the article's scenario with the openstack client, ${natBackend}`, async () => {
    await withHost(async (host) => {
      const cloud = await TestCloud.start(host, natBackend);
      const openstack = (...words: string[]) => cloud.run('openstack', words);
      const { vm1, routerId } = await buildCloud(cloud);
      const reach = (port: number) => host.probe('client', '10.11.7.4', port, { timeoutMs: 1000 });

      const created = fields(
        await openstack(
          'floating',
          'ip',
          'create',
          '--floating-ip-address',
          '10.11.7.4',
          '--tag',
          'port_forwarding_VM1',
          'ext-net',
        ),
      );
      assert.equal(created.floating_ip_address, '10.11.7.4');
      assert.equal(created.status, 'DOWN');
      const floatingIps = await openstack('floating', 'ip', 'list', '--long', '--any-tags', 'port_forwarding_VM1');
      assert.deepEqual(titles(floatingIps), [
        ...['ID', 'Floating IP Address', 'Fixed IP Address', 'Port', 'Floating Network', 'Project'],
        ...['Router', 'Status', 'Description', 'Tags', 'DNS Name', 'DNS Domain'],
      ]);
      assert.match(floatingIps, /\['port_forwarding_VM1'\]|port_forwarding_VM1/);

      const ports = JSON.parse(await openstack('port', 'list', '--server', 'VM1', '--long', '-f', 'json'));
      assert.deepEqual(Object.keys(ports[0]), [
        'ID',
        'Name',
        'MAC Address',
        'Fixed IP Addresses',
        'Status',
        'Security Groups',
        'Device Owner',
        'Tags',
      ]);
      assert.equal(ports[0]['Fixed IP Addresses'][0].ip_address, '192.168.2.79');
      assert.equal(ports[0].Status, 'ACTIVE');
      assert.equal(ports[0]['Device Owner'], 'compute:nova');
      const [group] = ports[0]['Security Groups'];
      assert.match(group, /^[0-9a-f-]{36}$/);

      const forwarding = fields(
        await openstack(
          ...[
            'floating',
            'ip',
            'port',
            'forwarding',
            'create',
            '--internal-ip-address',
            '192.168.2.79',
            '--port',
            ports[0].ID,
          ],
          ...['--protocol', 'tcp', '--internal-protocol-port', '22', '--external-protocol-port', '2222', '10.11.7.4'],
        ),
      );
      const listed = await openstack('floating', 'ip', 'port', 'forwarding', 'list', created.id as string);
      assert.deepEqual(titles(listed), [
        'ID',
        'Internal Port ID',
        'Internal IP Address',
        'Internal Port',
        'External Port',
        'Protocol',
        'Description',
      ]);
      assert.ok(listed.includes(forwarding.id as string));
      await eventually(
        async () => fields(await cloud.run('portward', ['floating', 'ip', 'show', '10.11.7.4'])).status === 'ACTIVE',
        { what: 'the floating IP active' },
      );

      assert.equal((await reach(2222)).outcome, 'timeout', 'nothing passes before the security group rule');
      const rule = fields(
        await openstack(
          'security',
          'group',
          'rule',
          'create',
          '--ingress',
          '--protocol',
          'tcp',
          '--dst-port',
          '22',
          group,
        ),
      );
      assert.deepEqual([rule.direction, rule.port_range_min, rule.protocol], ['ingress', '22', 'tcp']);
      await eventually(async () => (await reach(2222)).outcome === 'connected', { what: '2222 to reach VM1' });
      assert.match((await reach(2222)).data, /^SSH-2\.0-dropbear/);
      assert.equal((await reach(22)).outcome, 'refused');

      const routers = JSON.parse(await openstack('router', 'list', '--name', 'Router', '--long', '-f', 'json'));
      assert.deepEqual(Object.keys(routers[0]), [
        ...['ID', 'Name', 'Status', 'State', 'Project', 'Distributed', 'HA', 'Routes'],
        ...['External gateway info', 'Availability zones', 'Tags'],
      ]);
      assert.deepEqual([routers[0].Distributed, routers[0].HA, routers[0].Status], [true, true, 'ACTIVE']);
      assert.equal(routers[0]['External gateway info'].external_fixed_ips[0].ip_address, '10.11.7.3');
      await checkUnderTheHood(host, natBackend, routerId, forwarding.id as string);

      // A second service of the same VM on the same address, which tells its peer whom it sees.
      const ours = (...words: string[]) => cloud.run('portward', words);
      await host.serve(vm1.namespace, '192.168.2.79', [8080]);
      const toVm1 = ['--internal-ip-address', '192.168.2.79', '--port', ports[0].ID, '--protocol', 'tcp'];
      await ours(
        ...['floating', 'ip', 'port', 'forwarding', 'create', ...toVm1],
        ...['--internal-protocol-port', '8080', '--external-protocol-port', '8080', '10.11.7.4'],
      );
      await ours('security', 'group', 'rule', 'create', '--ingress', '--protocol', 'tcp', '--dst-port', '8080', group);
      await eventually(async () => (await reach(8080)).outcome === 'connected', { what: '8080 to reach VM1' });
      const connection = host.connect('client', '10.11.7.4', 8080);
      const seenByVm1 = '192.168.2.79:8080 sees 10.11.7.200';
      assert.equal(await connection.read(), seenByVm1, 'VM1 sees the client’s own address');
      const ask = (text: string): Promise<string> => {
        connection.write(text);
        return connection.read(1000);
      };

      // kill -9 of the agent in mid-scenario: the connection stays, and the restarted agent finds all in order.
      await cloud.kill('agent');
      assert.equal((await reach(2222)).outcome, 'connected', 'forwarding goes on without the agent');
      await cloud.startAgent();
      assert.equal((await reach(2222)).outcome, 'connected');
      assert.equal(await ask('after the agent'), `${seenByVm1} after the agent`, 'the established connection goes on');
      // kill -9 of the controller: the data plane goes on; restarted, it knows everything.
      await cloud.kill('controller');
      assert.equal((await reach(2222)).outcome, 'connected', 'forwarding goes on without the controller');
      await cloud.startController();
      assert.equal(await ask('after the controller'), `${seenByVm1} after the controller`);
      assert.ok(
        (await openstack('floating', 'ip', 'port', 'forwarding', 'list', created.id as string)).includes(
          forwarding.id as string,
        ),
      );

      // The floating IP goes, and with it the forwarding, the kernel's rules and the connections.
      await openstack('floating', 'ip', 'delete', '10.11.7.4');
      await eventually(async () => (await reach(2222)).outcome !== 'connected', { what: 'access to be cut' });
      // What is asked before the connection is cut may still be answered.
      await eventually(
        () =>
          ask('still there?').then(
            () => false,
            () => true,
          ),
        { what: 'the established connection to be cut', timeoutMs: 15_000 },
      );
      connection.close();

      // The VM's port goes, and the forwardings to it.
      await ours('floating', 'ip', 'create', '--floating-ip-address', '10.11.7.4', 'ext-net');
      await ours(
        ...['floating', 'ip', 'port', 'forwarding', 'create', ...toVm1],
        ...['--internal-protocol-port', '22', '--external-protocol-port', '2222', '10.11.7.4'],
      );
      await eventually(async () => (await reach(2222)).outcome === 'connected', { what: '2222 to reach VM1 again' });
      await openstack('port', 'delete', ports[0].ID);
      assert.deepEqual(await cloud.json('floating', 'ip', 'port', 'forwarding', 'list', '10.11.7.4'), []);
      await eventually(async () => (await reach(2222)).outcome !== 'connected', { what: 'access to be cut' });

      await cloud.kill('agent');
      await cloud.cleanUpHost();
      assert.deepEqual(await leftOn(host), [], 'nothing is left behind');
    });
  });
}

/** What of ours is on the host: namespaces, devices, tables, processes, files; the test's own client is not. */
async function leftOn(host: TestHost): Promise<string[]> {
  const links: { ifname: string }[] = JSON.parse(await host.run(['ip', '-j', 'link']));
  const namespaces = (await host.run(['ls', '/run/netns'])).split('\n');
  const processes = (await host.run(['ps', '-eo', 'args'])).split('\n');
  return [
    ...namespaces.filter((name) => name !== '' && name !== 'client'),
    ...links.map(({ ifname }) => ifname).filter((name) => !['lo', 'br-ex', 'c-client'].includes(name)),
    ...(await host.run(['nft', 'list', 'tables'])).split('\n').filter((line) => line.includes('portward')),
    ...processes.filter((line) => /dnsmasq|dropbear|udhcpc/.test(line)),
    ...(await host.run(['sh', '-c', 'ls -d /run/portward* 2>/dev/null || true']))
      .split('\n')
      .filter((line) => line !== ''),
  ];
}

async function checkUnderTheHood(
  host: TestHost,
  natBackend: string,
  routerId: string,
  forwardingId: string,
): Promise<void> {
  const namespace = `snat-${routerId}`;
  if (natBackend === 'nftables') {
    const map = await host.run(['nft', 'list', 'map', 'ip', 'portward', 'forwardings'], { namespace });
    assert.match(map, /10\.11\.7\.4 \. tcp \. 2222 : 192\.168\.2\.79 \. 22/);
    return;
  }
  const id8 = forwardingId.slice(0, 8);
  const rules = await host.run(['iptables', '-S', '-t', 'nat'], { namespace });
  assert.deepEqual(
    rules.split('\n').filter((line) => line.includes(id8) || line.includes('agent-fip')),
    [
      '-N neutron-l3-agent-fip-pf',
      `-N neutron-l3-agent-pf-${id8}`,
      '-A neutron-l3-agent-PREROUTING -j neutron-l3-agent-fip-pf',
      `-A neutron-l3-agent-fip-pf -j neutron-l3-agent-pf-${id8}`,
      `-A neutron-l3-agent-pf-${id8} -d 10.11.7.4/32 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 192.168.2.79:22`,
    ],
  );
}
