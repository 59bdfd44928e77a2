import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { authRequest, authSettings } from './auth.ts';
import { ApiError, Session } from './session.ts';
import { type StandInCloud, startStandInCloud } from './stand-in-cloud.ts';
import { IDS } from './stand-in-ids.ts';
import { runAgainst, runWith } from './stand-in-terminal.ts';

let cloud: StandInCloud;
let folder: string;

before(async () => {
  cloud = await startStandInCloud();
  folder = await mkdtemp(path.join(tmpdir(), 'portward-client-'));
  const clouds = {
    clouds: {
      edge: {
        auth: { auth_url: cloud.url, username: 'bob', password: 'from-file', project_name: 'lab' },
        region_name: 'RegionOne',
      },
      robot: {
        auth_type: 'v3applicationcredential',
        auth: {
          auth_url: `${cloud.url}/v3`,
          application_credential_id: 'app1',
          application_credential_secret: 's3cret',
        },
      },
    },
  };
  await writeFile(path.join(folder, 'clouds.yaml'), JSON.stringify(clouds));
  await writeFile(path.join(folder, 'secure.yaml'), 'clouds:\n  edge:\n    auth:\n      password: from-secure\n');
});

after(async () => {
  await cloud[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function signIn(): unknown {
  return cloud.requests.find(({ path: seen }) => seen === '/v3/auth/tokens')?.body;
}

test('password from OS_ variables: one sign-in request, default domains, scope', async () => {
  const ran = await runAgainst(cloud, 'token issue -f value -c project_id');
  assert.deepEqual(ran, { code: 0, out: `${IDS.project}\n`, err: '' });
  assert.equal(cloud.requests.length, 1);
  assert.deepEqual(signIn(), {
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { name: 'alice', domain: { name: 'Default' }, password: 'wonderland-secret' } },
      },
      scope: { project: { name: 'shop', domain: { name: 'Default' } } },
    },
  });
});

test('clouds.yaml with its secure.yaml; options win over variables, variables over the file', async () => {
  cloud.requests.length = 0;
  const words = ['--os-cloud', 'edge', '--os-project-name=other', 'token', 'issue', '-f', 'json'];
  const ran = await runWith(words, { OS_USERNAME: 'carol', OS_PROJECT_NAME: 'ignored' }, folder);
  assert.equal(ran.code, 0);
  assert.deepEqual(signIn(), {
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { name: 'carol', domain: { id: 'default' }, password: 'from-secure' } },
      },
      scope: { project: { name: 'other', domain: { id: 'default' } } },
    },
  });
});

test('a cloud that names a profile has the rest from clouds-public.yaml', async () => {
  cloud.requests.length = 0;
  const own = path.join(folder, 'own.yaml');
  const vendor = path.join(folder, 'vendor.yaml');
  const auth = { username: 'bob', password: 'pw', project_name: 'lab' };
  await writeFile(own, JSON.stringify({ clouds: { mine: { profile: 'maker', auth } } }));
  await writeFile(
    vendor,
    JSON.stringify({ 'public-clouds': { maker: { auth: { auth_url: cloud.url, username: 'nobody' } } } }),
  );
  const env = { OS_CLOUD: 'mine', OS_CLIENT_CONFIG_FILE: own, OS_CLIENT_VENDOR_FILE: vendor };
  const ran = await runWith(['token', 'issue', '-f', 'value', '-c', 'project_id'], env);
  assert.deepEqual(ran, { code: 0, out: `${IDS.project}\n`, err: '' });
  assert.match(JSON.stringify(signIn()), /"name":"bob"/);
});

test('OS_CLIENT_CONFIG_FILE and OS_CLOUD; an application credential brings its own scope', async () => {
  cloud.requests.length = 0;
  const env = { OS_CLIENT_CONFIG_FILE: path.join(folder, 'clouds.yaml'), OS_CLOUD: 'robot' };
  assert.equal((await runWith(['catalog', 'list'], env)).code, 0);
  assert.deepEqual(signIn(), {
    auth: {
      identity: { methods: ['application_credential'], application_credential: { id: 'app1', secret: 's3cret' } },
    },
  });
});

test('token sign-in', async () => {
  const settings = await authSettings({
    options: { 'auth-url': 'http://127.0.0.1:5000/', token: 'tok', 'project-id': 'p' },
    insecure: false,
    env: {},
    cwd: folder,
  });
  assert.equal(settings.authUrl, 'http://127.0.0.1:5000/v3');
  assert.deepEqual(authRequest(settings), {
    auth: { identity: { methods: ['token'], token: { id: 'tok' } }, scope: { project: { id: 'p' } } },
  });
});

test('what is missing is named; exit code 3', async () => {
  const nothing = await runWith(['port', 'list'], {});
  assert.equal(nothing.code, 3);
  assert.match(nothing.err, /^Missing value auth-url required for auth plugin password\n/);
  assert.match(nothing.err, /OS_CLOUD/);
  const noPassword = await runWith(['port', 'list'], { OS_AUTH_URL: cloud.url, OS_USERNAME: 'a' });
  assert.deepEqual(noPassword, { code: 3, out: '', err: 'Missing value password required for auth plugin password\n' });
  const noCloud = await runWith(['--os-cloud', 'nope', 'port', 'list'], {}, folder);
  assert.deepEqual(noCloud, { code: 3, out: '', err: 'Cloud nope was not found.\n' });
});

test('a broken clouds.yaml is reported without quoting it', async () => {
  const broken = path.join(folder, 'broken.yaml');
  await writeFile(broken, 'clouds:\n  a: {password: hunter2\n b: ]');
  const ran = await runWith(['port', 'list'], { OS_CLIENT_CONFIG_FILE: broken, OS_CLOUD: 'a' });
  assert.equal(ran.code, 3);
  assert.match(ran.err, /broken\.yaml is not valid YAML/);
  assert.doesNotMatch(ran.err, /hunter2/);
});

test('a wrong password: the service’s own words, exit code 3, no secret printed', async () => {
  const ran = await runWith(['--debug', 'port', 'list'], { ...cloud.env, OS_PASSWORD: 'wrong-hunter2' });
  assert.equal(ran.code, 3);
  assert.match(ran.err, /The request you have made requires authentication\. \(HTTP 401\) \(Request-ID: req-/);
  assert.doesNotMatch(ran.err, /hunter2/);
});

test('--debug names requests, never tokens', async () => {
  const ran = await runAgainst(cloud, '--debug network list -f value -c Name');
  assert.equal(ran.code, 0);
  assert.match(ran.err, /REQ: GET http:\/\/127\.0\.0\.1:\d+\/v2\.0\/networks\n/);
  assert.doesNotMatch(ran.err, /tok-123|wonderland/);
});

test('nobody listens: says what to do, exit code 3', async () => {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  const ran = await runWith(['port', 'list'], { ...cloud.env, OS_AUTH_URL: `http://127.0.0.1:${port}/v3` });
  assert.equal(ran.code, 3);
  assert.match(ran.err, /Unable to establish connection to .*: connection refused\. Start the controller/);
});

test('an address that is no Identity service, and a region that is not in the catalog', async () => {
  const wrong = await runWith(['port', 'list'], { ...cloud.env, OS_AUTH_URL: `${cloud.url}/elsewhere` });
  assert.equal(wrong.code, 3);
  assert.match(wrong.err, /does not answer as an Identity v3 service/);
  const region = await runWith(['port', 'list'], { ...cloud.env, OS_REGION_NAME: 'Mars' });
  assert.deepEqual(region, {
    code: 3,
    out: '',
    err: 'public endpoint for network service in Mars region not found\n',
  });
});

test('a session by itself: requests, errors, one renewal of an expired token', async () => {
  const auth = await authSettings({ options: {}, insecure: false, env: cloud.env, cwd: folder });
  const session = await Session.connect(auth);
  assert.equal(session.projectId, IDS.project);
  assert.equal(session.endpoint('identity'), `${cloud.url}/v3`);
  const answer = await session.request('network', 'GET', '/v2.0/networks', {
    query: { name: 'public', fields: ['id'] },
  });
  assert.deepEqual(answer.body, { networks: [{ id: IDS.public }] });
  await assert.rejects(session.request('network', 'GET', '/v2.0/networks/x'), (error: unknown) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 404);
    assert.equal(error.type, 'NotFound');
    assert.equal(error.reason, 'network x could not be found.');
    return true;
  });
  cloud.answers.set('GET /v2.0/ports', { status: 401, body: { error: { code: 401, message: 'expired' } } });
  cloud.requests.length = 0;
  await assert.rejects(session.request('network', 'GET', '/v2.0/ports'), { status: 401, exitCode: 3 });
  assert.deepEqual(
    cloud.requests.map(({ path: seen }) => seen),
    ['/v2.0/ports', '/v3/auth/tokens', '/v2.0/ports'],
  );
  cloud.answers.clear();
});
