import assert from 'node:assert/strict';
import { type AddressInfo, connect } from 'node:net';
import { after, test } from 'node:test';
import { ServerFixture } from '../server-fixture.ts';

const server = await ServerFixture.open();
await server.app.listen({ host: '127.0.0.1', port: 0 });
after(() => server.close());
const { port } = server.app.server.address() as AddressInfo;
const alice = await server.cloud.member('alice');
const { token } = alice;

/** Longest wait for what the server has to say to the end of a connection. */
const LONGEST_MS = 5000;

/**
 * Sends bytes as they are on a connection of their own; answers what came back. `last`: says that nothing more follows,
 * which ends a request that is not whole, and which a server may take for a client that is gone.
 */
async function say(bytes: string, last: boolean): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // A server that hangs up on nonsense is right to.
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve, reject) => {
    socket.once('close', () => resolve());
    socket.setTimeout(LONGEST_MS, () => reject(new Error('the server says nothing and does not hang up')));
  });
  socket.write(Buffer.from(bytes, 'latin1'));
  if (last) socket.end();
  try {
    await closed;
  } finally {
    socket.destroy();
  }
  return Buffer.concat(chunks).toString('utf8');
}

const request = (line: string, headers: string[] = [], body = ''): string =>
  [`${line} HTTP/1.1`, 'Host: localhost', 'Connection: close', `X-Auth-Token: ${token}`, ...headers, '', body].join(
    '\r\n',
  );
const put = (headers: string[], body: string): string =>
  request('POST /networking/v2.0/networks', ['Content-Type: application/json', ...headers], body);
const long = (length: number): string => 'x'.repeat(length);
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

const DEEP = `{"network":{"name":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`;
const NUL_BODY = JSON.stringify({ network: { name: '\0' } });
const DEEP_HEADERS = ['Content-Type: application/json', `Content-Length: ${DEEP.length}`];

/** What is sent, and the status: undefined where hanging up without a word will do, too. */
const CASES: Record<string, readonly [string, number | undefined]> = {
  'a target of raw UTF-8': [request(`GET /networking/v2.0/networks?name=${utf8('имя')}`), undefined],
  'a target of bytes that are no UTF-8': [request('GET /networking/v2.0/networks?name=\xff\xfe'), undefined],
  'a target with a NUL': [request('GET /networking/v2.0/networks/\0'), 400],
  'percent signs that encode no UTF-8': [request('GET /networking/v2.0/networks/%ff%fe'), 400],
  'a percent sign too many': [request('GET /networking/v2.0/networks/%'), 400],
  'an encoded NUL': [request('GET /networking/v2.0/networks/%00'), 400],
  'an encoded NUL in a query': [request('GET /identity/v3/users?name=a%00b'), 400],
  'a path that climbs': [request('GET /networking/v2.0/networks/../../../etc/passwd'), 404],
  'an encoded path that climbs': [request('GET /networking/v2.0/networks/%2e%2e%2f%2e%2e'), 404],
  'a target that is a URL': [request('GET http://evil.example/networking/v2.0/networks'), undefined],
  'a target that is a star': [request('OPTIONS *'), 404],
  'a target that is no path': [request('GET networking'), undefined],
  'a method that nobody knows': [request('BREW /networking/v2.0/networks'), 400],
  'a method of others': [request('PROPFIND /networking/v2.0/networks'), 404],
  'a CONNECT': [request('CONNECT localhost:1'), undefined],
  slashes: [request(`GET ${'/'.repeat(2000)}networking/v2.0/networks`), 200],
  'a path of many parts': [request(`GET /networking/v2.0${'/a'.repeat(3000)}`), 404],
  'an id that is too long': [request(`GET /networking/v2.0/networks/${long(5000)}`), 414],
  'a header that is too long': [request('GET /', [`X-Long: ${long(100_000)}`]), 431],
  'very many headers': [request('GET /networking', new Array(3000).fill('X-More: 1')), undefined],
  'very many parameters': [request(`GET /networking/v2.0/networks?${'a=1&'.repeat(3000)}`), 400],
  'brackets in brackets': [request(`GET /networking/v2.0/networks?name${'[a]'.repeat(1000)}=1`), 400],
  'two tokens': [request('GET /networking/v2.0/networks', ['X-Auth-Token: other']), 401],
  'two hosts': [request('GET /networking/v2.0/networks', ['Host: evil.example']), undefined],
  'a header with a line break folded': [request('GET /networking', ['X-Folded: a\r\n b']), undefined],
  'a header with a NUL': [request('GET /networking', ['X-Nul: \0']), 400],
  'a header of raw bytes': [request('GET /networking/v2.0/networks', ['If-Match: \xff\xfe']), 200],
  'a body without a type': [request('POST /networking/v2.0/networks', ['Content-Length: 2'], '{}'), 400],
  'a body of another type': [put(['Content-Type: text/xml', 'Content-Length: 2'], '{}'), undefined],
  'a body with a type that is no type': [
    request('POST /networking/v2.0/networks', ['Content-Type: ;;', 'Content-Length: 2'], '{}'),
    400,
  ],
  'a body that is no UTF-8': [put(['Content-Length: 22'], '{"network":{"name":"\xff"}'), 400],
  'a body shorter than it says': [put(['Content-Length: 100'], '{}'), undefined],
  'a body longer than it says': [put(['Content-Length: 2'], `{}${long(100)}`), 400],
  'a body of a length that is no number': [put(['Content-Length: x'], '{}'), 400],
  'a body of a negative length': [put(['Content-Length: -1'], '{}'), 400],
  'a body of two lengths': [put(['Content-Length: 2', 'Content-Length: 3'], '{}'), 400],
  'a body in chunks and of a length': [put(['Content-Length: 2', 'Transfer-Encoding: chunked'], '0\r\n\r\n'), 400],
  'a body in broken chunks': [put(['Transfer-Encoding: chunked'], 'zz\r\n{}\r\n0\r\n\r\n'), undefined],
  'a body that says that it is too large': [put(['Content-Length: 99999999'], ''), 413],
  'a body that is too large, in chunks': [
    put(['Transfer-Encoding: chunked'], `200000\r\n${long(0x20_0000)}\r\n0\r\n\r\n`),
    undefined,
  ],
  'a body that nothing announced with a GET': [
    request('GET /networking/v2.0/networks', ['Content-Length: 2'], '{}'),
    200,
  ],
  'a body of depth': [request('POST /networking/v2.0/networks', DEEP_HEADERS, DEEP), 400],
  'a body with a NUL': [put([`Content-Length: ${NUL_BODY.length}`], NUL_BODY), 400],
  'a sign-in of depth': [request('POST /identity/v3/auth/tokens', DEEP_HEADERS, DEEP), 400],
  'a body in an encoding': [put(['Content-Encoding: gzip', 'Content-Length: 2'], '{}'), 400],
  'an expectation': [put(['Expect: 200-maybe', 'Content-Length: 2'], '{}'), undefined],
  'an upgrade': [request('GET /networking', ['Upgrade: websocket', 'Connection: Upgrade']), undefined],
  'HTTP/0.9': ['GET /networking\r\n', undefined],
  'HTTP/9.9': ['GET /networking HTTP/9.9\r\n\r\n', 400],
  TLS: ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  nothing: ['', undefined],
};

for (const [what, [bytes, expected]] of Object.entries(CASES)) {
  test(`${what} breaks nothing`, async () => {
    const before = await server.lastChange();
    const answer = await say(bytes, expected === undefined);
    const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1];
    assert.ok(status === undefined ? answer === '' : Number(status) < 500, answer);
    if (expected !== undefined) assert.equal(Number(status), expected, answer);
    if (Number(status) >= 400) assert.equal(await server.lastChange(), before);
    assert.deepEqual(server.logged, []);
    const well = await server.request('GET', '/healthz');
    assert.equal(well.status, 200);
  });
}

test('a URL that is none is refused in the words of its room', async () => {
  for (const [path, key] of [
    ['networking/v2.0/networks/%', 'NeutronError'],
    ['networking?%00', 'NeutronError'],
    ['identity/v3/users/%', 'error'],
    ['identity?%00', 'error'],
    ['/compute/v2.1/servers/%', 'badRequest'],
    ['image?%00', 'title'],
  ] as const) {
    const { status, body } = await server.request('GET', `/${path}`);
    assert.equal(status, 400, path);
    assert.ok(Object.hasOwn(body, key), `${path}: ${JSON.stringify(body)}`);
  }
});

test('links lead back to the host that was asked, and to no text that is no host', async () => {
  for (const [host, base] of [
    ['cloud.example:9696', 'http://cloud.example:9696'],
    ['[::1]:9696', 'http://[::1]:9696'],
    ['evil.example/path?', 'http://localhost'],
    ['<script>', 'http://localhost'],
    ['a@b', 'http://localhost'],
  ]) {
    for (const [path, token] of [
      ['/networking/', undefined],
      ['/identity/v3', undefined],
      ['/compute/v2.1/flavors', alice.token],
      ['/image/', undefined],
    ] as const) {
      const answer = await server.request('GET', path, { token, headers: { host: host as string } });
      const links = [...answer.text.matchAll(/"href":"([^"]*)"/g)].map(([, href]) => href as string);
      assert.ok(links.length > 0 && links.every((href) => href.startsWith(`${base}/`)), `${host} ${path}: ${links[0]}`);
    }
  }
});
