import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { commandsUnder, matchCommand } from './command-index.ts';
import { optionsOf } from './extra-properties.ts';
import { type StandInCloud, startStandInCloud } from './stand-in-cloud.ts';
import { IDS } from './stand-in-ids.ts';
import { runAgainst } from './stand-in-terminal.ts';

let cloud: StandInCloud;
before(async () => {
  cloud = await startStandInCloud();
});
afterEach(() => cloud.answers.clear());
after(() => cloud[Symbol.asyncDispose]());

const PROGRESS = 'GET /portward/v1/progress';
const FORWARDINGS = `/v2.0/floatingips/${IDS.floatingIp}/port_forwardings`;
const STATUS = `GET /portward/v1/floatingips/${IDS.floatingIp}/port_forwardings/${IDS.forwarding}/status`;
const CREATE =
  'floating ip port forwarding create --internal-ip-address 192.168.2.79 --port web1-port --protocol tcp ' +
  '--internal-protocol-port 22 --external-protocol-port 2222 --wait 10.11.7.4';

const progress = (settled: boolean, live = 2, behind = settled ? 0 : 1) =>
  cloud.answers.set(PROGRESS, { status: 200, body: { position: 9, settled, live_hosts: live, behind } });
const status = (state: string, reason: string | null) =>
  cloud.answers.set(STATUS, { status: 200, body: { status: state, reason, host: 'host1' } });

test('a change is waited for after it was asked for; the object is shown as it is then', async () => {
  progress(true);
  status('ACTIVE', null);
  const { code, err, out } = await runAgainst(cloud, CREATE);
  assert.deepEqual({ code, err }, { code: 0, err: '' });
  assert.match(out, /external_port/);
  assert.deepEqual(cloud.calls().slice(-4), [
    `POST ${FORWARDINGS}`,
    'GET /portward/v1/progress?wait=0',
    STATUS,
    `GET ${FORWARDINGS}/${IDS.forwarding}`,
  ]);
});

test('what a host could not do is refused with its reason', async () => {
  progress(true);
  status('ERROR', 'Protocol icmp is not translatable by port.');
  const { code, err, out } = await runAgainst(cloud, CREATE);
  assert.deepEqual({ code, out }, { code: 1, out: '' });
  assert.equal(
    err,
    'The change is made, but could not be carried out on host1: Protocol icmp is not translatable by port.\n',
  );
});

test('without a live host there is nothing to wait for', async () => {
  progress(false, 0, 0);
  const { code, err } = await runAgainst(cloud, `floating ip delete --wait ${IDS.floatingIp}`);
  assert.equal(code, 1);
  assert.match(
    err,
    /^The change is made, but no host is there to carry it out: see `portward network agent list`\.\n$/,
  );
});

test('a cloud that does not tell is not waited for, and that is said', async () => {
  cloud.answers.set(PROGRESS, { status: 404, body: { message: 'no such thing' } });
  const { code, err } = await runAgainst(cloud, `floating ip delete --wait ${IDS.floatingIp}`);
  assert.deepEqual(
    { code, err },
    { code: 0, err: 'This cloud does not tell when its hosts have carried a change out: not waiting.\n' },
  );
});

test('it is an option of every command that hosts carry out, and of no other', async () => {
  const waiting = [];
  for (const { words } of await commandsUnder([])) {
    const match = await matchCommand(words.split(' '));
    if (match && optionsOf(match.command).some(({ flag }) => flag === '--wait')) waiting.push(words);
  }
  const resources = ['address group', 'floating ip', 'floating ip port forwarding', 'network', 'port', 'router'];
  const groups = ['security group', 'subnet'];
  for (const resource of [...resources, ...groups]) {
    for (const verb of ['create', 'set', 'delete'])
      assert.ok(waiting.includes(`${resource} ${verb}`), `${resource} ${verb}`);
  }
  for (const words of [
    'security group rule create',
    'security group rule delete',
    'router add subnet',
    'server add port',
  ])
    assert.ok(waiting.includes(words), words);
  assert.deepEqual(
    waiting.filter((words) =>
      / (list|show)$|^(project|user|role|token|quota|image|subnet pool|address scope) /.test(words),
    ),
    [],
  );
});
