import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { addMachineHost } from './compute-fixture.ts';
import { recordServerStatus } from './server-status.ts';
import { serverFeedObjects } from './servers.ts';
import { assertRefused, IMAGE, openTenants } from './tenant-fixture.ts';

const { fixture, admin, member, other, api, post, make, show, changesOf, reset } = await openTenants();
after(() => fixture.close());
let network = '';
beforeEach(async () => {
  network = await reset();
});

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
      image: { id: IMAGE, links: [{ rel: 'bookmark', href: `http://cloud.example:9696/compute/images/${IMAGE}` }] },
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
    assertRefused(await post({ networks: [{ port }] }), 409, 'conflictingRequest', /in use/);
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
    assertRefused(await post({}), 409, 'conflictingRequest', /^Multiple possible networks found/);
    fixture.networking.networks.length = 0;
    assert.deepEqual((await show(await make())).addresses, {});
    assertRefused(await post({ networks: 'auto' }, { version: '2.37' }), 400, 'badRequest', /Unable to automatically/);
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
    assertRefused(await post({ availability_zone: 'nova:b' }), 403, 'forbidden', /forced_host/);
    assertRefused(await post({ availability_zone: 'nova:x' }, { token: admin }), 400, 'badRequest', /Compute host x/);
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
      assertRefused(answer, status, status === 409 ? 'conflictingRequest' : 'badRequest', text);
    }
    assertRefused(await api('POST', 'servers', {}), 400, 'badRequest', /'server' is a required property/);
    assert.deepEqual((await api('GET', 'servers')).body.servers, []);
  });

  test('needs a role that may write, and a project', async () => {
    const reader = await fixture.cloud.member('reader-only', 'reader');
    assertRefused(
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
