import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedObjects } from '@portward/model/feed.ts';
import { machineOf } from './machine.ts';

const SERVER: FeedObjects['server'] = {
  id: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  name: 'VM 1!',
  project_id: 'p',
  host: 'h',
  running: true,
  public_key: 'ssh-ed25519 AAAA me\nssh-rsa BBBB\n',
  created_at: '2026-01-01T00:00:00Z',
};

const port = (id: string, fields: Partial<FeedObjects['port']> = {}): FeedObjects['port'] => ({
  id,
  project_id: 'p',
  name: '',
  network_id: 'n',
  admin_state_up: true,
  mac_address: 'fa:16:3e:00:00:01',
  fixed_ips: [],
  device_id: SERVER.id,
  device_owner: 'compute:nova',
  security_groups: [],
  port_security_enabled: true,
  allowed_address_pairs: [],
  'binding:host_id': 'h',
  extra_dhcp_opts: [],
  dns_name: '',
  revision_number: 1,
  ...fields,
});

const networks = new Map([['n', { mtu: 1400 }]]);

test('a machine has a card for each port of the server whose network is known', () => {
  const others = [port('x', { device_id: 'other' }), port('y', { network_id: 'unknown' })];
  const machine = machineOf(SERVER, [port('2-longer-than-eleven'), ...others, port('1')], networks);
  assert.equal(machine?.namespace, `machine-${SERVER.id}`);
  assert.equal(machine?.hostName, 'VM-1');
  assert.equal(machine?.publicKey, 'ssh-ed25519 AAAA me');
  assert.deepEqual(machine?.cards, [
    { tap: 'tap1', mac: 'fa:16:3e:00:00:01', mtu: 1400 },
    { tap: 'tap2-longer-th', mac: 'fa:16:3e:00:00:01', mtu: 1400 },
  ]);
});

test('the digest tells machines apart, whatever the order of ports', () => {
  const one = machineOf(SERVER, [port('1'), port('2')], networks);
  assert.equal(machineOf(SERVER, [port('2'), port('1')], networks)?.digest, one?.digest);
  assert.notEqual(machineOf({ ...SERVER, public_key: null }, [port('1'), port('2')], networks)?.digest, one?.digest);
  assert.notEqual(machineOf(SERVER, [port('1')], networks)?.digest, one?.digest);
});

test('a server that shall not run has no machine; one without a usable name has a host name still', () => {
  assert.equal(machineOf({ ...SERVER, running: false }, [], networks), undefined);
  assert.equal(machineOf({ ...SERVER, name: '—' }, [], networks)?.hostName, 'server-aaaaaaaa');
});
