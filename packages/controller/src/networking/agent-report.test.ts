import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestApi } from '../http/test-api.ts';
import { enterReport, parseReport } from './agent-report.ts';

let api: TestApi;
before(async () => {
  api = await TestApi.start();
});
after(() => api.stop());

test('one report makes an agent of each type, under the names of Neutron’s programs', async () => {
  const report = parseReport({
    started_at: '2026-11-25T00:00:00Z',
    applied_seq: 7,
    configurations: { nat_backend: 'nftables', bridge_mappings: {}, machines: true },
    statuses: [],
  });
  await enterReport(api.store, 'host-1', report);
  await enterReport(api.store, 'host-1', report);
  const agents: { agent_type: string; binary: string; alive: boolean }[] = await api.expect('admin', 'GET', '/agents');
  assert.deepEqual(agents.map(({ agent_type: type, binary, alive }) => [type, binary, alive]).sort(), [
    ['DHCP agent', 'neutron-dhcp-agent', true],
    ['L3 agent', 'neutron-l3-agent', true],
    ['Linux bridge agent', 'neutron-linuxbridge-agent', true],
  ]);
  assert.deepEqual(await api.expect('admin', 'GET', '/agents?binary=ovn-controller'), []);
});
