import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PostgresqlServer } from '@portward/controller/store/postgresql-server.ts';
import { newDatabase } from '@portward/controller/store/test-store.ts';
import { ApiCloud } from './api-cloud.ts';

type Body = Record<string, unknown>;

interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  body: any;
}

async function send(method: string, url: string, token: string | undefined, body?: Body): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...(token !== undefined && { 'x-auth-token': token }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

async function signIn({ url }: ApiCloud, password: string): Promise<string> {
  const domain = { id: 'default' };
  const { status, headers } = await send('POST', `${url}/identity/v3/auth/tokens`, undefined, {
    auth: {
      identity: { methods: ['password'], password: { user: { name: 'admin', domain, password } } },
      scope: { project: { name: 'admin', domain } },
    },
  });
  assert.equal(status, 201);
  return headers.get('x-subject-token') as string;
}

test('two controllers on one PostgreSQL: either serves what the other made, and one may be killed', async () => {
  // Durable, as an operator’s is: one controller is killed while it writes.
  const server = await PostgresqlServer.start({ durable: true });
  const clouds: ApiCloud[] = [];
  try {
    const { url: store } = await newDatabase(server.url());
    // Both at once: one makes the tables and the first users, the other finds them.
    const starts = await Promise.allSettled([ApiCloud.start({ store }), ApiCloud.start({ store })]);
    for (const start of starts) if (start.status === 'fulfilled') clouds.push(start.value);
    for (const start of starts) if (start.status === 'rejected') throw start.reason;
    const [one, two] = clouds as [ApiCloud, ApiCloud];
    const password = [one, two].map((cloud) => cloud.passwordOf('admin')).find((found) => found !== undefined);
    const networks = (cloud: ApiCloud) => `${cloud.url}/networking/v2.0/networks`;

    const token = await signIn(one, password as string);
    const made = await send('POST', networks(one), token, { network: { name: 'made by one' } });
    assert.equal(made.status, 201);
    const shown = await send('GET', `${networks(two)}/${made.body.network.id}`, token);
    assert.deepEqual([shown.status, shown.body], [200, made.body], 'the token counts at both, the network is there');

    const { project_id: project } = made.body.network;
    const quota = await send('PUT', `${two.url}/networking/v2.0/quotas/${project}`, token, { quota: { network: -1 } });
    assert.equal(quota.status, 200);

    // A burst at one, which is killed in the middle of it; what it answered is at the other.
    const answered: string[] = [];
    const burst = Array.from({ length: 600 }, async (_, index) => {
      const name = `burst ${index}`;
      const answer = await send('POST', networks(one), token, { network: { name } }).catch(() => undefined);
      if (answer?.status === 201) answered.push(name);
      if (answered.length === 20) await one.end('SIGKILL');
    });
    await Promise.all(burst);
    assert.ok(answered.length >= 20 && answered.length < 600, `${answered.length} were answered`);
    const after = await send('POST', networks(two), token, { network: { name: 'made by two' } });
    assert.equal(after.status, 201, 'the other writes on');
    const list = await send('GET', `${networks(two)}?fields=name`, token);
    const names = new Set(list.body.networks.map((network: { name: string }) => network.name));
    for (const name of [...answered, 'made by two']) assert.ok(names.has(name), `${name} was answered and is lost`);
  } finally {
    for (const cloud of clouds) await cloud.stop();
    await server.stop();
  }
});
