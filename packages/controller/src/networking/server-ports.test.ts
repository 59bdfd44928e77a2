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
