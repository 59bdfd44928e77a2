import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Answer } from '../identity/cloud-fixture.ts';
import { addMachineHost, type ComputeFixture, type ComputeRequest, openComputeFixture } from './compute-fixture.ts';
import { IMAGES } from './images.ts';
import { recordServerStatus } from './server-status.ts';
import { serverFeedObjects } from './servers.ts';

let fixture: ComputeFixture;
let admin: string;
let member: { token: string; userId: string; projectId: string };
let other: { token: string; projectId: string };
let network: string;
const image = IMAGES[0]?.id ?? '';

before(async () => {
  fixture = await openComputeFixture();
  admin = await fixture.cloud.adminToken();
  member = await fixture.cloud.member('tenant');
  other = await fixture.cloud.member('neighbour');
});
after(() => fixture.close());
beforeEach(async () => {
  fixture.networking.networks.length = 0;
  fixture.networking.ports.clear();
  network = fixture.networking.addNetwork(member.projectId, 'private');
  await fixture.cloud.store.write(async ({ db }) => {
    await db.deleteFrom('servers').execute();
    await db.deleteFrom('agents').execute();
  });
});

type Method = Parameters<ComputeFixture['compute']>[0];
const api = (method: Method, path: string, body?: unknown, options: ComputeRequest = {}): Promise<Answer> =>
  fixture.compute(method, path, { token: member.token, body, ...options });
const post = (server: Record<string, unknown>, options: ComputeRequest = {}): Promise<Answer> =>
  api('POST', 'servers', { server: { name: 'vm', flavorRef: '1', imageRef: image, ...server } }, options);
const make = async (server: Record<string, unknown> = {}, options: ComputeRequest = {}): Promise<string> => {
  const answer = await post(server, options);
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
  return answer.body.server.id;
};
const show = async (id: string, options: ComputeRequest = {}) =>
  (await api('GET', `servers/${id}`, undefined, options)).body.server;
const act = (id: string, body: unknown, options: ComputeRequest = {}) =>
  api('POST', `servers/${id}/action`, body, options);
const refused = (answer: Answer, status: number, key: string, text: RegExp): void => {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.equal(answer.body[key].code, status);
  assert.match(answer.body[key].message, text);
};
const changesOf = (id: string) =>
  fixture.cloud.store.read((db) =>
    db
      .selectFrom('changes')
      .select('object')
      .where('kind', '=', 'server')
      .where('id', '=', id)
      .orderBy('seq')
      .execute(),
  );

describe('creating', () => {
  test('on a port that was made before', async () => {
    const port = fixture.networking.addPort(member.projectId, network, {
      fixed_ips: [{ subnet_id: 's', ip_address: '192.168.2.79' }],
      floating_ips: [{ fixed_ip_address: '192.168.2.79', floating_ip_address: '10.11.7.9' }],
    });
    const answer = await post({ name: 'VM1', networks: [{ port }], metadata: { a: 'b' } });
    assert.equal(answer.status, 202);
    const { server } = answer.body;
    assert.deepEqual(Object.keys(server).sort(), ['OS-DCF:diskConfig', 'adminPass', 'id', 'links', 'security_groups']);
    assert.equal(answer.headers.location, `http://cloud.example:9696/compute/v2.1/servers/${server.id}`);
    const mac = 'fa:16:3e:00:00:01';
    assert.deepEqual(await show(server.id), {
      id: server.id,
      name: 'VM1',
      status: 'ACTIVE',
      tenant_id: member.projectId,
      user_id: member.userId,
      metadata: { a: 'b' },
      hostId: '',
      image: { id: image, links: [{ rel: 'bookmark', href: `http://cloud.example:9696/compute/images/${image}` }] },
      flavor: { id: '1', links: [{ rel: 'bookmark', href: 'http://cloud.example:9696/compute/flavors/1' }] },
      created: (await show(server.id)).created,
      updated: (await show(server.id)).updated,
      addresses: {
        private: [
          { version: 4, addr: '192.168.2.79', 'OS-EXT-IPS:type': 'fixed', 'OS-EXT-IPS-MAC:mac_addr': mac },
          { version: 4, addr: '10.11.7.9', 'OS-EXT-IPS:type': 'floating', 'OS-EXT-IPS-MAC:mac_addr': mac },
        ],
      },
      accessIPv4: '',
      accessIPv6: '',
      links: [
        { rel: 'self', href: `http://cloud.example:9696/compute/v2.1/servers/${server.id}` },
        { rel: 'bookmark', href: `http://cloud.example:9696/compute/servers/${server.id}` },
      ],
      'OS-DCF:diskConfig': 'MANUAL',
      progress: 100,
      'OS-EXT-AZ:availability_zone': 'nova',
      config_drive: '',
      key_name: null,
      'OS-SRV-USG:launched_at': (await show(server.id)).created.replace('Z', '.000000'),
      'OS-SRV-USG:terminated_at': null,
      security_groups: [{ name: 'default' }],
      'OS-EXT-STS:task_state': null,
      'OS-EXT-STS:vm_state': 'active',
      'OS-EXT-STS:power_state': 1,
      'os-extended-volumes:volumes_attached': [],
    });
    const stored = await fixture.cloud.store.read((db) => serverFeedObjects(db, [server.id, 'nope']));
    const change = (await changesOf(server.id))[0]?.object;
    assert.deepEqual(change, { ...stored.get(server.id) });
    assert.deepEqual(
      [stored.size, change?.name, change?.running, change?.host, change?.public_key],
      [1, 'VM1', true, '', null],
    );
    refused(await post({ networks: [{ port }] }), 409, 'conflictingRequest', /in use/);
    assert.equal((await api('DELETE', `servers/${server.id}`)).status, 204);
    assert.equal(fixture.networking.ports.get(port)?.server, '');
    assert.equal((await changesOf(server.id)).at(-1)?.object, null);
  });

  test('on networks, with groups, an address, a key and user data', async () => {
    await api('POST', 'os-keypairs', { keypair: { name: 'k' } });
    const id = await make({
      networks: [{ uuid: network, fixed_ip: '10.0.0.50' }, { uuid: network }],
      security_groups: [{ name: 'web' }, { name: 'web' }],
      key_name: 'k',
      user_data: Buffer.from('#!/bin/sh').toString('base64'),
      flavorRef: 2,
      availability_zone: 'nova',
    });
    const server = await show(id);
    assert.deepEqual(server.addresses.private.map((one: { addr: string }) => one.addr)[0], '10.0.0.50');
    assert.equal(server.addresses.private.length, 2);
    assert.deepEqual(server.security_groups, [{ name: 'web' }]);
    assert.equal(server.key_name, 'k');
    assert.equal(server.flavor.id, '2');
    const feed = await fixture.cloud.store.read((db) => serverFeedObjects(db, [id]));
    assert.match(feed.get(id)?.public_key ?? '', /^ssh-ed25519 /);
    assert.equal((await api('DELETE', `servers/${id}`)).status, 204);
    assert.equal(fixture.networking.ports.size, 0);
  });

  test('on the only network, when none is named', async () => {
    assert.deepEqual(Object.keys((await show(await make())).addresses), ['private']);
    assert.deepEqual(Object.keys((await show(await make({ networks: [] }))).addresses), ['private']);
    assert.deepEqual(Object.keys((await show(await make({ networks: 'auto' }, { version: '2.37' }))).addresses), [
      'private',
    ]);
    assert.deepEqual((await show(await make({ networks: 'none' }, { version: '2.37' }))).addresses, {});
    fixture.networking.addNetwork(member.projectId, 'second');
    refused(await post({}), 409, 'conflictingRequest', /^Multiple possible networks found/);
    fixture.networking.networks.length = 0;
    assert.deepEqual((await show(await make())).addresses, {});
    refused(await post({ networks: 'auto' }, { version: '2.37' }), 400, 'badRequest', /Unable to automatically/);
  });

  test('several at once, all or none', async () => {
    const id = await make({ min_count: 1, max_count: '3', networks: [{ uuid: network }] });
    const { body } = await api('GET', 'servers');
    assert.deepEqual(body.servers.map((one: { name: string }) => one.name).sort(), ['vm-1', 'vm-2', 'vm-3']);
    assert.equal((await show(id)).name, 'vm-1');
    const reservation = await post({ min_count: 2, return_reservation_id: true });
    assert.match(reservation.body.reservation_id, /^r-/);
  });

  test('at the host with the fewest servers, which says when it runs', async () => {
    await addMachineHost(fixture, 'old', new Date(fixture.cloud.identity.now().getTime() - 100_000));
    await addMachineHost(fixture, 'none', undefined, false);
    assert.equal((await show(await make())).status, 'ACTIVE');
    await addMachineHost(fixture, 'b');
    await addMachineHost(fixture, 'a');
    const ids = [await make(), await make(), await make()];
    const servers = await Promise.all(ids.map((id) => show(id, { token: admin })));
    assert.deepEqual(
      servers.map((server) => server['OS-EXT-SRV-ATTR:host']),
      ['a', 'b', 'a'],
    );
    assert.deepEqual(
      servers.map((server) => server.status),
      ['BUILD', 'BUILD', 'BUILD'],
    );
    const [id = ''] = ids;
    assert.equal((await show(id))['OS-EXT-SRV-ATTR:host'], undefined);
    assert.match((await show(id)).hostId, /^[0-9a-f]{56}$/);
    const report = (host: string, status: 'ACTIVE' | 'ERROR') =>
      fixture.cloud.store.write((tx) => recordServerStatus(tx, { id, host, status }));
    assert.equal(await report('b', 'ACTIVE'), false);
    assert.equal((await show(id)).status, 'BUILD', 'not the host’s to say');
    assert.equal(await report('a', 'ACTIVE'), true);
    assert.deepEqual([(await show(id)).status, (await changesOf(id)).length], ['ACTIVE', 1]);
    const forced = await make({ availability_zone: 'nova:b', networks: 'none' }, { token: admin, version: '2.37' });
    assert.equal((await show(forced, { token: admin }))['OS-EXT-SRV-ATTR:host'], 'b');
    refused(await post({ availability_zone: 'nova:b' }), 403, 'forbidden', /forced_host/);
    refused(await post({ availability_zone: 'nova:x' }, { token: admin }), 400, 'badRequest', /Compute host x/);
  });

  test('refuses what makes no sense, and leaves nothing behind', async () => {
    const port = fixture.networking.addPort(member.projectId, network);
    const foreign = fixture.networking.addPort(other.projectId, network);
    const cases: [Record<string, unknown>, number, RegExp, string?][] = [
      [{ name: undefined }, 400, /'name' is a required property/],
      [{ name: '' }, 400, /name/],
      [{ name: ' vm' }, 400, /name/],
      [{ name: 'x\ny' }, 400, /name/],
      [{ name: 'x'.repeat(256) }, 400, /name/],
      [{ flavorRef: undefined }, 400, /flavorRef/],
      [{ flavorRef: '99' }, 400, /Flavor 99 could not be found/],
      [{ imageRef: undefined }, 400, /Invalid imageRef provided/],
      [{ imageRef: '' }, 400, /Invalid imageRef provided/],
      [{ imageRef: 'nope' }, 400, /Can not find requested image/],
      [{ key_name: 'nope' }, 400, /Invalid key_name provided/],
      [{ user_data: 'not base64!' }, 400, /user_data/],
      [{ user_data: 'A'.repeat(70_000) }, 400, /user_data/],
      [{ metadata: { a: 1 } }, 400, /metadata/],
      [{ metadata: { a: 'x'.repeat(256) } }, 400, /metadata/],
      [{ availability_zone: 'mars' }, 400, /availability zone is not available/],
      [{ networks: 'auto' }, 400, /needs 2.37/],
      [{ networks: 'some' }, 400, /networks/],
      [{ networks: [{}] }, 400, /network uuid/],
      [{ networks: [{ uuid: 'nope' }] }, 400, /Network nope could not be found/],
      [{ networks: [{ port: 'nope' }] }, 400, /Port nope could not be found/],
      [{ networks: [{ port: foreign }] }, 400, /could not be found/],
      [{ networks: [{ port }, { port }] }, 400, /twice/],
      [{ networks: [{ port, fixed_ip: '10.0.0.9' }] }, 400, /cannot be specified together/],
      [{ networks: [{ uuid: network, fixed_ip: 'x' }] }, 400, /networks/],
      [{ networks: [{ uuid: network, fixed_ip: '10.0.0.1' }] }, 409, /already allocated/],
      [{ security_groups: [{ name: 'nope' }] }, 400, /nope/],
      [{ min_count: 0 }, 400, /min_count/],
      [{ max_count: 101 }, 400, /max_count/],
      [{ min_count: 3, max_count: 2 }, 400, /min_count must be <= max_count/],
      [{ max_count: 2, networks: [{ port }] }, 400, /single configured port/],
      [{ max_count: 2, networks: [{ uuid: network, fixed_ip: '10.0.0.9' }] }, 400, /fixed IP/],
      [{ networks: undefined }, 400, /'networks' is a required property/, '2.37'],
    ];
    for (const [server, status, text, version] of cases) {
      const answer = await post(server, version === undefined ? {} : { version });
      refused(answer, status, status === 409 ? 'conflictingRequest' : 'badRequest', text);
    }
    refused(await api('POST', 'servers', {}), 400, 'badRequest', /'server' is a required property/);
    assert.deepEqual((await api('GET', 'servers')).body.servers, []);
  });

  test('needs a role that may write, and a project', async () => {
    const reader = await fixture.cloud.member('reader-only', 'reader');
    refused(
      await post({}, { token: reader.token }),
      403,
      'forbidden',
      /Policy doesn't allow os_compute_api:servers:create/,
    );
    const anonymous = await fixture.compute('POST', 'servers', { body: {} });
    assert.equal(anonymous.status, 401);
    assert.equal(anonymous.body.error.code, 401);
    assert.match(String(anonymous.headers['www-authenticate']), /^Keystone uri=/);
  });
});

describe('listing', () => {
  const names = async (query: string, options: ComputeRequest = {}): Promise<string[]> => {
    const answer = await api('GET', `servers?${query}`, undefined, options);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body.servers.map((one: { name: string }) => one.name);
  };

  test('filters', async () => {
    const web1 = await make({ name: 'web-1', metadata: {}, networks: [{ uuid: network, fixed_ip: '10.0.0.11' }] });
    await make(
      { name: 'web-2', flavorRef: '3', tags: ['red', 'big'], networks: [{ uuid: network, fixed_ip: '10.0.0.12' }] },
      { version: '2.52' },
    );
    await make(
      { name: 'db-1', tags: ['red'], networks: [{ uuid: network, fixed_ip: 'fd00::1' }] },
      { version: '2.52' },
    );
    await act(web1, { 'os-stop': null });
    await make({ name: 'theirs' }, { token: other.token });
    const sorted = async (query: string, options: ComputeRequest = {}) => (await names(query, options)).sort();
    assert.deepEqual(await sorted('name=web'), ['web-1', 'web-2']);
    assert.deepEqual(await sorted('name=%5Eweb-1%24'), ['web-1']);
    assert.deepEqual(await sorted('name=1%24&deleted=False'), ['db-1', 'web-1']);
    assert.deepEqual(await sorted('name=nope'), []);
    assert.deepEqual(await sorted('status=SHUTOFF'), ['web-1']);
    assert.deepEqual(await sorted('status=active'), ['db-1', 'web-2']);
    assert.deepEqual(await sorted('status=nonsense'), []);
    assert.deepEqual(await sorted('vm_state=stopped'), ['web-1']);
    assert.deepEqual(await sorted('flavor=3'), ['web-2']);
    assert.deepEqual(await sorted(`image=${image}&name=db`), ['db-1']);
    assert.deepEqual(await sorted(`uuid=${web1}`), ['web-1']);
    assert.deepEqual(await sorted('ip=10.0.0.1'), ['web-1', 'web-2']);
    assert.deepEqual(await sorted('ip=10.0.0.11'), ['web-1']);
    assert.deepEqual(await sorted('ip6=fd00'), ['db-1']);
    assert.deepEqual(await sorted('tags=red,big'), ['web-2']);
    assert.deepEqual(await sorted('tags-any=big,nope'), ['web-2']);
    assert.deepEqual(await sorted('not-tags=red,big'), ['db-1', 'web-1']);
    assert.deepEqual(await sorted('not-tags-any=red'), ['web-1']);
    assert.deepEqual(await sorted('changes-since=2020-01-01T00:00:00Z'), ['db-1', 'web-1', 'web-2']);
    assert.deepEqual(await sorted('changes-before=2020-01-01T00:00:00Z'), []);
    assert.deepEqual(await sorted('unknown=x'), ['db-1', 'web-1', 'web-2']);
    assert.deepEqual(await sorted('host=x'), ['db-1', 'web-1', 'web-2'], 'only admins go by host');
    assert.deepEqual(await names('sort_key=display_name&sort_dir=asc'), ['db-1', 'web-1', 'web-2']);
    assert.deepEqual(await names('sort_key=display_name&sort_dir=desc'), ['web-2', 'web-1', 'db-1']);
    assert.deepEqual(await sorted('', { token: admin }), []);
    assert.deepEqual(await sorted('all_tenants=True', { token: admin }), ['db-1', 'theirs', 'web-1', 'web-2']);
    assert.deepEqual(await sorted('all_tenants', { token: admin }), ['db-1', 'theirs', 'web-1', 'web-2']);
    assert.deepEqual(await sorted(`all_tenants=1&project_id=${other.projectId}`, { token: admin }), ['theirs']);
    assert.deepEqual(await sorted(`tenant_id=${other.projectId}`, { token: admin }), ['theirs']);
    assert.deepEqual(await sorted(`tenant_id=${other.projectId}`), []);
    assert.deepEqual(await sorted('all_tenants=1&deleted=True', { token: admin }), []);
    assert.deepEqual(await sorted('all_tenants=False'), ['db-1', 'web-1', 'web-2']);
    refused(await api('GET', 'servers/detail?all_tenants=True'), 403, 'forbidden', /get_all_tenants/);
    for (const query of [
      'name=(',
      'ip=*',
      'all_tenants=maybe',
      'sort_key=constructor',
      'limit=x',
      'marker=x',
      'changes-since=x',
    ]) {
      refused(await api('GET', `servers?${query}`), 400, 'badRequest', /./);
    }
  });

  test('pages', async () => {
    for (const name of ['a', 'b', 'c']) await make({ name });
    const first = await api('GET', 'servers/detail?limit=2&sort_key=display_name&sort_dir=asc');
    assert.deepEqual(
      first.body.servers.map((one: { name: string }) => one.name),
      ['a', 'b'],
    );
    const [next] = first.body.servers_links;
    assert.equal(next.rel, 'next');
    assert.match(
      next.href,
      /^http:\/\/cloud\.example:9696\/compute\/v2\.1\/servers\/detail\?limit=2&sort_key=display_name&sort_dir=asc&marker=/,
    );
    const second = await fixture.cloud.request('GET', next.href.replace('http://cloud.example:9696', ''), {
      token: member.token,
    });
    assert.deepEqual(
      second.body.servers.map((one: { name: string }) => one.name),
      ['c'],
    );
    assert.equal(second.body.servers_links, undefined);
    assert.equal((await api('GET', 'servers?limit=0')).body.servers.length, 3);
  });
});

describe('a server', () => {
  test('is not there for others, but for admins', async () => {
    const id = await make({ networks: [{ uuid: network }] });
    const paths: [Method, string, unknown?][] = [
      ['GET', `servers/${id}`],
      ['PUT', `servers/${id}`, { server: { name: 'x' } }],
      ['DELETE', `servers/${id}`],
      ['POST', `servers/${id}/action`, { 'os-stop': null }],
      ['GET', `servers/${id}/ips`],
      ['GET', `servers/${id}/os-interface`],
      ['POST', `servers/${id}/os-interface`, {}],
      ['GET', `servers/${id}/os-security-groups`],
      ['GET', `servers/${id}/os-instance-actions`],
      ['GET', `servers/${id}/metadata`],
      ['PUT', `servers/${id}/metadata`, { metadata: {} }],
      ['GET', `servers/${id}/tags`],
      ['PUT', `servers/${id}/tags`, { tags: [] }],
      ['GET', 'servers/nope'],
    ];
    for (const [method, path, body] of paths) {
      const answer = await api(method, path, body, { token: other.token });
      refused(answer, 404, 'itemNotFound', /^Instance .* could not be found\.$/);
    }
    assert.equal((await api('GET', `servers/${id}`, undefined, { token: admin })).status, 200);
    const reader = await fixture.cloud.member('reader-of-servers', 'reader');
    assert.equal((await api('GET', 'servers/detail', undefined, { token: reader.token })).status, 200);
  });

  test('is renamed', async () => {
    const id = await make();
    const answer = await api('PUT', `servers/${id}`, { server: { name: 'new', description: 'd' } });
    assert.deepEqual([answer.status, answer.body.server.name], [200, 'new']);
    assert.equal((await show(id, { version: '2.19' })).description, 'd');
    refused(await api('PUT', `servers/${id}`, { server: { name: '' } }), 400, 'badRequest', /name/);
    assert.equal((await changesOf(id)).at(-1)?.object?.name, 'new');
  });

  test('starts, stops and reboots', async () => {
    const id = await make();
    refused(
      await act(id, { 'os-start': null }),
      409,
      'conflictingRequest',
      /^Cannot 'start' instance .* vm_state active$/,
    );
    const stop = await act(id, { 'os-stop': null });
    assert.deepEqual([stop.status, stop.body], [202, undefined]);
    assert.equal((await show(id)).status, 'SHUTOFF');
    assert.equal((await show(id))['OS-EXT-STS:power_state'], 4);
    assert.equal((await changesOf(id)).at(-1)?.object?.running, false);
    refused(await act(id, { 'os-stop': null }), 409, 'conflictingRequest', /stop/);
    refused(await act(id, { reboot: { type: 'SOFT' } }), 409, 'conflictingRequest', /reboot/);
    assert.equal((await act(id, { reboot: { type: 'hard' } })).status, 202);
    assert.equal((await show(id)).status, 'ACTIVE');
    assert.equal((await act(id, { 'os-stop': null })).status, 202);
    assert.equal((await act(id, { 'os-start': null })).status, 202);
    assert.equal((await changesOf(id)).at(-1)?.object?.running, true);
    refused(await act(id, { reboot: { type: 'gentle' } }), 400, 'badRequest', /type/);
    refused(await act(id, { reboot: {} }), 400, 'badRequest', /'type' is a required property/);
  });

  test('has security groups', async () => {
    const id = await make({ networks: [{ uuid: network }] });
    assert.equal((await act(id, { addSecurityGroup: { name: 'web' } })).status, 202);
    assert.deepEqual((await show(id)).security_groups, [{ name: 'default' }, { name: 'web' }]);
    const listed = (await api('GET', `servers/${id}/os-security-groups`)).body.security_groups;
    assert.deepEqual(
      listed.map((one: { name: string }) => one.name),
      ['default', 'web'],
    );
    assert.equal((await act(id, { removeSecurityGroup: { name: 'web' } })).status, 202);
    assert.deepEqual((await show(id)).security_groups, [{ name: 'default' }]);
    refused(await act(id, { addSecurityGroup: { name: 'nope' } }), 404, 'itemNotFound', /nope/);
    refused(await act(id, { addSecurityGroup: {} }), 400, 'badRequest', /name/);
  });

  test('can be locked, and reset by admins', async () => {
    const id = await make();
    assert.equal((await act(id, { lock: null })).status, 202);
    assert.equal((await show(id, { version: '2.9' })).locked, true);
    refused(await act(id, { 'os-stop': null }), 409, 'conflictingRequest', /locked/);
    refused(await api('DELETE', `servers/${id}`), 409, 'conflictingRequest', /locked/);
    assert.equal((await act(id, { unlock: null })).status, 202);
    refused(await act(id, { 'os-resetState': { state: 'error' } }), 403, 'forbidden', /reset_state/);
    assert.equal((await act(id, { 'os-resetState': { state: 'error' } }, { token: admin })).status, 202);
    assert.equal((await show(id)).status, 'ERROR');
  });

  test('has a console that nothing was written to, and other small things', async () => {
    const id = await make();
    const console = await act(id, { 'os-getConsoleOutput': { length: 10 } });
    assert.deepEqual([console.status, console.body], [200, { output: '' }]);
    refused(await act(id, { dance: null }), 400, 'badRequest', /^There is no such action: dance$/);
    for (const body of [undefined, {}, [], { 'os-start': null, 'os-stop': null }]) {
      refused(await act(id, body), 400, 'badRequest', /one action/);
    }
    const actions = (await api('GET', `servers/${id}/os-instance-actions`)).body.instanceActions;
    assert.deepEqual([actions.length, actions[0].action, actions[0].instance_uuid], [1, 'create', id]);
    const one = await api('GET', `servers/${id}/os-instance-actions/${actions[0].request_id}`);
    assert.deepEqual(one.body.instanceAction.events, []);
    assert.equal((await api('GET', `servers/${id}/os-instance-actions/x`)).status, 404);
    assert.deepEqual((await api('GET', `servers/${id}/os-volume_attachments`)).body, { volumeAttachments: [] });
    assert.equal((await act(id, { forceDelete: null })).status, 202);
    assert.equal((await api('GET', `servers/${id}`)).status, 404);
  });

  test('gains and loses interfaces', async () => {
    const id = await make({ networks: 'none' }, { version: '2.37' });
    const path = `servers/${id}/os-interface`;
    const attach = (wanted: unknown) => api('POST', path, { interfaceAttachment: wanted });
    const port = fixture.networking.addPort(member.projectId, network);
    const given = await attach({ port_id: port });
    assert.equal(given.status, 200);
    assert.deepEqual(given.body.interfaceAttachment, {
      port_id: port,
      net_id: network,
      mac_addr: 'fa:16:3e:00:00:01',
      port_state: 'DOWN',
      fixed_ips: [{ subnet_id: 'subnet', ip_address: given.body.interfaceAttachment.fixed_ips[0].ip_address }],
    });
    const made = await attach({ net_id: network, fixed_ips: [{ ip_address: '10.0.0.77' }] });
    assert.equal(made.body.interfaceAttachment.fixed_ips[0].ip_address, '10.0.0.77');
    const own = made.body.interfaceAttachment.port_id;
    const any = (await api('POST', path, {})).body.interfaceAttachment.port_id;
    const list = (await api('GET', path)).body.interfaceAttachments;
    assert.deepEqual(
      list.map((one: { port_id: string }) => one.port_id),
      [port, own, any],
    );
    assert.equal((await api('GET', `${path}/${own}`)).body.interfaceAttachment.port_id, own);
    for (const portId of [port, own]) assert.equal((await api('DELETE', `${path}/${portId}`)).status, 202);
    assert.equal(fixture.networking.ports.get(port)?.server, '');
    assert.equal(fixture.networking.ports.has(own), false);
    refused(await api('DELETE', `${path}/${own}`), 404, 'itemNotFound', /does not have a port/);
    refused(await attach({ port_id: port, net_id: network }), 400, 'badRequest', /both/);
    refused(await attach({ port_id: port, fixed_ips: [{ ip_address: '10.0.0.9' }] }), 400, 'badRequest', /both/);
    refused(await attach({ fixed_ips: [{ ip_address: '10.0.0.9' }] }), 400, 'badRequest', /network_id/);
    refused(await attach({ port_id: 'nope' }), 404, 'itemNotFound', /Port nope/);
    refused(await attach({ port_id: any }), 409, 'conflictingRequest', /in use/);
    fixture.networking.addNetwork(member.projectId, 'second');
    refused(await attach({}), 409, 'conflictingRequest', /Multiple/);
    await api('DELETE', `servers/${id}`);
    assert.deepEqual([...fixture.networking.ports.keys()], [port]);
  });

  test('has addresses, metadata and tags of their own', async () => {
    const id = await make({ networks: [{ uuid: network, fixed_ip: '10.0.0.9' }] });
    assert.deepEqual((await api('GET', `servers/${id}/ips`)).body, {
      addresses: { private: [{ version: 4, addr: '10.0.0.9' }] },
    });
    assert.deepEqual((await api('GET', `servers/${id}/ips/private`)).body, {
      private: [{ version: 4, addr: '10.0.0.9' }],
    });
    assert.equal((await api('GET', `servers/${id}/ips/constructor`)).status, 404);

    const metadata = `servers/${id}/metadata`;
    assert.deepEqual((await api('POST', metadata, { metadata: { a: '1', b: '2' } })).body, {
      metadata: { a: '1', b: '2' },
    });
    assert.deepEqual((await api('PUT', `${metadata}/c`, { meta: { c: '3' } })).body, { meta: { c: '3' } });
    assert.deepEqual((await api('GET', `${metadata}/c`)).body, { meta: { c: '3' } });
    assert.equal((await api('DELETE', `${metadata}/a`)).status, 204);
    assert.deepEqual((await api('GET', metadata)).body, { metadata: { b: '2', c: '3' } });
    assert.deepEqual((await api('PUT', metadata, { metadata: { d: '4' } })).body, { metadata: { d: '4' } });
    assert.equal((await api('DELETE', `${metadata}/a`)).status, 404);
    assert.equal((await api('GET', `${metadata}/constructor`)).status, 404);
    refused(await api('PUT', `${metadata}/x`, { meta: { y: '1' } }), 400, 'badRequest', /mismatch/);
    const many = Object.fromEntries(Array.from({ length: 128 }, (_, index) => [`k${index}`, '']));
    refused(await api('POST', metadata, { metadata: many }), 400, 'badRequest', /exceeds 128/);
    refused(await api('POST', metadata, {}), 400, 'badRequest', /'metadata' is a required property/);

    const tags = `servers/${id}/tags`;
    assert.deepEqual((await api('PUT', tags, { tags: ['b', 'a', 'a'] })).body, { tags: ['a', 'b'] });
    const put = await api('PUT', `${tags}/c`);
    assert.deepEqual([put.status, put.headers.location], [201, `http://cloud.example:9696/compute/v2.1/${tags}/c`]);
    assert.equal((await api('PUT', `${tags}/c`)).status, 204);
    assert.equal((await api('GET', `${tags}/c`)).status, 204);
    assert.equal((await api('DELETE', `${tags}/a`)).status, 204);
    assert.equal((await api('DELETE', `${tags}/a`)).status, 404);
    assert.equal((await api('GET', `${tags}/a`)).status, 404);
    assert.deepEqual((await show(id, { version: '2.26' })).tags, ['b', 'c']);
    refused(await api('PUT', tags, { tags: ['a,b'] }), 400, 'badRequest', /tags/);
    const fifty = Array.from({ length: 50 }, (_, index) => `t${index}`);
    assert.equal((await api('PUT', tags, { tags: fifty })).status, 200);
    refused(await api('PUT', `${tags}/more`), 400, 'badRequest', /limit/);
    assert.equal((await api('DELETE', tags)).status, 204);
    assert.deepEqual((await api('GET', tags)).body, { tags: [] });
  });

  test('shows what the version knows', async () => {
    const id = await make();
    const keys = async (version: string, token = member.token) => Object.keys(await show(id, { version, token }));
    const oldest = await keys('2.1');
    assert.deepEqual(
      (await keys('2.90')).filter((key) => !oldest.includes(key)),
      ['locked', 'description', 'tags', 'trusted_image_certificates', 'server_groups', 'locked_reason'],
    );
    assert.ok((await keys('2.1', admin)).includes('OS-EXT-SRV-ATTR:hypervisor_hostname'));
    assert.ok((await keys('2.3', admin)).includes('OS-EXT-SRV-ATTR:user_data'));
    assert.deepEqual((await show(id, { version: '2.47' })).flavor, {
      original_name: 'm1.tiny',
      vcpus: 1,
      ram: 512,
      disk: 1,
      ephemeral: 0,
      swap: 0,
      extra_specs: {},
    });
    const volume = await make({ imageRef: '', block_device_mapping_v2: [{}] });
    assert.equal((await show(volume)).image, '');
  });
});
