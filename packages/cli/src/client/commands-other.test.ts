import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type StandInCloud, startStandInCloud } from './stand-in-cloud.ts';
import { IDS } from './stand-in-ids.ts';
import { type Ran, runAgainst } from './stand-in-terminal.ts';

let cloud: StandInCloud;

before(async () => {
  cloud = await startStandInCloud();
});

afterEach(() => cloud.answers.clear());

after(() => cloud[Symbol.asyncDispose]());

function run(line: string): Promise<Ran> {
  return runAgainst(cloud, line);
}

/** Runs a command that must succeed; gives what it printed. */
async function done(line: string): Promise<string> {
  const ran = await run(line);
  assert.deepEqual({ code: ran.code, err: ran.err }, { code: 0, err: '' }, line);
  return ran.out;
}

/** The request that changed something, as `METHOD path` and body. */
function written(): unknown[] {
  const changes = cloud.requests.filter(({ method, path }) => method !== 'GET' && !path.startsWith('/v3/auth'));
  return changes.map(({ method, path, body }) => [`${method} ${path}`, body]);
}

test('servers: list, show, create with a port and --wait, delete', async () => {
  assert.equal(
    await done('server list -c Name -c Networks -c Image -c Flavor'),
    `+------+---------------------------------+--------+----------+
| Name | Networks                        | Image  | Flavor   |
+------+---------------------------------+--------+----------+
| web1 | private=10.11.7.5, 192.168.2.79 | cirros | m1.small |
+------+---------------------------------+--------+----------+
`,
  );
  assert.equal(await done('server show web1 -f value -c image -c flavor'), `m1.small (1)\ncirros (${IDS.image})\n`);
  await done('server create --flavor m1.small --image cirros --nic port-id=web1-port --wait web2');
  const server = {
    name: 'web2',
    flavorRef: '1',
    imageRef: IDS.image,
    min_count: 1,
    max_count: 1,
    networks: [{ port: IDS.port }],
  };
  assert.deepEqual(written(), [['POST /v2.1/servers', { server }]]);
  const [header] = cloud.requests.filter(({ method }) => method === 'POST').slice(-1);
  assert.equal(header?.headers['x-openstack-nova-api-version'], '2.1');
  assert.equal(await done('server delete web1'), '');
  assert.deepEqual(await run('server delete nope'), {
    code: 1,
    out: '',
    err: "No server with a name or ID of 'nope' exists.\n",
  });
});

test('identity: token, catalog, projects, users, roles', async () => {
  assert.match(await done('token issue'), /\| expires +\| 2099-11-23T21:40:32\+0000 +\|/);
  assert.match(await done('catalog list'), /\| neutron +\| network +\| RegionOne/);
  assert.equal(await done('project list -f value'), `${IDS.project} shop\n`);
  await done('project create --description x new');
  assert.deepEqual(written(), [
    ['POST /v3/projects', { project: { enabled: true, tags: [], options: {}, description: 'x', name: 'new' } }],
  ]);
  const created = await run('user create --project shop --password hunter2 bob');
  assert.equal(created.code, 0);
  assert.doesNotMatch(created.out + created.err, /hunter2/);
  await done('role add --project shop --user alice member');
  assert.deepEqual(written(), [[`PUT /v3/projects/${IDS.project}/users/${IDS.user}/roles/${IDS.role}`, null]]);
  assert.equal(
    await done('role assignment list --names -f value -c Role -c User -c Project -c System'),
    'member alice@Default shop@Default \nmember alice@Default  all\n',
  );
});

test('who may not list projects is shown his own', async () => {
  const body = { error: { code: 403, message: 'You are not authorized', title: 'Forbidden' } };
  cloud.answers.set('GET /v3/projects', { status: 403, body });
  assert.equal(await done('project list -f value -c Name'), 'shop\n');
  assert.equal(cloud.calls().at(-1), `GET /v3/users/${IDS.user}/projects`);
  cloud.answers.set('GET /v3/users', { status: 403, body });
  const refused = await run('user list');
  assert.equal(refused.code, 1);
  assert.match(refused.err, /^You are not authorized \(HTTP 403\) \(Request-ID: req-/);
});
