import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApiError } from '@portward/model/api-error.ts';
import { assertRefused, openTenants } from './tenant-fixture.ts';

let tenants: Awaited<ReturnType<typeof openTenants>>;

before(async () => {
  tenants = await openTenants();
});
after(() => tenants.fixture.close());

const path = () => `os-quota-sets/${tenants.member.projectId}`;
const put = (quotaSet: unknown, version = '2.1', token = tenants.admin) =>
  tenants.fixture.compute('PUT', path(), { token, version, body: { quota_set: quotaSet } });
const forget = () => tenants.fixture.compute('DELETE', path(), { token: tenants.admin });
const shown = async (version = '2.1') => (await tenants.api('GET', path(), undefined, { version })).body.quota_set;

/** Runs `work` with limits for the tenant that are gone afterwards. */
async function withLimits(limits: object, work: () => Promise<void>): Promise<void> {
  const answer = await put(limits);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  try {
    await work();
  } finally {
    await forget();
  }
}

test('limits are set and forgotten; a version shows what it knows', async () => {
  const set = await put({ instances: 5, cores: '7', tenant_id: 'repeated by old clients', force: 'True' });
  assert.deepEqual([set.status, set.body.quota_set.instances, set.body.quota_set.cores], [200, 5, 7]);
  assert.equal(set.body.quota_set.id, undefined);
  const { id, ...limits } = await shown();
  assert.equal(id, tenants.member.projectId);
  assert.deepEqual(limits, set.body.quota_set);
  assert.deepEqual(await put({}).then(({ body }) => body.quota_set.instances), 5, 'nothing named, nothing changed');
  const newest = await shown('2.57');
  assert.deepEqual([newest.instances, newest.injected_files, newest.floating_ips], [5, undefined, undefined]);
  const defaults = (await tenants.api('GET', `${path()}/defaults`)).body.quota_set;
  assert.deepEqual([defaults.instances, defaults.cores], [-1, -1]);
  const detail = (await tenants.api('GET', `${path()}/detail`)).body.quota_set;
  assert.deepEqual(detail.instances, { limit: 5, in_use: 0, reserved: 0 });
  const { absolute } = (await tenants.api('GET', 'limits')).body.limits;
  assert.deepEqual([absolute.maxTotalInstances, absolute.maxTotalCores, absolute.maxTotalRAMSize], [5, 7, -1]);
  assert.equal((await forget()).status, 202);
  assert.equal((await shown()).instances, -1);
  assert.equal((await forget()).status, 202, 'nothing to forget is no error');
});

test('only admins change limits', async () => {
  assertRefused(await put({ instances: 1 }, '2.1', tenants.member.token), 403, 'forbidden', /os-quota-sets:update/);
  const answer = await tenants.fixture.compute('DELETE', path(), { token: tenants.member.token });
  assertRefused(answer, 403, 'forbidden', /os-quota-sets:delete/);
});

/** Bodies that are refused in a version, and the text. */
const REFUSALS: [unknown, string, RegExp][] = [
  [{ nonsense: 1 }, '2.1', /^Additional properties are not allowed \('nonsense' was unexpected\)$/],
  [{ injected_files: 1 }, '2.57', /'injected_files' was unexpected/],
  [{ floating_ips: 1 }, '2.36', /'floating_ips' was unexpected/],
  [{ floating_ips: 1 }, '2.1', /^Networking limits floating_ips/],
  [{ instances: -2 }, '2.1', /instances/],
  [{ instances: 2_147_483_648 }, '2.1', /instances/],
  [{ instances: 1.5 }, '2.1', /instances/],
  [{ instances: 'many' }, '2.1', /instances/],
  [{ instances: null }, '2.1', /instances/],
  [{ metadata_items: 129 }, '2.1', /^Quota limit 129 for metadata_items must be less than or equal to 128\.$/],
  [{ metadata_items: -1 }, '2.1', /^Quota limit -1 for metadata_items must be less than or equal to 128\.$/],
  [7, '2.1', /quota_set/],
  [null, '2.1', /quota_set/],
];

for (const [quotaSet, version, text] of REFUSALS) {
  test(`refused in ${version}: ${JSON.stringify(quotaSet)}`, async () => {
    assertRefused(await put(quotaSet, version), 400, 'badRequest', text);
  });
}

test('limits of single users are not offered, and not taken for those of the project', async () => {
  const { admin: token, fixture } = tenants;
  const body = { quota_set: { instances: 1 } };
  assertRefused(
    await fixture.compute('PUT', `${path()}?user_id=u`, { token, body }),
    400,
    'badRequest',
    /not for users/,
  );
  assertRefused(await fixture.compute('DELETE', `${path()}?user_id=u`, { token }), 400, 'badRequest', /not for users/);
});

test('servers, cores and memory: nothing more than the limits, and the refusal names all that lack', async () => {
  await tenants.reset();
  // Flavor 2: one core, 2048 MiB.
  await withLimits({ instances: 2, cores: 2, ram: 4096 }, async () => {
    const server = { flavorRef: '2', networks: 'none' };
    const create = (count: number) => tenants.post({ ...server, min_count: count }, { version: '2.37' });
    assertRefused(
      await create(3),
      403,
      'forbidden',
      /^Quota exceeded for cores, instances, ram: Requested 3, 3, 6144, but already used 0, 0, 0 of 2, 2, 4096 cores, instances, ram$/,
    );
    assert.equal((await create(2)).status, 202);
    assertRefused(await create(1), 403, 'forbidden', /Requested 1, 1, 2048, but already used 2, 2, 4096 of 2, 2, 4096/);
  });
  await withLimits({ instances: 3 }, async () => {
    const message = /^Quota exceeded for instances: Requested 2, but already used 2 of 3 instances$/;
    const two = await tenants.post({ min_count: 2, networks: 'none' }, { version: '2.37' });
    assertRefused(two, 403, 'forbidden', message);
  });
  const low = /^Quota limit 1 for instances must be greater than or equal to already used and reserved 2\.$/;
  assertRefused(await put({ instances: 1 }), 400, 'badRequest', low);
  await withLimits({ instances: 1, force: true }, async () => {
    assert.equal((await shown()).instances, 1);
  });
});

test('of 40 servers at once against a limit of 10 exactly 10 come to be', async () => {
  await tenants.reset();
  await withLimits({ instances: 10 }, async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => tenants.post({ networks: 'none' }, { version: '2.37' })),
    );
    assert.equal(answers.filter(({ status }) => status === 202).length, 10);
    assert.equal((await tenants.api('GET', 'servers')).body.servers.length, 10);
  });
});

test('key pairs of a user', async () => {
  await withLimits({ key_pairs: 1 }, async () => {
    const create = (name: string) => tenants.api('POST', 'os-keypairs', { keypair: { name } });
    assert.equal((await create('one')).status, 200);
    assertRefused(await create('two'), 403, 'forbidden', /^Quota exceeded, too many key pairs\.$/);
    assert.equal((await tenants.api('DELETE', 'os-keypairs/one')).status, 202);
    assert.equal((await create('two')).status, 200);
    assert.equal((await tenants.api('DELETE', 'os-keypairs/two')).status, 202);
  });
});

test('metadata of a server: no more, but always less', async () => {
  await tenants.reset();
  const id = await tenants.make({ metadata: { a: '1', b: '2' } });
  await withLimits({ metadata_items: 1 }, async () => {
    const text = /^Maximum number of metadata items exceeds 1$/;
    assertRefused(await tenants.post({ metadata: { a: '1', b: '2' } }), 403, 'forbidden', text);
    const more = await tenants.api('POST', `servers/${id}/metadata`, { metadata: { c: '3' } });
    assertRefused(more, 403, 'forbidden', text);
    assert.equal((await tenants.api('DELETE', `servers/${id}/metadata/b`)).status, 204);
  });
});

test('a project without room for ports gets no servers on networks, in Nova’s words', async () => {
  const network = await tenants.reset();
  const { createPort } = tenants.fixture.networking;
  tenants.fixture.networking.createPort = async () => {
    throw new ApiError(409, 'OverQuota', "Quota exceeded for resources: ['port'].");
  };
  try {
    const text = /^Maximum number of ports exceeded$/;
    assertRefused(await tenants.post({ networks: [{ uuid: network }] }), 403, 'forbidden', text);
    const id = (await tenants.post({ networks: 'none' }, { version: '2.37' })).body.server.id;
    const attached = await tenants.api('POST', `servers/${id}/os-interface`, {
      interfaceAttachment: { net_id: network },
    });
    assertRefused(attached, 403, 'forbidden', text);
  } finally {
    tenants.fixture.networking.createPort = createPort;
  }
});
