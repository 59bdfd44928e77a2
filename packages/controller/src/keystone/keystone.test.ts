import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, test } from 'node:test';
import { ApiError } from '@portward/model/api-error.ts';
import type { Keystone } from './keystone.ts';
import { StandInKeystone } from './stand-in-keystone.ts';

let standIn: StandInKeystone;
beforeEach(async () => {
  standIn = await StandInKeystone.start();
  standIn.tokens.set('alice', { user: 'u-alice', project: 'p-alpha', roles: ['member', 'reader'] });
});
afterEach(() => standIn.stop());

/** The 503 that a question ends in; its text. */
async function refusalOf(keystone: Keystone, token: string): Promise<string> {
  const error = await Promise.resolve(keystone.authenticate(token)).then(
    (caller) => assert.fail(`answered ${JSON.stringify(caller)}`),
    (reason) => reason,
  );
  assert.ok(error instanceof ApiError);
  assert.deepEqual([error.status, error.type], [503, 'ServiceUnavailable']);
  return error.message.replace(`Keystone at ${standIn.url}`, 'it');
}

test('a token’s holder is asked for once, then at hand without waiting, until the answer is too old', async () => {
  const keystone = standIn.open();
  const expected = { userId: 'u-alice', projectId: 'p-alpha', roles: ['member', 'reader'], isAdmin: false };
  const asked = keystone.authenticate('alice');
  assert.ok(asked instanceof Promise);
  assert.deepEqual(await asked, expected);
  assert.deepEqual(keystone.authenticate('alice'), expected);
  standIn.advance(59);
  assert.deepEqual(keystone.authenticate('alice'), expected);
  standIn.advance(1);
  standIn.tokens.delete('alice');
  assert.equal(await keystone.authenticate('alice'), undefined);
  assert.deepEqual(standIn.questions, ['alice', 'alice']);
});

test('an answer counts no longer than the token lives', async () => {
  standIn.tokens.set('short', { user: 'u', life: 10 });
  const keystone = standIn.open();
  assert.ok(await keystone.authenticate('short'));
  standIn.advance(9);
  assert.ok(!(keystone.authenticate('short') instanceof Promise));
  standIn.advance(1);
  assert.equal(await keystone.authenticate('short'), undefined, 'whatever Keystone says of it');
});

test('who is nobody is remembered for seconds only', async () => {
  const keystone = standIn.open();
  assert.equal(await keystone.authenticate('late'), undefined);
  standIn.tokens.set('late', { user: 'u' });
  assert.equal(keystone.authenticate('late'), undefined);
  standIn.advance(10);
  assert.equal((await keystone.authenticate('late'))?.userId, 'u');
});

test('with cache_seconds 0 each request is asked about', async () => {
  const keystone = standIn.open({ cache_seconds: 0 });
  for (const _ of [1, 2]) assert.ok(await keystone.authenticate('alice'));
  for (const _ of [1, 2]) assert.equal(await keystone.authenticate('nobody'), undefined);
  assert.equal(standIn.questions.length, 4);
});

test('requests at once ask one question, and the service user signs in once', async () => {
  standIn.tokens.set('bob', { user: 'u-bob' });
  const keystone = standIn.open();
  const tokens = ['alice', 'alice', 'bob', 'alice', 'nobody', 'nobody', 'bob'];
  const callers = await Promise.all(tokens.map((token) => keystone.authenticate(token)));
  assert.deepEqual(
    callers.map((caller) => caller?.userId),
    ['u-alice', 'u-alice', 'u-bob', 'u-alice', undefined, undefined, 'u-bob'],
  );
  assert.deepEqual(standIn.questions.toSorted(), ['alice', 'bob', 'nobody']);
  assert.equal(standIn.signIns.length, 1);
});

test('what cannot be a token is not asked about', async () => {
  const keystone = standIn.open();
  for (const text of ['', ' ', 'a b', 'é', 'a\nb', 'x'.repeat(4097)]) {
    assert.equal(keystone.authenticate(text), undefined);
  }
  assert.deepEqual(standIn.questions, []);
});

test('an admin holds the role that the configuration names, on a project or the system, not on a domain', async () => {
  standIn.tokens.set('on-project', { user: 'u', project: 'p', roles: ['admin'] });
  standIn.tokens.set('on-system', { user: 'u', roles: ['admin'] });
  standIn.tokens.set('on-domain', { user: 'u', domain: 'd', roles: ['admin'] });
  standIn.tokens.set('operator', { user: 'u', project: 'p', roles: ['operator'] });
  const adminsOf = async (keystone: Keystone) => {
    const admins: string[] = [];
    for (const token of ['on-project', 'on-system', 'on-domain', 'operator']) {
      if ((await keystone.authenticate(token))?.isAdmin) admins.push(token);
    }
    return admins;
  };
  assert.deepEqual(await adminsOf(standIn.open()), ['on-project', 'on-system']);
  assert.deepEqual(await adminsOf(standIn.open({ admin_role: 'operator' })), ['operator']);
});

test('the service user’s token is renewed before it expires, and when Keystone takes it no more', async () => {
  standIn.serviceTokenLife = 100;
  const keystone = standIn.open({ cache_seconds: 0 });
  assert.ok(await keystone.authenticate('alice'));
  standIn.advance(60);
  assert.ok(await keystone.authenticate('alice'));
  assert.equal(standIn.signIns.length, 1);
  standIn.advance(10);
  assert.ok(await keystone.authenticate('alice'));
  assert.equal(standIn.signIns.length, 2);
  standIn.voidServiceToken();
  assert.ok(await keystone.authenticate('alice'));
  assert.equal(standIn.signIns.length, 3);
});

test('the service user signs in with a password or an application credential, as its file says now', async () => {
  const keystone = standIn.open({ cache_seconds: 0 });
  await keystone.authenticate('alice');
  standIn.writeCredentials(
    'user_id: u1\npassword: other\nproject_name: service\nproject_domain_name: Services\nuser_domain_name: ignored\n',
  );
  standIn.voidServiceToken();
  await keystone.authenticate('alice');
  standIn.writeCredentials('application_credential_id: c1\napplication_credential_secret: s1\n');
  standIn.voidServiceToken();
  await keystone.authenticate('alice');
  standIn.writeCredentials(
    'application_credential_name: c\napplication_credential_secret: s\nusername: u\nuser_domain_name: Services\n',
  );
  standIn.voidServiceToken();
  await keystone.authenticate('alice');
  const domain = { id: 'default' };
  const services = { name: 'Services' };
  const withPassword = (user: unknown, project: unknown) => ({
    auth: { identity: { methods: ['password'], password: { user } }, scope: { project } },
  });
  const withCredential = (credential: unknown) => ({
    auth: { identity: { methods: ['application_credential'], application_credential: credential } },
  });
  assert.deepEqual(standIn.signIns, [
    withPassword({ name: 'portward', domain, password: 's3cret' }, { name: 'service', domain }),
    withPassword({ id: 'u1', password: 'other' }, { name: 'service', domain: services }),
    withCredential({ id: 'c1', secret: 's1' }),
    withCredential({ name: 'c', user: { name: 'u', domain: services }, secret: 's' }),
  ]);
});

test('whatever Keystone does wrong, clients get 503 with what it is, and the next question is asked anew', async () => {
  const status =
    (code: number, body = '') =>
    (_: unknown, response: ServerResponse) =>
      response.writeHead(code, { location: '/elsewhere' }).end(body);
  const failures: [NonNullable<StandInKeystone['failure']>, string][] = [
    [status(500), 'it answered 500'],
    [status(302), 'it answered 302'],
    [status(403), 'it does not let Portward’s service user check tokens'],
    [status(401), 'it does not take the token that it gave Portward’s service user'],
    [status(200), 'it answered 200, but nothing about the token'],
    [status(200, '{"token":{"user":{"id":"u"}}}'), 'it answered 200, but nothing about the token'],
    [status(200, '{"token":{"user":{},"expires_at":"soon"}}'), 'it answered 200, but nothing about the token'],
    [status(200, 'x'.repeat(2_000_000)), 'it answered more than a token’s content'],
    [(request) => request.socket.destroy(), 'it cannot be reached (ECONNRESET)'],
    [() => undefined, 'it did not answer within 1 s'],
    [
      (_, response) => {
        response.writeHead(200, { 'content-length': '10' });
        response.write('{');
      },
      'it did not answer within 1 s',
    ],
  ];
  const keystone = standIn.open();
  for (const failsSignIns of [false, true]) {
    for (const [failure, reason] of failures.slice(failsSignIns ? 6 : 0)) {
      standIn.failure = failure;
      standIn.failsSignIns = failsSignIns;
      if (failsSignIns) standIn.advance(3600);
      const text = await refusalOf(keystone, 'alice');
      const expected = reason.replace(', but nothing about the token', ' when Portward’s service user signed in');
      assert.equal(text, `The token cannot be checked: ${failsSignIns ? expected : reason}.`);
    }
  }
  standIn.failure = undefined;
  standIn.tokens.set('alice', { user: 'u-alice', life: 100 * 3600 });
  assert.equal((await keystone.authenticate('alice'))?.userId, 'u-alice');
  const log = standIn.log.join('');
  assert.match(log, /checks tokens again/);
  for (const secret of ['s3cret', 'service-token-1']) assert.ok(!log.includes(secret));
});

test('trouble is logged once, not for every request', async () => {
  standIn.failure = (_, response) => response.writeHead(500).end();
  const keystone = standIn.open();
  for (const token of ['a', 'b', 'c']) await refusalOf(keystone, token);
  assert.equal(standIn.log.filter((line) => line.includes('answered 500')).length, 1);
});

test('a connection that Keystone closed meanwhile costs a new one, no refusal', async () => {
  const keystone = standIn.open({ cache_seconds: 0 });
  assert.ok(await keystone.authenticate('alice'));
  let closed = 0;
  standIn.failure = (request) => {
    closed += 1;
    standIn.failure = undefined;
    request.socket.resetAndDestroy();
  };
  assert.ok(await keystone.authenticate('alice'));
  assert.equal(closed, 1);
});

test('a start with credentials that make no sense ends with what is wrong, and says no secret', () => {
  const problems: [string, RegExp][] = [
    ['password: s3cret\nproject_name: p\n', /holds no username or user_id\.$/],
    ['username: u\nproject_name: p\n', /holds no password and no application_credential_secret\.$/],
    ['username: u\npassword: s3cret\n', /holds no project_name or project_id\.$/],
    ['application_credential_secret: s3cret\n', /holds no application_credential_id or application_credential_name\.$/],
    ['username: u\npasswort: s3cret\n', /is wrong: file: Unrecognized key: "passwort"\.$/],
    ['username: u\npassword: [s3cret]\n', /is wrong: password: Invalid input: expected string, received array\.$/],
    ['username: u\npassword: "s3cret\n', /is no YAML file: see line \d\.$/],
    ['', /is wrong: file: /],
  ];
  for (const [content, message] of problems) {
    standIn.writeCredentials(content);
    assert.throws(
      () => standIn.open(),
      (error: Error) => message.test(error.message) && !error.message.includes('s3cret'),
      content,
    );
  }
  assert.throws(() => standIn.open({ credentials: '/nowhere' }), /^Error: The credentials for Keystone cannot be read/);
  standIn.writeCredentials('username: u\npassword: p\nproject_name: p\n');
  assert.throws(
    () => standIn.open({ url: 'https://127.0.0.1:1', ca_file: '/nowhere' }),
    /^Error: The certificates for Keystone cannot be read/,
  );
});
