import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { EXTENSIONS } from '../../networking/extensions.ts';
import { ServerFixture } from '../server-fixture.ts';
import { DOCS } from './reference-files.ts';

const server = await ServerFixture.open();
after(() => server.close());
const text = readFileSync(new URL('compatibility.md', DOCS), 'utf8');
/** | what | `METHOD path` | status `word` | */
const rows = [...text.matchAll(/^\| [^|]+ \| `([A-Z]+) ([^`]+)` \| (\d{3}) `([^`]+)` \|$/gm)];

test('what is not served is answered as docs/compatibility.md says', async () => {
  assert.ok(rows.length > 20);
  const token = await server.cloud.adminToken();
  const { images } = (await server.request('GET', '/image/v2/images', { token })).body;
  const made = await server.request('POST', '/compute/v2.1/servers', {
    token,
    headers: { 'openstack-api-version': 'compute 2.37' },
    body: { server: { name: 'vm', flavorRef: '1', imageRef: images[0].id, networks: 'none' } },
  });
  for (const [, method, path, status, word] of rows) {
    const url = (path as string).replace('SERVER', made.body.server.id);
    const body =
      method === 'GET' || method === 'DELETE' ? undefined : { security_group_rule: {}, resize: { flavorRef: '2' } };
    const answer = await server.request(method as string, url, { token, body });
    assert.equal(`${answer.status}`, status, `${method} ${url} ${answer.text}`);
    assert.ok(answer.text.includes(`"${word}"`), `${method} ${url} ${answer.text}`);
  }
});

test('no path that is said to be absent belongs to an alias that is advertised', () => {
  const aliases = EXTENSIONS.map(({ alias }) => alias);
  for (const alias of [
    'qos',
    'trunk',
    'segment',
    'metering',
    'logging',
    'local_ip',
    'l3-ndp-proxy',
    'auto-allocated-topology',
  ])
    assert.ok(!aliases.includes(alias), alias);
});
