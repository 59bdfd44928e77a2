import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { authSettings } from './auth.ts';
import { floatingIp, network, port, securityGroupRule } from './network-resources.ts';
import { flavor, project, server } from './other-resources.ts';
import { find, findId, idOf, listAll } from './resolve.ts';
import { Session } from './session.ts';
import { type StandInCloud, startStandInCloud } from './stand-in-cloud.ts';
import { IDS } from './stand-in-ids.ts';

let cloud: StandInCloud;
let session: Session;

before(async () => {
  cloud = await startStandInCloud();
  session = await Session.connect(await authSettings({ options: {}, insecure: false, env: cloud.env, cwd: '/' }));
  cloud.requests.length = 0;
});

afterEach(() => {
  cloud.requests.length = 0;
  cloud.answers.clear();
});

after(() => cloud[Symbol.asyncDispose]());

test('a name of the networking API is one request, an id too', async () => {
  assert.equal(idOf(await find(session, network, 'private')), IDS.private);
  assert.equal(idOf(await find(session, network, IDS.private)), IDS.private);
  assert.deepEqual(cloud.calls(), ['GET /v2.0/networks?name=private', `GET /v2.0/networks/${IDS.private}`]);
});

test('a name that looks like an id is looked up both ways', async () => {
  await assert.rejects(find(session, network, IDS.port), { message: `No Network found for ${IDS.port}` });
  assert.deepEqual(cloud.calls(), [`GET /v2.0/networks/${IDS.port}`, `GET /v2.0/networks?name=${IDS.port}`]);
});

test('a floating IP is named by its address', async () => {
  assert.equal(await findId(session, floatingIp, '10.11.7.5'), IDS.otherFloatingIp);
  await assert.rejects(find(session, floatingIp, '10.11.7.9'), { message: 'No FloatingIP found for 10.11.7.9' });
});

test('several of one name are an error', async () => {
  const twins = [
    { id: 'a', name: 'twin' },
    { id: 'b', name: 'twin' },
  ];
  cloud.answers.set('GET /v2.0/ports', { status: 200, body: { ports: twins } });
  await assert.rejects(find(session, port, 'twin'), { message: "More than one Port exists with the name 'twin'." });
});

test('a filter that a service treats as a pattern, or ignores, still finds the one of that very name', async () => {
  const alike = [
    { id: 'a', name: 'web10' },
    { id: 'b', name: 'web1' },
  ];
  cloud.answers.set('GET /v2.1/servers/detail', { status: 200, body: { servers: alike } });
  assert.equal(await findId(session, server, 'web1'), 'b');
  assert.equal(await findId(session, flavor, 'm1.small'), '1');
  assert.equal(await findId(session, flavor, '1'), '1');
  await assert.rejects(find(session, server, 'web'), { message: "No server with a name or ID of 'web' exists." });
});

test('rules have no names', async () => {
  await assert.rejects(find(session, securityGroupRule, 'web'), { message: 'No SecurityGroupRule found for web' });
  assert.deepEqual(cloud.calls(), []);
});

test('who may not look projects up names them by id', async () => {
  cloud.answers.set('GET /v3/projects/p1', { status: 403, body: { error: { code: 403, message: 'no' } } });
  cloud.answers.set('GET /v3/projects', { status: 403, body: { error: { code: 403, message: 'no' } } });
  assert.equal(await findId(session, project, 'p1'), 'p1');
});

test('lists follow the next links, on the address the client knows', async () => {
  const original = cloud.answers;
  const page = {
    networks: [{ id: 'a' }],
    networks_links: [{ rel: 'next', href: 'http://internal:9696/v2.0/networks?marker=a' }],
  };
  let first = true;
  original.get = (key) => {
    if (key !== 'GET /v2.0/networks') return undefined;
    const answer = { status: 200, body: first ? page : { networks: [{ id: 'b' }] } };
    first = false;
    return answer;
  };
  assert.deepEqual((await listAll(session, network, { limit: 1 })).map(idOf), ['a', 'b']);
  assert.deepEqual(cloud.calls(), ['GET /v2.0/networks?limit=1', 'GET /v2.0/networks?marker=a']);
  original.get = Map.prototype.get;
});
