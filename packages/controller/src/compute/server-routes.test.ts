import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { assertRefused, type Method, openTenants } from './tenant-fixture.ts';

const { fixture, admin, member, other, api, make, show, act, changesOf, reset } = await openTenants();
after(() => fixture.close());
let network = '';
beforeEach(async () => {
  network = await reset();
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
      assertRefused(answer, 404, 'itemNotFound', /^Instance .* could not be found\.$/);
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
    assertRefused(await api('PUT', `servers/${id}`, { server: { name: '' } }), 400, 'badRequest', /name/);
    assert.equal((await changesOf(id)).at(-1)?.object?.name, 'new');
  });

  test('starts, stops and reboots', async () => {
    const id = await make();
    assertRefused(
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
    assertRefused(await act(id, { 'os-stop': null }), 409, 'conflictingRequest', /stop/);
    assertRefused(await act(id, { reboot: { type: 'SOFT' } }), 409, 'conflictingRequest', /reboot/);
    assert.equal((await act(id, { reboot: { type: 'hard' } })).status, 202);
    assert.equal((await show(id)).status, 'ACTIVE');
    assert.equal((await act(id, { 'os-stop': null })).status, 202);
    assert.equal((await act(id, { 'os-start': null })).status, 202);
    assert.equal((await changesOf(id)).at(-1)?.object?.running, true);
    assertRefused(await act(id, { reboot: { type: 'gentle' } }), 400, 'badRequest', /type/);
    assertRefused(await act(id, { reboot: {} }), 400, 'badRequest', /'type' is a required property/);
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
    assertRefused(await act(id, { addSecurityGroup: { name: 'nope' } }), 404, 'itemNotFound', /nope/);
    assertRefused(await act(id, { addSecurityGroup: {} }), 400, 'badRequest', /name/);
  });

  test('can be locked, and reset by admins', async () => {
    const id = await make();
    assert.equal((await act(id, { lock: null })).status, 202);
    assert.equal((await show(id, { version: '2.9' })).locked, true);
    assertRefused(await act(id, { 'os-stop': null }), 409, 'conflictingRequest', /locked/);
    assertRefused(await api('DELETE', `servers/${id}`), 409, 'conflictingRequest', /locked/);
    assert.equal((await act(id, { unlock: null })).status, 202);
    assertRefused(await act(id, { 'os-resetState': { state: 'error' } }), 403, 'forbidden', /reset_state/);
    assert.equal((await act(id, { 'os-resetState': { state: 'error' } }, { token: admin })).status, 202);
    assert.equal((await show(id)).status, 'ERROR');
  });

  test('has a console that nothing was written to, and other small things', async () => {
    const id = await make();
    const console = await act(id, { 'os-getConsoleOutput': { length: 10 } });
    assert.deepEqual([console.status, console.body], [200, { output: '' }]);
    assertRefused(await act(id, { dance: null }), 400, 'badRequest', /^There is no such action: dance$/);
    for (const body of [undefined, {}, [], { 'os-start': null, 'os-stop': null }]) {
      assertRefused(await act(id, body), 400, 'badRequest', /one action/);
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
    assertRefused(await api('DELETE', `${path}/${own}`), 404, 'itemNotFound', /does not have a port/);
    assertRefused(await attach({ port_id: port, net_id: network }), 400, 'badRequest', /both/);
    assertRefused(await attach({ port_id: port, fixed_ips: [{ ip_address: '10.0.0.9' }] }), 400, 'badRequest', /both/);
    assertRefused(await attach({ fixed_ips: [{ ip_address: '10.0.0.9' }] }), 400, 'badRequest', /network_id/);
    assertRefused(await attach({ port_id: 'nope' }), 404, 'itemNotFound', /Port nope/);
    assertRefused(await attach({ port_id: any }), 409, 'conflictingRequest', /in use/);
    fixture.networking.addNetwork(member.projectId, 'second');
    assertRefused(await attach({}), 409, 'conflictingRequest', /Multiple/);
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
    assertRefused(await api('PUT', `${metadata}/x`, { meta: { y: '1' } }), 400, 'badRequest', /mismatch/);
    const many = Object.fromEntries(Array.from({ length: 128 }, (_, index) => [`k${index}`, '']));
    assertRefused(await api('POST', metadata, { metadata: many }), 400, 'badRequest', /exceeds 128/);
    assertRefused(await api('POST', metadata, {}), 400, 'badRequest', /'metadata' is a required property/);

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
    assertRefused(await api('PUT', tags, { tags: ['a,b'] }), 400, 'badRequest', /tags/);
    const fifty = Array.from({ length: 50 }, (_, index) => `t${index}`);
    assert.equal((await api('PUT', tags, { tags: fifty })).status, 200);
    assertRefused(await api('PUT', `${tags}/more`), 400, 'badRequest', /limit/);
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
