import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { addMachineHost, type ComputeRequest } from './compute-fixture.ts';
import { assertRefused, openTenants } from './tenant-fixture.ts';

const { fixture, admin, member, other, api, make, reset } = await openTenants();
after(() => fixture.close());
beforeEach(async () => {
  await reset();
});

const usage = (path: string, options: ComputeRequest = {}) =>
  api('GET', `os-simple-tenant-usage${path}`, undefined, options);

/** Makes a server and lets it have begun at this time; answers its id. */
async function began(time: string, server: Record<string, unknown> = {}, options: ComputeRequest = {}) {
  const id = await make(server, options);
  await fixture.cloud.store.write(({ db }) =>
    db.updateTable('servers').set({ created_at: time }).where('id', '=', id).execute(),
  );
  return id;
}

// It is 2026-11-23T20:40:32Z in the fixture.
const DAY = 'start=2026-11-20T00:00:00&end=2026-11-21T00:00:00';

test('what a project used is counted in hours within the period', async () => {
  const id = await began('2026-11-20T12:00:00Z', { name: 'vm', flavorRef: '3' });
  await began('2026-11-01T00:00:00Z', { name: 'old' });
  await began('2026-11-22T00:00:00Z', { name: 'after the period' });
  const { body } = await usage(`/${member.projectId}?${DAY}`);
  const { server_usages: servers, ...sums } = body.tenant_usage;
  assert.deepEqual(sums, {
    tenant_id: member.projectId,
    start: '2026-11-20T00:00:00.000000',
    stop: '2026-11-21T00:00:00.000000',
    total_hours: 36,
    total_vcpus_usage: 12 * 2 + 24,
    total_memory_mb_usage: 12 * 4096 + 24 * 512,
    total_local_gb_usage: 12 * 40 + 24,
  });
  assert.deepEqual(servers.map(({ name }: { name: string }) => name).sort(), ['old', 'vm']);
  assert.deepEqual(
    servers.find(({ name }: { name: string }) => name === 'vm'),
    {
      instance_id: id,
      name: 'vm',
      tenant_id: member.projectId,
      flavor: 'm1.medium',
      vcpus: 2,
      memory_mb: 4096,
      local_gb: 40,
      started_at: '2026-11-20T12:00:00.000000',
      ended_at: null,
      hours: 12,
      uptime: ((3 * 24 + 8) * 60 + 40) * 60 + 32,
      state: 'active',
    },
  );
});

test('the future does not count, and a project without servers has used nothing', async () => {
  await began('2026-11-23T19:40:32Z');
  const week = 'start=2026-11-20 00:00:00&end=2026-11-27T00:00:00.5';
  assert.equal((await usage(`/${member.projectId}?${week}`)).body.tenant_usage.total_hours, 1);
  assert.equal((await usage(`/${member.projectId}`)).body.tenant_usage.total_hours, 1, 'four weeks unless said');
  const nothing = await usage(`/${other.projectId}?${DAY}`, { token: other.token });
  assert.deepEqual([nothing.status, nothing.body], [200, { tenant_usage: {} }]);
});

test('administrators see every project, with servers if they ask', async () => {
  const mine = await began('2026-11-01T00:00:00Z');
  const theirs = await began('2026-11-01T00:00:00Z', {}, { token: other.token });
  const list = (query: string, version = '2.1') => usage(`?${DAY}${query}`, { token: admin, version });
  const brief = (await list('')).body.tenant_usages;
  assert.deepEqual(
    brief.map((one: { tenant_id: string }) => one.tenant_id).sort(),
    [member.projectId, other.projectId].sort(),
  );
  assert.equal(brief[0].server_usages, undefined);
  const detailed = (await list('&detailed=1')).body.tenant_usages;
  assert.deepEqual(
    detailed
      .flatMap((one: { server_usages: { instance_id: string }[] }) => one.server_usages.map((s) => s.instance_id))
      .sort(),
    [mine, theirs].sort(),
  );

  // From 2.40 on in pages, which end: clients go on until a page is empty.
  const [first, second] = [await list('&detailed=1&limit=1', '2.40'), await list('&limit=1', '2.39')];
  assert.equal(first.body.tenant_usages.length, 1);
  assert.equal(second.body.tenant_usages.length, 2);
  const marker = first.body.tenant_usages[0].server_usages[0].instance_id;
  assert.match(first.body.tenant_usages_links[0].href, new RegExp(`os-simple-tenant-usage\\?.*marker=${marker}`));
  const next = await list(`&detailed=1&limit=1&marker=${marker}`, '2.40');
  assert.equal(next.body.tenant_usages_links, undefined);
  const last = next.body.tenant_usages[0].server_usages[0].instance_id;
  assert.deepEqual([marker, last].sort(), [mine, theirs].sort());
  assert.deepEqual((await list(`&marker=${last}`, '2.40')).body, { tenant_usages: [] });
  const own = await usage(`/${member.projectId}?${DAY}&marker=${mine}`, { version: '2.40' });
  assert.deepEqual(own.body, { tenant_usage: {} });
});

test('what makes no sense is refused, and so is another project’s usage', async () => {
  for (const query of ['start=yesterday', 'end=2026-11-20', 'start=2026-13-40T00:00:00']) {
    assertRefused(await usage(`/${member.projectId}?${query}`), 400, 'badRequest', /invalid format/);
  }
  const backwards = 'start=2026-11-21T00:00:00&end=2026-11-20T00:00:00';
  assertRefused(await usage(`/${member.projectId}?${backwards}`), 400, 'badRequest', /cannot occur after the end/);
  assertRefused(await usage(`/${member.projectId}?marker=x`, { version: '2.40' }), 400, 'badRequest', /not found/);
  assertRefused(await usage(`/${other.projectId}`), 403, 'forbidden', /os-simple-tenant-usage:show/);
  assertRefused(await usage(''), 403, 'forbidden', /os-simple-tenant-usage:list/);
  assert.equal((await usage(`/${member.projectId}`, { token: admin })).status, 200);
});

test('hypervisors count the servers of their hosts', async () => {
  await addMachineHost(fixture, 'host-1');
  await make({ flavorRef: '2' });
  await make({ flavorRef: '3' });
  await addMachineHost(fixture, 'host-2');
  await make();
  const get = (path: string, version = '2.1') => api('GET', path, undefined, { token: admin, version });
  const [first, second] = (await get('os-hypervisors/detail')).body.hypervisors;
  assert.deepEqual(
    [first.running_vms, first.vcpus_used, first.memory_mb_used, first.local_gb_used, first.vcpus],
    [2, 3, 6144, 60, 0],
  );
  assert.equal(second.running_vms, 1);
  assert.equal((await get('os-hypervisors/2')).body.hypervisor.running_vms, 1);
  const { hypervisor_statistics: statistics } = (await get('os-hypervisors/statistics')).body;
  assert.deepEqual([statistics.count, statistics.running_vms, statistics.vcpus_used], [2, 3, 4]);
  assert.equal((await get('os-hypervisors/detail', '2.88')).body.hypervisors[0].running_vms, undefined);
  assert.equal((await get('os-hypervisors/statistics', '2.88')).status, 404);
  assert.deepEqual((await get('os-aggregates')).body, { aggregates: [] });
  for (const path of ['os-hypervisors/statistics', 'os-aggregates']) {
    assert.equal((await api('GET', path)).status, 403, path);
  }
});
