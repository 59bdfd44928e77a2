import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN_PASSWORD, CloudFixture } from '@portward/controller/identity/cloud-fixture.ts';
import { KEYSTONE_ADMIN, KeystoneServer } from './keystone-server.ts';

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One request, sent to Keystone and to the embedded Identity. `{name}` stands for the id or token saved as `name`. */
interface Row {
  readonly send: `${Method} ${string}`;
  readonly body?: unknown;
  /** Name of the token that it carries; the administrator's unless said. */
  readonly as?: 'member' | 'unscoped' | 'nobody' | 'nonsense';
  /** Name of the token that it is about. */
  readonly about?: string;
  /** What the id, or the token, of the answer is called from then on. */
  readonly save?: string;
}

interface Answer {
  readonly status: number;
  readonly token: string | undefined;
  readonly body: unknown;
}

/** One of the two services, with what was saved from its answers. */
interface Side {
  readonly names: Map<string, string>;
  request(method: Method, path: string, body: unknown, headers: Record<string, string>): Promise<Answer>;
}

const DOMAIN = { id: 'default' };
const signIn = (name: string, password: string, scope?: unknown) => ({
  auth: {
    identity: { methods: ['password'], password: { user: { name, domain: DOMAIN, password } } },
    ...(scope !== undefined && { scope }),
  },
});
const byToken = (token: string, scope?: unknown) => ({
  auth: { identity: { methods: ['token'], token: { id: token } }, ...(scope !== undefined && { scope }) },
});
const byCredential = (credential: unknown) => ({
  auth: { identity: { methods: ['application_credential'], application_credential: credential } },
});

const TOKENS = '/auth/tokens?nocatalog';
const GRANTS = '/projects/{p2}/users/{u1}/roles';
const CREDENTIALS = '/users/{u1}/application_credentials';
const P2 = { project: { id: '{p2}' } };

const USERS: readonly Row[] = [
  { send: 'POST /users', body: { user: { name: 'u1', password: 'pw', email: 'e@x', description: 'd' } }, save: 'u1' },
  { send: 'POST /users', body: { user: { name: 'u2', password: 'pw', domain_id: 'default' } }, save: 'u2' },
  { send: 'GET /users/{u1}' },
  { send: 'GET /users/nope' },
  { send: 'GET /users?name=u1' },
  { send: 'GET /users?name=nope' },
  { send: 'HEAD /users' },
  { send: 'POST /users', body: { user: { name: 'u1', password: 'pw' } } },
  { send: 'POST /users', body: { user: { password: 'pw' } } },
  { send: 'POST /users', body: { user: { name: 5 } } },
  { send: 'POST /users', body: { user: { name: '' } } },
  { send: 'POST /users', body: { user: { name: 'x'.repeat(256) } } },
  { send: 'POST /users', body: { user: { name: 'x', enabled: 'yes' } } },
  { send: 'POST /users', body: { user: { name: 'x', domain_id: 'nope' } } },
  { send: 'POST /users', body: '{bad' },
  { send: 'PATCH /users/{u1}', body: { user: { description: 'new', enabled: true } } },
  { send: 'PATCH /users/{u1}', body: { user: {} } },
  { send: 'PATCH /users/{u1}', body: { user: { id: 'other' } } },
  { send: 'PATCH /users/{u1}', body: { user: { domain_id: 'other' } } },
  { send: 'PATCH /users/{u1}', body: { user: { name: 'u2' } } },
  { send: 'PATCH /users/nope', body: { user: { name: 'y' } } },
  { send: 'DELETE /users/nope' },
  { send: 'GET /users/{u1}/projects' },
  { send: 'GET /users/nope/projects' },
  { send: 'GET /users/{u1}/groups' },
  { send: 'GET /users/nope/groups' },
];

const PROJECTS: readonly Row[] = [
  { send: 'POST /projects', body: { project: { name: 'p1', description: 'd' } }, save: 'p1' },
  { send: 'POST /projects', body: { project: { name: 'p2', description: null, tags: ['a'] } }, save: 'p2' },
  { send: 'POST /projects', body: { project: { name: 'p3', parent_id: '{p1}' } }, save: 'p3' },
  { send: 'POST /projects', body: { project: { name: 'p1' } } },
  { send: 'POST /projects', body: { project: { name: '  ' } } },
  { send: 'POST /projects', body: { project: {} } },
  { send: 'POST /projects', body: { project: { name: 'x', domain_id: 'nope' } } },
  { send: 'POST /projects', body: { project: { name: 'x', parent_id: 'nope' } } },
  { send: 'GET /projects/{p1}' },
  { send: 'HEAD /projects/{p1}' },
  { send: 'GET /projects/nope' },
  { send: 'GET /projects?name=p1' },
  { send: 'GET /projects?domain_id=default&name=p2' },
  { send: 'GET /projects/{p3}?parents_as_ids' },
  { send: 'GET /projects/{p1}?subtree_as_ids' },
  { send: 'GET /projects/{p3}?subtree_as_ids' },
  { send: 'GET /projects/{p3}?parents_as_list' },
  { send: 'GET /projects/{p1}?subtree_as_list' },
  { send: 'PATCH /projects/{p2}', body: { project: { description: 'x' } } },
  { send: 'PATCH /projects/{p2}', body: { project: { description: null } } },
  { send: 'PATCH /projects/{p2}', body: { project: {} } },
  { send: 'PATCH /projects/{p2}', body: { project: { domain_id: 'other' } } },
  { send: 'PATCH /projects/{p2}', body: { project: { parent_id: '{p1}' } } },
  { send: 'PATCH /projects/nope', body: { project: { name: 'z' } } },
  { send: 'DELETE /projects/{p1}' },
  { send: 'PUT /projects/{p2}/tags/blue' },
  { send: 'GET /projects/{p2}/tags/blue' },
  { send: 'HEAD /projects/{p2}/tags/blue' },
  { send: 'GET /projects/{p2}/tags/nope' },
  { send: 'DELETE /projects/{p2}/tags/blue' },
  { send: 'DELETE /projects/{p2}/tags/blue' },
  { send: 'PUT /projects/{p2}/tags', body: { tags: ['a/b'] } },
  { send: 'DELETE /projects/{p2}/tags' },
];

const ROLES: readonly Row[] = [
  { send: 'POST /roles', body: { role: { name: 'r1' } }, save: 'r1' },
  { send: 'POST /roles', body: { role: { name: 'r2', description: 'd' } }, save: 'r2' },
  { send: 'POST /roles', body: { role: { name: 'r1' } } },
  { send: 'POST /roles', body: { role: {} } },
  { send: 'GET /roles/{r1}' },
  { send: 'GET /roles/nope' },
  { send: 'GET /roles?name=r1' },
  { send: 'GET /roles?name=member', save: 'member role' },
  { send: 'PATCH /roles/{r1}', body: { role: { description: 'new' } } },
  { send: 'PATCH /roles/nope', body: { role: { name: 'q' } } },
  { send: 'PATCH /roles/{r1}', body: { role: { name: 'r2' } } },
  { send: 'PATCH /roles/{member role}', body: { role: { name: 'q' } } },
  { send: 'DELETE /roles/{member role}' },
  { send: 'PUT /roles/{r1}/implies/{r2}' },
  { send: 'GET /roles/{r1}/implies' },
  { send: 'GET /roles/{r1}/implies/{r2}' },
  { send: 'HEAD /roles/{r1}/implies/{r2}' },
  { send: 'GET /roles/{r2}/implies/{r1}' },
  { send: 'HEAD /roles/{r2}/implies/{r1}' },
  { send: 'DELETE /roles/{r2}/implies/{r1}' },
  { send: 'PUT /roles/{r1}/implies/nope' },
  { send: 'GET /role_inferences' },
  { send: 'DELETE /roles/{r1}/implies/{r2}' },
  { send: 'GET /roles/{r1}/implies' },
  { send: 'GET /roles/nope/implies' },
];

const ASSIGNMENTS: readonly Row[] = [
  { send: `GET ${GRANTS}` },
  ...(['HEAD', 'GET', 'DELETE', 'PUT', 'PUT', 'HEAD', 'GET'] as const).map(
    (method): Row => ({
      send: `${method} ${GRANTS}/{r1}`,
    }),
  ),
  { send: `GET ${GRANTS}` },
  { send: `PUT ${GRANTS}/nope` },
  { send: 'PUT /projects/{p2}/users/nope/roles/{r1}' },
  { send: 'PUT /projects/nope/users/{u1}/roles/{r1}' },
  { send: 'GET /projects/{p2}/users/nope/roles' },
  { send: 'GET /projects/nope/users/{u1}/roles' },
  { send: 'GET /projects/{p2}/groups/nope/roles' },
  { send: 'PUT /projects/{p2}/groups/nope/roles/{r1}' },
  { send: 'PUT /domains/default/users/{u1}/roles/{r1}' },
  { send: 'GET /domains/default/users/{u1}/roles' },
  { send: 'HEAD /domains/default/users/{u1}/roles/{r1}' },
  { send: 'PUT /domains/nope/users/{u1}/roles/{r1}' },
  { send: 'PUT /system/users/{u1}/roles/{r2}' },
  { send: 'GET /system/users/{u1}/roles' },
  { send: 'GET /system/users/{u1}/roles/{r2}' },
  { send: 'GET /system/users/{u1}/roles/{r1}' },
  { send: 'GET /role_assignments?user.id={u1}' },
  { send: 'GET /role_assignments?user.id={u1}&include_names=True' },
  { send: 'GET /role_assignments?scope.project.id={p2}' },
  { send: 'GET /role_assignments?scope.system=all&user.id={u1}' },
  { send: 'GET /role_assignments?role.id={r2}' },
  { send: 'GET /role_assignments?user.id=nope' },
  { send: 'GET /role_assignments?scope.project.id={p2}&scope.domain.id=default' },
  { send: 'GET /role_assignments?user.id={u1}&group.id=x' },
  { send: 'GET /role_assignments?group.id=x&effective' },
  { send: 'DELETE /system/users/{u1}/roles/{r2}' },
  { send: 'DELETE /system/users/{u1}/roles/{r2}' },
  { send: `PUT ${GRANTS}/{member role}` },
];

const MEMBER: readonly Row[] = (
  [
    ...['/users/{u1}', '/users/{u1}/projects', '/users/{u1}/groups', '/projects/{p2}', '/projects/{p2}/tags/x'],
    ...['/projects/{p1}', '/projects/nope', '/users/{u2}', '/users/nope', '/users', '/users?name=u1', '/projects'],
    ...['/roles', '/roles/{r1}', '/role_inferences', '/services', '/endpoints', '/domains', '/domains/default'],
    ...['/domains/nope', '/role_assignments', GRANTS, '/groups', '/credentials', '/policies', '/limits'],
    ...['/registered_limits', '/auth/projects', '/auth/domains', '/auth/system', '/users/{u1}/access_rules'],
  ] as const
).map((path): Row => ({ send: `GET ${path}`, as: 'member' }));

const TOKEN_ROWS: readonly Row[] = [
  { send: `GET ${TOKENS}`, as: 'member', about: 'member' },
  { send: `GET ${TOKENS}`, about: 'member' },
  { send: 'HEAD /auth/tokens', about: 'member' },
  { send: 'GET /auth/tokens', as: 'member', about: 'admin' },
  { send: 'HEAD /auth/tokens', about: 'nonsense' },
  { send: 'GET /auth/tokens' },
  { send: 'GET /users', as: 'nobody' },
  { send: 'GET /users', as: 'nonsense' },
  { send: `POST ${TOKENS}`, as: 'nobody', body: signIn('u1', 'bad') },
  { send: `POST ${TOKENS}`, as: 'nobody', body: signIn('nobody', 'bad') },
  { send: `POST ${TOKENS}`, as: 'nobody', body: signIn('u1', 'pw', { project: { id: '{p1}' } }) },
  { send: `POST ${TOKENS}`, as: 'nobody', body: signIn('u1', 'pw', { project: { id: 'nope' } }) },
  { send: `POST ${TOKENS}`, as: 'nobody', body: signIn('u1', 'pw', { project: { name: 'p2' } }) },
  { send: `POST ${TOKENS}`, as: 'nobody', body: signIn('u1', 'pw', { system: { all: true } }) },
  { send: `POST ${TOKENS}`, as: 'nobody', body: signIn('u1', 'pw', { domain: DOMAIN }) },
  { send: `POST ${TOKENS}`, as: 'nobody', body: signIn('u1', 'pw', { unscoped: {} }) },
  { send: `POST ${TOKENS}`, as: 'nobody', body: signIn('u1', 'pw') },
  { send: `POST ${TOKENS}`, as: 'nobody', body: signIn('u1', 'pw', P2) },
  { send: `POST ${TOKENS}`, as: 'nobody', body: byToken('{unscoped}', P2), save: 'rescoped' },
  { send: `POST ${TOKENS}`, as: 'nobody', body: { auth: {} } },
  { send: `POST ${TOKENS}`, as: 'nobody', body: { auth: { identity: {} } } },
  { send: `POST ${TOKENS}`, as: 'nobody', body: { auth: { identity: { methods: ['password'] } } } },
  { send: `POST ${TOKENS}`, as: 'nobody', body: { auth: { identity: { methods: [] } } } },
  { send: 'DELETE /auth/tokens', about: 'rescoped' },
  { send: 'GET /users/{u1}', as: 'member' },
];

const CREDENTIAL_ROWS: readonly Row[] = [
  {
    send: `POST ${CREDENTIALS}`,
    as: 'member',
    body: { application_credential: { name: 'a0', roles: [{ name: 'admin' }] } },
  },
  {
    send: `POST ${CREDENTIALS}`,
    as: 'member',
    body: {
      application_credential: {
        ...{ name: 'a1', secret: 's', description: 'd', expires_at: '2027-01-01T00:00:00' },
        ...{ roles: [{ id: '{member role}' }], unrestricted: true },
      },
    },
    save: 'a1',
  },
  { send: `POST ${CREDENTIALS}`, as: 'member', body: { application_credential: { name: 'a1' } } },
  {
    send: `POST ${CREDENTIALS}`,
    as: 'member',
    body: { application_credential: { name: 'a', expires_at: '2020-01-01T00:00:00' } },
  },
  { send: `POST ${CREDENTIALS}`, as: 'member', body: { application_credential: { name: 'a', expires_at: 'soon' } } },
  { send: `POST ${CREDENTIALS}`, as: 'member', body: { application_credential: {} } },
  { send: `POST ${CREDENTIALS}`, body: { application_credential: { name: 'a' } } },
  { send: `GET ${CREDENTIALS}`, as: 'member' },
  { send: `GET ${CREDENTIALS}?name=nope`, as: 'member' },
  { send: `GET ${CREDENTIALS}/{a1}` },
  { send: `GET ${CREDENTIALS}/nope`, as: 'member' },
  { send: `POST ${TOKENS}`, as: 'nobody', body: byCredential({ id: '{a1}', secret: 'x' }) },
  { send: `DELETE ${CREDENTIALS}/{a1}`, as: 'member' },
  { send: `DELETE ${CREDENTIALS}/{a1}`, as: 'member' },
];

const REST: readonly Row[] = [
  { send: 'POST /domains', body: { domain: { name: 'd1' } }, save: 'd1' },
  { send: 'POST /domains', body: { domain: { name: 'd1' } } },
  { send: 'GET /domains/{d1}' },
  { send: 'GET /domains/nope' },
  { send: 'GET /domains/default' },
  { send: 'GET /domains?name=Default' },
  { send: 'PATCH /domains/{d1}', body: { domain: { description: 'x' } } },
  { send: 'PATCH /domains/{d1}', body: { domain: {} } },
  { send: 'DELETE /domains/{d1}' },
  { send: 'PATCH /domains/{d1}', body: { domain: { enabled: false } } },
  { send: 'DELETE /domains/{d1}' },
  ...['/groups?name=x', '/groups/nope', '/policies/nope', '/services/nope', '/endpoints/nope', '/regions/nope'].map(
    (path): Row => ({ send: `GET ${path}` }),
  ),
  { send: 'POST /users/{u1}/password', as: 'member', body: { user: { original_password: 'bad', password: 'new' } } },
  { send: 'POST /users/{u1}/password', as: 'member', body: { user: { password: 'new' } } },
  { send: 'POST /users/{u2}/password', as: 'member', body: { user: { original_password: 'bad', password: 'new' } } },
  { send: 'POST /users/{u2}/password', as: 'nobody', body: { user: { original_password: 'pw', password: 'new' } } },
  { send: 'POST /users/{u1}/password', as: 'member', body: { user: { original_password: 'pw', password: 'new' } } },
  { send: 'GET /users/{u1}', as: 'member' },
  { send: 'DELETE /users/{u1}' },
  { send: 'DELETE /roles/{r1}' },
  { send: 'DELETE /roles/nope' },
  { send: 'DELETE /projects/{p3}' },
  { send: 'DELETE /projects/{p3}' },
];

const PARTS: Readonly<Record<string, readonly Row[]>> = {
  ...{ users: USERS, projects: PROJECTS, roles: ROLES, 'role assignments': ASSIGNMENTS, 'what a member may': MEMBER },
  ...{ tokens: TOKEN_ROWS, 'application credentials': CREDENTIAL_ROWS, 'the rest': REST },
};

test('the embedded Identity answers as Keystone does', { timeout: 180_000 }, async (t) => {
  const keystone = await KeystoneServer.start();
  t.after(() => keystone.stop());
  const cloud = await CloudFixture.open();
  t.after(() => cloud.close());
  const sides = [keystoneSide(keystone), embeddedSide(cloud)] as const;
  await saveToken(
    sides[0],
    'admin',
    signIn('admin', KEYSTONE_ADMIN.password, { project: { name: 'admin', domain: DOMAIN } }),
  );
  await saveToken(sides[1], 'admin', signIn('admin', ADMIN_PASSWORD, { project: { name: 'admin', domain: DOMAIN } }));
  for (const side of sides) side.names.set('nonsense', 'nonsense');

  for (const [part, rows] of Object.entries(PARTS)) {
    if (rows === MEMBER) {
      for (const side of sides) {
        await saveToken(side, 'member', signIn('u1', 'pw', P2));
        await saveToken(side, 'unscoped', signIn('u1', 'pw', 'unscoped'));
      }
    }
    await t.test(part, async () => {
      for (const row of rows) {
        const [theirs, ours] = await Promise.all(sides.map((side) => answerOf(side, row)));
        const what = `${row.send} ${row.body === undefined ? '' : JSON.stringify(row.body)} as ${row.as ?? 'admin'}`;
        assert.deepEqual(ours, theirs, what);
      }
    });
  }
});

function keystoneSide(keystone: KeystoneServer): Side {
  return {
    names: new Map(),
    async request(method, path, body, headers) {
      const response = await fetch(`${keystone.url}${path}`, {
        method,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const token = response.headers.get('x-subject-token') ?? undefined;
      const text = await response.text();
      return { status: response.status, token, body: text === '' ? undefined : JSON.parse(text) };
    },
  };
}

function embeddedSide(cloud: CloudFixture): Side {
  return {
    names: new Map(),
    async request(method, path, body, headers) {
      const types = body === undefined ? {} : { 'content-type': 'application/json' };
      const answer = await cloud.request(method, `/identity/v3${path}`, { body, headers: { ...types, ...headers } });
      return {
        status: answer.status,
        token: answer.headers['x-subject-token'] as string | undefined,
        body: answer.body,
      };
    },
  };
}

async function saveToken(side: Side, name: string, body: unknown): Promise<void> {
  const { token } = await side.request('POST', '/auth/tokens', filledIn(side, body), {});
  if (token === undefined) throw new Error(`No token for ${name}`);
  side.names.set(name, token);
}

/** A value with names in braces replaced by what they stand for. */
function filledIn<T>(side: Side, value: T): T {
  const text = JSON.stringify(value);
  if (text === undefined) return value;
  return JSON.parse(text.replace(/\{([a-z][a-z0-9 ]*)\}/g, (whole, name: string) => side.names.get(name) ?? whole));
}

async function answerOf(side: Side, { send, body, as = undefined, about, save }: Row) {
  const [method = '', path = ''] = send.split(' ', 1).concat(send.slice(send.indexOf(' ') + 1));
  const token = as === 'nobody' ? undefined : side.names.get(as ?? 'admin');
  const answer = await side.request(method as Method, filledIn(side, path), filledIn(side, body), {
    ...(token !== undefined && { 'x-auth-token': token }),
    ...(about !== undefined && { 'x-subject-token': side.names.get(about) ?? '' }),
  });
  if (save !== undefined) side.names.set(save, answer.token ?? firstId(answer.body));
  return { status: answer.status, body: comparable(side, answer.body) };
}

function firstId(body: unknown): string {
  const [value] = Object.values(body as Record<string, { id: string } | { id: string }[]>);
  return (Array.isArray(value) ? value[0] : value)?.id ?? '';
}

/** A body without what differs from one cloud to another, and from one run to the next. */
function comparable(side: Side, body: unknown): unknown {
  const names = [...side.names].filter(([, id]) => /^[0-9a-f]{32}$/.test(id));
  const inWords = (text: string): string => {
    let words = text.replace(/http:\/\/[^/]*(\/identity)?\/v3/g, 'URL');
    for (const [name, id] of names) words = words.replaceAll(id, `{${name}}`);
    return words.replace(/[0-9a-f]{32}/g, '{id}').replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/g, '{time}');
  };
  const plain = (value: unknown, key = ''): unknown => {
    if (typeof value === 'string') return key === 'message' ? essence(inWords(value)) : inWords(value);
    if (Array.isArray(value)) {
      if (key === 'audit_ids') return value.length;
      const texts = value.map((item) => JSON.stringify(plain(item)));
      return texts.toSorted().map((text) => JSON.parse(text));
    }
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).filter(([name]) => !UNCOMPARED.includes(name));
    return Object.fromEntries(entries.map(([name, item]) => [inWords(name), plain(item, name)]).toSorted());
  };
  return plain(body);
}

/**
 * Not compared: what Keystone shows of a change beside the object (`extra`), its link from an application credential,
 * which leads nowhere, and what our bootstrap fills in and Keystone's does not.
 */
const UNCOMPARED = ['extra', 'links', 'default_project_id'];

/** A refusal's text without the schema, and without the value, that Keystone adds to it: it may be a secret. */
function essence(message: string): string {
  const [text = ''] = message.split('\n\nFailed validating');
  return text.replace(/^(Invalid input for field '[^']*'):(?! '\w+' is a required).*$/, '$1');
}
