import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseConfig } from '@portward/model/config.ts';
import type { Caller } from '../caller.ts';
import { TestApi } from '../http/test-api.ts';
import { ServerPorts } from './server-ports.ts';

const BOB: Caller = { userId: 'u-bob', projectId: 'p-bob', roles: ['member', 'reader'], isAdmin: false };

let api: TestApi;
const ports = new ServerPorts(parseConfig({}).networking);

before(async () => {
  api = await TestApi.start();
});
after(() => api.stop());

const share = (type: string, id: string) =>
  api.create('admin', '/rbac-policies', 'rbac_policy', {
    object_type: type,
    object_id: id,
    action: 'access_as_shared',
    target_tenant: 'p-bob',
  });

test('a server’s networks are its project’s own and those shared with it', async () => {
  const offered = async () => (await api.store.read((db) => ports.networksFor(db, BOB))).map(({ name }) => name);
  await api.create('admin', '/networks', 'network', { name: 'external', 'router:external': true });
  const lent = await api.create('alice', '/networks', 'network', { name: 'lent' });
  assert.deepEqual(await offered(), []);
  const policy = await share('network', lent.id);
  assert.deepEqual(await offered(), ['lent']);
  await api.create('bob', '/networks', 'network', { name: 'own' });
  assert.deepEqual((await offered()).sort(), ['lent', 'own']);
  await api.send('admin', 'DELETE', `/rbac-policies/${policy.id}`);
  assert.deepEqual(await offered(), ['own']);
});

test('a server’s port carries a group that is shared with the project, by its id', async () => {
  const network = await api.create('bob', '/networks', 'network', {});
  await api.create('bob', '/subnets', 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' });
  const group = await api.create('alice', '/security-groups', 'security_group', { name: 'common' });
  const make = (wanted: string) =>
    api.store.write((tx) =>
      ports.createPort(tx, BOB, {
        projectId: 'p-bob',
        networkId: network.id,
        serverId: 'server',
        host: 'host',
        securityGroups: [wanted],
      }),
    );
  const refused = { status: 404, type: 'SecurityGroupNotFound' };
  await assert.rejects(make(group.id), refused);
  await share('security_group', group.id);
  const id = await make(group.id);
  assert.deepEqual((await api.expect('bob', 'GET', `/ports/${id}`)).security_groups, [group.id]);
  await assert.rejects(make('common'), refused, 'a name means one of the project’s own');
});

test('a server’s ports are listed in the order in which it was given them', async () => {
  const network = await api.create('bob', '/networks', 'network', {});
  await api.create('bob', '/subnets', 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.1.0.0/24' });
  const ready = await api.create('bob', '/ports', 'port', {
    network_id: network.id,
    fixed_ips: [{ ip_address: '10.1.0.99' }],
  });
  const serverId = 'server-of-many';
  await api.store.write((tx) => tx.db.insertInto('servers').values(serverRow(serverId)).execute());
  const give = (address: string) =>
    api.store.write((tx) =>
      ports.createPort(tx, BOB, {
        projectId: 'p-bob',
        networkId: network.id,
        serverId,
        host: 'host',
        fixedIp: address,
        securityGroups: [],
      }),
    );
  // All within a second, so that the time of creation says nothing.
  const given = ['10.1.0.50', '10.1.0.20', '10.1.0.80', '10.1.0.10', '10.1.0.70', '10.1.0.30'];
  for (const address of given) await give(address);
  await api.store.write((tx) => ports.bindPort(tx, BOB, { portId: ready.id, serverId, host: 'host' }));
  const listed = async () => {
    const found = await api.store.read((db) => ports.portsOf(db, [serverId]));
    return (found.get(serverId) ?? []).map(({ fixed_ips }) => fixed_ips[0]?.ip_address);
  };
  assert.deepEqual(await listed(), [...given, '10.1.0.99']);
  await api.store.write((tx) => ports.unbindPort(tx, ready.id));
  await give('10.1.0.60');
  await api.store.write((tx) => ports.bindPort(tx, BOB, { portId: ready.id, serverId, host: 'host' }));
  assert.deepEqual(await listed(), [...given, '10.1.0.60', '10.1.0.99']);
});

/** A server of Bob's, as the store keeps it. */
function serverRow(id: string) {
  return {
    id,
    name: 'many',
    project_id: 'p-bob',
    user_id: 'u-bob',
    host: 'host',
    running: true,
    status: 'ACTIVE',
    flavor_id: '1',
    image_id: null,
    key_name: null,
    public_key: null,
    user_data: null,
    metadata: {},
    availability_zone: 'nova',
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    description: null,
    locked: false,
    own_port_ids: [],
  };
}
