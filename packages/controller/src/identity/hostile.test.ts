import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { CloudFixture } from './cloud-fixture.ts';

let cloud: CloudFixture;
let admin: string;
let userId: string;
before(async () => {
  cloud = await CloudFixture.open();
  admin = await cloud.adminToken();
  userId = cloud.identity.authenticate(admin)?.userId ?? '';
});
after(() => cloud.close());

const keys = ['auth', 'identity', 'methods', 'password', 'user', 'name', 'id', 'domain', 'scope', 'project', 'token'];
const more = ['role', 'enabled', 'tags', 'roles', 'options', 'application_credential', 'secret', 'expires_at', 'email'];
const scalar = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('password', 'token', 'application_credential', 'default', 'admin', 'unscoped', '\0', '\ud800'),
  fc.double(),
  fc.maxSafeInteger(),
  fc.boolean(),
  fc.constant(null),
);
/** JSON in the vocabulary of the API, so that it gets past the first checks. */
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...keys, ...more), fc.string()), tie('json'), { maxKeys: 6 }),
  ),
}));

/** Never a 5xx, and always the envelope. */
async function survives(
  method: 'POST' | 'PATCH' | 'PUT' | 'GET' | 'DELETE',
  url: string,
  body?: unknown,
): Promise<void> {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const answer = await cloud.request(method, url, { token: admin, headers, body: payload });
  assert.ok(answer.status < 500, `${answer.status} ${method} ${url} ${payload}`);
  if (answer.status >= 400) assert.equal(answer.body.error.code, answer.status);
}

test('no body of a sign-in breaks anything', () =>
  fc.assert(
    fc.asyncProperty(json, json, json, async (identity, scope, user) => {
      await survives('POST', '/identity/v3/auth/tokens', { auth: { identity, scope } });
      await survives('POST', '/identity/v3/auth/tokens', {
        auth: { identity: { methods: ['password'], password: { user } }, scope },
      });
      await survives('POST', '/identity/v3/auth/tokens', {
        auth: { identity: { methods: ['token', 'application_credential'], token: user, application_credential: user } },
      });
    }),
    { numRuns: 150 },
  ));

test('no body of a change breaks anything', () =>
  fc.assert(
    fc.asyncProperty(json, fc.string({ minLength: 1, maxLength: 20 }), async (inner, name) => {
      const named = { name, ...(typeof inner === 'object' && inner !== null ? inner : { description: inner }) };
      for (const kind of ['project', 'user', 'role', 'domain']) {
        await survives('POST', `/identity/v3/${kind}s`, { [kind]: inner });
        await survives('POST', `/identity/v3/${kind}s`, { [kind]: named });
        await survives('PATCH', `/identity/v3/${kind}s/nope`, { [kind]: inner });
      }
      await survives('POST', `/identity/v3/users/${userId}/application_credentials`, { application_credential: named });
      await survives('POST', `/identity/v3/users/${userId}/password`, { user: inner });
    }),
    { numRuns: 60 },
  ));

test('no path, query or header breaks anything', () =>
  fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string(), async (text, key) => {
      const part = encodeURIComponent(text.toWellFormed()) || 'x';
      const query = `${encodeURIComponent(key.toWellFormed())}=${part}`;
      for (const path of ['users', 'projects', 'roles', 'domains', 'services', 'regions', 'groups', 'nope']) {
        await survives('GET', `/identity/v3/${path}/${part}`);
        await survives('GET', `/identity/v3/${path}?name=${part}&${query}&enabled=${part}&enabled=x`);
      }
      await survives('GET', `/identity/v3/role_assignments?user.id=${part}&effective=${part}&include_names`);
      await survives('PUT', `/identity/v3/projects/${part}/users/${part}/roles/${part}`);
      await survives('DELETE', `/identity/v3/domains/${part}`);
    }),
    { numRuns: 60 },
  ));
