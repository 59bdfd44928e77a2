import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestCloud } from './test-cloud.ts';
import { eventually, withHost } from './test-host.ts';

/** Each command is followed by one look, without a second try: what `--wait` says is true when it says so. */
test('what was waited for is there at once, or gone', { timeout: 120_000 }, async () => {
  await withHost(async (host) => {
    const cloud = await TestCloud.start(host, 'nftables');
    const portward = (...words: string[]) => cloud.run('portward', words);
    await host.addClient('br-ex', 'client', '10.11.7.100/24');
    await portward(
      ...['network', 'create', '--external', '--provider-network-type', 'flat'],
      ...['--provider-physical-network', 'public', 'ext-net'],
    );
    await portward('subnet', 'create', '--network', 'ext-net', '--subnet-range', '10.11.7.0/24', '--no-dhcp', 'ext');
    await portward('network', 'create', 'private');
    await portward('subnet', 'create', '--network', 'private', '--subnet-range', '192.168.2.0/24', 'private');
    await portward('router', 'create', '--external-gateway', 'ext-net', 'r');
    await portward('router', 'add', 'subnet', '--wait', 'r', 'private');
    const port = await cloud.json(
      'port',
      'create',
      '--network',
      'private',
      '--fixed-ip',
      'ip-address=192.168.2.79',
      'p',
    );
    await portward('server', 'create', '--image', 'namespace', '--flavor', 'm1.tiny', '--port', 'p', '--wait', 'vm');
    const { id: machine } = await cloud.json('server', 'show', 'vm');
    const namespace = `machine-${machine}`;
    await eventually(
      async () =>
        (await host.run(['ip', '-4', '-o', 'addr', 'show', 'dev', 'eth0'], { namespace })).includes('192.168.2.79/'),
      { what: 'the VM’s address', timeoutMs: 30_000 },
    );
    await host.serve(namespace, '192.168.2.79', [8080]);
    const group = port.security_group_ids[0];
    const rule = ['security', 'group', 'rule', 'create', '--protocol', 'tcp', '--dst-port', '8080', '--wait', group];
    const { id: ruleId } = await cloud.json(...rule);
    const { floating_ip_address: address } = await cloud.json('floating', 'ip', 'create', 'ext-net');
    const forwarding = (protocol: string, external: string) => [
      ...['floating', 'ip', 'port', 'forwarding', 'create', '--internal-ip-address', '192.168.2.79', '--port', 'p'],
      ...['--internal-protocol-port', '8080', '--external-protocol-port', external, '--protocol', protocol, '--wait'],
      address,
    ];
    const look = async (external: number) =>
      (await host.probe('client', address, external, { timeoutMs: 1500 })).outcome;
    const { id: first } = await cloud.json(...forwarding('tcp', '2222'));
    assert.equal(await look(2222), 'connected');
    const paths = ['floating', 'ip', 'port', 'forwarding'];
    await portward(...paths, 'set', '--external-protocol-port', '2223', '--wait', address, first);
    assert.deepEqual([await look(2222), await look(2223)], ['refused', 'connected']);

    await portward('security', 'group', 'rule', 'delete', '--wait', ruleId);
    assert.equal(await look(2223), 'timeout');
    await cloud.json(...rule);
    assert.equal(await look(2223), 'connected');

    await portward('router', 'set', '--disable', '--wait', 'r');
    assert.notEqual(await look(2223), 'connected');
    await portward('router', 'set', '--enable', '--wait', 'r');
    assert.equal(await look(2223), 'connected');
    assert.equal((await cloud.json('floating', 'ip', 'show', address)).status, 'ACTIVE');

    // The API takes it as Neutron does; no host can carry it out, and says why.
    await assert.rejects(
      portward(...forwarding('icmp', '1')),
      /could not be carried out on testhost: .*icmp.*not translatable/,
    );
    await portward(...paths, 'delete', '--wait', address, first);
    assert.equal(await look(2223), 'refused');
  });
});
