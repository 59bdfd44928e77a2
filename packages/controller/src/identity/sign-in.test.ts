import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ADMIN_PASSWORD, CloudFixture, TOKEN_LIFE, tokenOf } from './cloud-fixture.ts';

let cloud: CloudFixture;
let admin: string;
before(async () => {
  cloud = await CloudFixture.open();
  admin = await cloud.adminToken();
});
after(() => cloud.close());

const TOKENS = '/identity/v3/auth/tokens';
const UNAUTHORIZED = {
  error: { code: 401, message: 'The request you have made requires authentication.', title: 'Unauthorized' },
};
const adminProject = { project: { name: 'admin', domain: { id: 'default' } } };
const auth = (identity: unknown, scope?: unknown) =>
  cloud.request('POST', TOKENS, { body: { auth: { identity, ...(scope !== undefined && { scope }) } } });
const byToken = (id: string, scope?: unknown) => auth({ methods: ['token'], token: { id } }, scope);

test('discovery: 300 of all versions, 200 of v3, with and without a slash, reachable from the client', async () => {
  for (const path of ['/identity', '/identity/']) {
    const { status, body } = await cloud.request('GET', path);
    assert.equal(status, 300);
    const [version] = body.versions.values;
    assert.match(version.id, /^v3\.\d+$/);
    assert.equal(version.status, 'stable');
    assert.equal(version.links[0].href, 'http://cloud.example:9696/identity/v3/');
    for (const v3 of ['/identity/v3', '/identity/v3/']) {
      const answer = await cloud.request('GET', v3);
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.body, { version });
    }
  }
  const hostile = await cloud.request('GET', '/identity/v3', { headers: { host: 'a"b<c>' } });
  assert.equal(hostile.body.version.links[0].href, 'http://localhost/identity/v3/');
});

test('a password with a project scope', async () => {
  const { status, headers, body } = await cloud.signIn('admin', ADMIN_PASSWORD, adminProject);
  assert.equal(status, 201);
  assert.equal(headers.vary, 'X-Auth-Token');
  const { token } = body;
  assert.deepEqual(token.methods, ['password']);
  assert.deepEqual(Object.keys(token.user).sort(), ['domain', 'id', 'name', 'password_expires_at']);
  assert.deepEqual(token.user.domain, { id: 'default', name: 'Default' });
  assert.equal(token.issued_at, '2026-11-23T20:40:32.000000Z');
  assert.equal(token.expires_at, '2026-11-23T21:40:32.000000Z');
  assert.equal(token.audit_ids.length, 1);
  assert.equal(token.project.name, 'admin');
  assert.deepEqual(token.project.domain, { id: 'default', name: 'Default' });
  assert.equal(token.is_domain, false);
  assert.deepEqual(
    token.roles.map((role: { name: string }) => role.name),
    ['admin', 'member', 'reader'],
  );
  const urls = Object.fromEntries(
    token.catalog.map((entry: { type: string; endpoints: { url: string }[] }) => [
      entry.type,
      [...new Set(entry.endpoints.map((endpoint) => endpoint.url))],
    ]),
  );
  assert.deepEqual(urls, {
    identity: ['http://cloud.example:9696/identity/v3/'],
    network: ['http://cloud.example:9696/networking'],
    compute: ['http://cloud.example:9696/compute/v2.1'],
    image: ['http://cloud.example:9696/image'],
  });
  const [entry] = token.catalog;
  assert.deepEqual(
    entry.endpoints.map((endpoint: { interface: string }) => endpoint.interface),
    ['public', 'internal', 'admin'],
  );
  assert.equal(entry.endpoints[0].region_id, 'RegionOne');
});

test('every way to name user and project', async () => {
  const { token } = (await cloud.signIn('admin', ADMIN_PASSWORD, adminProject)).body;
  const password = ADMIN_PASSWORD;
  for (const user of [
    { id: token.user.id, password },
    { name: 'admin', domain: { id: 'default' }, password },
    { name: 'admin', domain: { name: 'Default' }, password },
  ]) {
    for (const project of [
      { id: token.project.id },
      { name: 'admin', domain: { id: 'default' } },
      { name: 'admin', domain: { name: 'Default' } },
    ]) {
      assert.equal((await auth({ methods: ['password'], password: { user } }, { project })).status, 201);
    }
  }
});

test('everything that is wrong with who asks gets the same answer', async () => {
  const { userId } = await cloud.member('disabled-user');
  await cloud.request('PATCH', `/identity/v3/users/${userId}`, { token: admin, body: { user: { enabled: false } } });
  await cloud.request('POST', '/identity/v3/users', { token: admin, body: { user: { name: 'no-password' } } });
  await cloud.member('stranger');
  const password = ADMIN_PASSWORD;
  const answers = [
    await cloud.signIn('admin', 'wrong', adminProject),
    await cloud.signIn('admin', '', adminProject),
    await cloud.signIn('nobody', 'x', adminProject),
    await cloud.signIn('disabled-user', 'pw'),
    await cloud.signIn('no-password', ''),
    await cloud.signIn('admin', password, adminProject, 'No such domain'),
    await cloud.signIn('stranger', 'pw', adminProject),
    await cloud.signIn('stranger', 'pw', { domain: { id: 'default' } }),
    await cloud.signIn('stranger', 'pw', { system: { all: true } }),
    await cloud.signIn('admin', password, { project: { id: 'nope' } }),
    await cloud.signIn('admin', password, { project: { name: 'nope', domain: { id: 'default' } } }),
    await cloud.signIn('admin', password, { domain: { name: 'nope' } }),
    await byToken('nonsense'),
    await auth({ methods: [] }),
    await auth({ methods: ['application_credential'], application_credential: { id: 'nope', secret: 'x' } }),
    await cloud.request('GET', '/identity/v3/users'),
    await cloud.request('GET', '/identity/v3/users', { token: 'nonsense' }),
    await cloud.request('GET', TOKENS, { token: 'nonsense', headers: { 'x-subject-token': admin } }),
  ];
  for (const [index, { status, headers, body }] of answers.entries()) {
    assert.equal(status, 401, `answer ${index}`);
    assert.deepEqual(body, UNAUTHORIZED, `answer ${index}`);
    assert.equal(headers['www-authenticate'], 'Keystone uri="http://cloud.example:9696/identity/v3"');
    assert.match(String(headers['content-type']), /^application\/json/);
  }
  const method = await auth({ methods: ['saml2'] });
  assert.equal(method.status, 401);
  assert.equal(method.body.error.message, 'Attempted to authenticate with an unsupported method.');
});

test('a malformed body is a 400 that names what is missing, and no value', async () => {
  const user = { name: 'admin', domain: { id: 'default' }, password: ADMIN_PASSWORD };
  const password = { methods: ['password'], password: { user } };
  const cases: [unknown, RegExp][] = [
    [undefined, /'auth' is a required property/],
    [{}, /'auth' is a required property/],
    [{ auth: {} }, /'identity' is a required property/],
    [{ auth: { identity: {} } }, /'methods' is a required property/],
    [{ auth: { identity: { methods: 'password' } } }, /not of type 'array'/],
    [{ auth: { identity: { methods: ['password'] } } }, /Expecting to find password in identity/],
    [{ auth: { identity: { methods: ['token'] } } }, /Expecting to find token in identity/],
    [{ auth: { identity: { methods: ['password'], password: {} } } }, /'user' is a required property/],
    [{ auth: { identity: { methods: ['password'], password: { user: {} } } } }, /'password' is a required property/],
    [{ auth: { identity: { methods: ['password'], password: { user: { password: 'x' } } } } }, /id or name in user/],
    [
      { auth: { identity: { methods: ['password'], password: { user: { name: 'a', password: 'x' } } } } },
      /domain in user/,
    ],
    [
      { auth: { identity: { methods: ['password'], password: { user: { id: 'a', password: 12_345 } } } } },
      /not of type 'string'/,
    ],
    [{ auth: { identity: password, scope: 'everything' } }, /scope/],
    [{ auth: { identity: password, scope: {} } }, /exactly one/],
    [{ auth: { identity: password, scope: { project: {} } } }, /id or name in project/],
    [{ auth: { identity: password, scope: { project: { name: 'admin' } } } }, /domain in project/],
    [{ auth: { identity: password, scope: { ...adminProject, system: { all: true } } } }, /exactly one/],
  ];
  for (const [body, expected] of cases) {
    const answer = await cloud.request('POST', TOKENS, { body });
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.match(answer.body.error.message, expected);
    assert.equal(answer.body.error.title, 'Bad Request');
    assert.doesNotMatch(answer.body.error.message, /12345|admin secret/);
  }
  const headers = { 'content-type': 'application/json' };
  const broken = await cloud.request('POST', TOKENS, { headers, body: '{"auth":' });
  assert.equal(broken.status, 400);
  const poisoned = await cloud.request('POST', TOKENS, { headers, body: '{"__proto__":{"auth":1}}' });
  assert.equal(poisoned.status, 400);
  const huge = await cloud.request('POST', TOKENS, { body: { auth: 'x'.repeat(100_000) } });
  assert.equal(huge.status, 413);
  assert.equal(huge.body.error.code, 413);
});

test('other scopes: domain, system, none', async () => {
  const { user } = (await cloud.signIn('admin', ADMIN_PASSWORD)).body.token;
  const roles = (await cloud.request('GET', '/identity/v3/roles?name=admin', { token: admin })).body.roles;
  const grant = await cloud.request('PUT', `/identity/v3/domains/default/users/${user.id}/roles/${roles[0].id}`, {
    token: admin,
  });
  assert.equal(grant.status, 204);
  const domain = await cloud.signIn('admin', ADMIN_PASSWORD, { domain: { name: 'Default' } });
  assert.deepEqual(domain.body.token.domain, { id: 'default', name: 'Default' });
  assert.equal(domain.body.token.project, undefined);
  assert.equal(domain.body.token.roles.length, 3);
  const system = await cloud.signIn('admin', ADMIN_PASSWORD, { system: { all: true } });
  assert.deepEqual(system.body.token.system, { all: true });
  assert.equal(cloud.identity.authenticate(tokenOf(system))?.isAdmin, true);
  for (const scope of ['unscoped', { unscoped: {} }]) {
    const { status, body, headers } = await cloud.signIn('admin', ADMIN_PASSWORD, scope);
    assert.equal(status, 201);
    for (const key of ['project', 'domain', 'system', 'roles', 'catalog']) assert.equal(body.token[key], undefined);
    const caller = cloud.identity.authenticate(String(headers['x-subject-token']));
    assert.deepEqual([caller?.projectId, caller?.roles, caller?.isAdmin], ['', [], false]);
  }
  const list = await cloud.request('GET', '/identity/v3/auth/domains', { token: admin });
  assert.deepEqual(
    list.body.domains.map((item: { id: string }) => item.id),
    ['default'],
  );
  const everything = await cloud.request('GET', '/identity/v3/auth/system', { token: admin });
  assert.deepEqual(everything.body.system, [{ all: true }]);
});

test('without a scope the default project counts, if it is of use', async () => {
  assert.equal((await cloud.signIn('admin', ADMIN_PASSWORD)).body.token.project.name, 'admin');
  const { userId, projectId } = await cloud.member('defaults');
  assert.equal((await cloud.signIn('defaults', 'pw')).body.token.project, undefined);
  const set = (id: string) =>
    cloud.request('PATCH', `/identity/v3/users/${userId}`, {
      token: admin,
      body: { user: { default_project_id: id } },
    });
  await set(projectId);
  assert.equal((await cloud.signIn('defaults', 'pw')).body.token.project.id, projectId);
  await set('0'.repeat(32));
  assert.equal((await cloud.signIn('defaults', 'pw')).body.token.project, undefined);
});

test('a token makes another of any scope, that lives no longer', async () => {
  const unscoped = await cloud.signIn('admin', ADMIN_PASSWORD, 'unscoped');
  cloud.advance(600);
  const rescoped = await byToken(tokenOf(unscoped), adminProject);
  assert.equal(rescoped.status, 201);
  const [first, second] = [unscoped.body.token, rescoped.body.token];
  assert.equal(second.expires_at, first.expires_at);
  assert.notEqual(second.issued_at, first.issued_at);
  assert.deepEqual(second.methods, ['token', 'password']);
  assert.deepEqual(second.audit_ids, [second.audit_ids[0], first.audit_ids[0]]);
  const third = await byToken(tokenOf(rescoped), 'unscoped');
  assert.deepEqual(third.body.token.methods, ['token', 'password']);
  assert.equal(third.body.token.expires_at, first.expires_at);
  cloud.advance(TOKEN_LIFE - 600);
  assert.equal((await byToken(tokenOf(rescoped), adminProject)).status, 401);
  admin = await cloud.adminToken();
});

test('two methods must agree on the user', async () => {
  const { token } = await cloud.member('two-methods');
  const user = (name: string, password: string) => ({ name, domain: { id: 'default' }, password });
  const identity = (name: string, password: string) => ({
    methods: ['password', 'token'],
    password: { user: user(name, password) },
    token: { id: token },
  });
  const both = await auth(identity('two-methods', 'pw'), 'unscoped');
  assert.deepEqual(both.body.token.methods, ['password', 'token']);
  assert.equal((await auth(identity('admin', ADMIN_PASSWORD), 'unscoped')).status, 401);
  assert.equal((await auth(identity('two-methods', 'wrong'), 'unscoped')).status, 401);
});

test('services validate tokens, everyone their own', async () => {
  const { token } = await cloud.member('validated');
  const validate = (by: string, subject: string, method: 'GET' | 'HEAD' = 'GET', query = '') =>
    cloud.request(method, `${TOKENS}${query}`, { token: by, headers: { 'x-subject-token': subject } });
  const shown = await validate(admin, token);
  assert.equal(shown.status, 200);
  assert.equal(shown.headers['x-subject-token'], token);
  assert.equal(shown.body.token.user.name, 'validated');
  assert.equal(shown.body.token.catalog.length, 4);
  assert.equal((await validate(admin, token, 'GET', '?nocatalog')).body.token.catalog, undefined);
  const head = await validate(admin, token, 'HEAD');
  assert.deepEqual([head.status, head.body], [200, undefined]);
  assert.equal((await validate(token, token)).status, 200);
  assert.equal((await validate(token, admin)).status, 403);
  const unknown = await validate(admin, 'nonsense');
  assert.equal(unknown.status, 404);
  assert.deepEqual(unknown.body.error, { code: 404, message: 'Could not find token.', title: 'Not Found' });
  assert.equal((await validate(admin, 'nonsense', 'HEAD')).status, 404);
  assert.equal((await cloud.request('GET', TOKENS, { token: admin })).status, 404);
  const revoke = (by: string, subject: string) =>
    cloud.request('DELETE', TOKENS, {
      token: by,
      headers: { 'x-subject-token': subject, 'content-type': 'application/json' },
    });
  assert.equal((await revoke(token, admin)).status, 403);
  assert.equal((await revoke(token, token)).status, 204);
  assert.equal((await revoke(admin, token)).status, 404);
  assert.equal((await validate(admin, token)).status, 404);
});

test('what a token can be made for', async () => {
  const { token, userId, projectId } = await cloud.member('choices');
  const unscoped = tokenOf(await cloud.signIn('choices', 'pw', 'unscoped'));
  const get = (path: string, by: string) => cloud.request('GET', `/identity/v3/${path}`, { token: by });
  for (const by of [token, unscoped]) {
    for (const path of ['auth/projects', `users/${userId}/projects`]) {
      const { status, body } = await get(path, by);
      assert.equal(status, 200);
      assert.deepEqual(
        body.projects.map((project: { id: string }) => project.id),
        [projectId],
      );
      assert.equal(body.links.self, `http://cloud.example:9696/identity/v3/${path}`);
      assert.equal(body.projects[0].links.self, `http://cloud.example:9696/identity/v3/projects/${projectId}`);
    }
  }
  assert.deepEqual((await get('auth/domains', token)).body.domains, []);
  assert.deepEqual((await get('auth/system', token)).body.system, []);
  const catalog = await get('auth/catalog', token);
  assert.equal(catalog.body.catalog.length, 4);
  assert.equal((await get('auth/catalog', unscoped)).status, 403);
  const bare = await cloud.request('POST', `${TOKENS}?nocatalog`, {
    body: {
      auth: { identity: { methods: ['token'], token: { id: unscoped } }, scope: { project: { id: projectId } } },
    },
  });
  assert.equal(bare.body.token.catalog, undefined);
});
