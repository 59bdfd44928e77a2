import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { IMAGE as imageRef, openTenants } from './tenant-fixture.ts';

const { fixture, member } = await openTenants();
after(() => fixture.close());

test('no body, query or header breaks anything', async () => {
  const scalar = fc.oneof(
    fc.string(),
    fc.constantFrom('auto', 'none', '1', '\0', '\ud800'),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
  );
  const keys = fc.constantFrom(
    'name',
    'flavorRef',
    'imageRef',
    'networks',
    'uuid',
    'port',
    'fixed_ip',
    'metadata',
    'tags',
    'max_count',
    'security_groups',
  );
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { depthSize: 'small' },
      scalar,
      fc.array(tie('json'), { maxLength: 4 }),
      fc.dictionary(fc.oneof(keys, fc.string()), tie('json'), { maxKeys: 6 }),
    ),
  }));
  const made = await fixture.compute('POST', 'servers', {
    token: member.token,
    body: { server: { name: 'target', flavorRef: '1', imageRef } },
  });
  const { id } = made.body.server;
  const check = async (method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown, version = '2.90') => {
    const headers = {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      'openstack-api-version': version,
    };
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const answer = await fixture.cloud.request(method, `/compute/v2.1/${path}`, {
      token: member.token,
      headers,
      body: payload,
    });
    assert.ok(answer.status < 500, `${answer.status} ${method} ${path} ${payload}`);
  };
  await fc.assert(
    fc.asyncProperty(json, fc.string(), fc.string({ unit: 'binary' }), async (value, key, text) => {
      const record = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { [key]: value };
      await check('POST', 'servers', value);
      await check(
        'POST',
        'servers',
        { server: { name: 'x', flavorRef: '1', imageRef, max_count: 1, ...record } },
        'compute 2.90',
      );
      await check('PUT', `servers/${id}`, { server: value });
      for (const action of ['reboot', 'addSecurityGroup', 'os-getConsoleOutput', 'os-resetState', key]) {
        await check('POST', `servers/${id}/action`, { [action]: value });
      }
      await check('POST', `servers/${id}/os-interface`, { interfaceAttachment: value });
      await check('POST', `servers/${id}/metadata`, { metadata: value });
      await check('PUT', `servers/${id}/tags`, { tags: value });
      await check('POST', 'os-keypairs', { keypair: value });
      const part = encodeURIComponent(text.toWellFormed()) || 'x';
      for (const query of [
        'name',
        'ip',
        'status',
        'limit',
        'marker',
        'sort_key',
        'all_tenants',
        'tags',
        'changes-since',
      ]) {
        await check('GET', `servers/detail?${query}=${part}&${query}=${encodeURIComponent(key.toWellFormed())}`);
      }
      await check('GET', `servers/${part}`, undefined, `compute ${key.replace(/[^\x20-\x7e]/g, '')}`);
      await check('PUT', `servers/${id}/tags/${part}`);
    }),
    { numRuns: 40 },
  );
});
