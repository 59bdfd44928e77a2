import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentReport, FeedLine } from '@portward/model/feed.ts';
import { parseToken } from './credentials.ts';
import { Follower, type FollowerTiming } from './follower.ts';
import { NdjsonReader } from './ndjson.ts';

const QUICK: Partial<FollowerTiming> = { silenceMs: 2000, firstWaitMs: 2, longestWaitMs: 10, refusedWaitMs: 50 };
const REPORT: AgentReport = {
  started_at: '2026-01-01T00:00:00Z',
  applied_seq: 7,
  configurations: { nat_backend: 'nftables', bridge_mappings: {}, machines: false },
  statuses: [],
};

interface Stage {
  follower: Follower;
  log: string[];
  credentials: string;
}

/** A controller of the test's own, on a Unix socket or a loopback port, and a follower of it. */
async function onStage(
  answer: RequestListener,
  act: (stage: Stage) => Promise<void>,
  options: { tcp?: boolean; timing?: Partial<FollowerTiming> } = {},
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'portward-feed-'));
  const socket = join(directory, 'socket');
  const credentials = join(directory, 'agent.yaml');
  writeFileSync(credentials, '# For agents.\ntoken: secret\n');
  const server = createServer(answer);
  if (options.tcp) server.listen(0, '127.0.0.1');
  else server.listen(socket);
  await once(server, 'listening');
  const log: string[] = [];
  const follower = new Follower({
    controller: options.tcp ? `http://127.0.0.1:${(server.address() as AddressInfo).port}/` : `unix:${socket}`,
    credentials,
    host: 'host 1',
    log: { info: (text) => log.push(text), warn: (text) => log.push(text) },
    timing: { ...QUICK, ...options.timing },
  });
  try {
    await act({ follower, log, credentials });
  } finally {
    follower.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(directory, { recursive: true });
  }
}

/** The first `count` lines, told briefly. */
async function take(follower: Follower, count: number): Promise<string[]> {
  const taken: string[] = [];
  const enough = new AbortController();
  await follower.follow(enough.signal, (line) => {
    taken.push(brief(line));
    if (taken.length === count) enough.abort();
  });
  return taken;
}

const brief = (line: FeedLine): string =>
  line.op === 'put'
    ? `put ${line.object.id}@${line.seq}`
    : line.op === 'delete'
      ? `delete ${line.id}@${line.seq}`
      : `${line.op}@${line.seq}`;

const put = (seq: number, id: string, kind = 'network'): string => say({ seq, op: 'put', kind, object: { id } });
const say = (line: unknown): string => `${JSON.stringify(line)}\n`;

test('a snapshot and changes arrive in order, whatever the pieces they come in', async () => {
  const whole =
    say({ op: 'reset', seq: 4 }) +
    put(4, 'ä→€') +
    say({ op: 'synced', seq: 4 }) +
    say({ seq: 5, op: 'delete', kind: 'port', id: 'p' });
  let asked: IncomingMessage | undefined;
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    asked = request;
    // Byte by byte: characters of several bytes are cut too.
    for (const byte of Buffer.from(whole)) {
      response.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
  };
  await onStage(answer, async ({ follower }) => {
    assert.deepEqual(await take(follower, 4), ['reset@4', 'put ä→€@4', 'synced@4', 'delete p@5']);
  });
  assert.equal(asked?.url, '/portward/v1/feed?host=host+1');
  assert.equal(asked?.headers.authorization, 'Bearer secret');
});

test('after a break it resumes after the last line taken, and starts over within a snapshot', async () => {
  const asked: (string | undefined)[] = [];
  const plays = [
    say({ op: 'reset', seq: 4 }) + put(4, 'a'),
    `${say({ op: 'reset', seq: 5 }) + put(5, 'a') + say({ op: 'synced', seq: 5 }) + put(6, 'b')}{"seq":7,"op":"pu`,
    say({ op: 'synced', seq: 6 }) + put(7, 'c'),
    say({ op: 'reset', seq: 9 }),
    say({ op: 'reset', seq: 9 }) + say({ op: 'synced', seq: 9 }),
  ];
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    asked.push(/after=(\d+)/.exec(request.url ?? '')?.[1]);
    const play = plays.shift() ?? '';
    // One end is orderly, the other is not.
    if (plays.length % 2) response.end(play);
    else response.write(play, () => response.destroy());
  };
  await onStage(
    answer,
    async ({ follower, log }) => {
      assert.deepEqual(await take(follower, 11), [
        ...['reset@4', 'put a@4'],
        ...['reset@5', 'put a@5', 'synced@5', 'put b@6'],
        ...['synced@6', 'put c@7'],
        'reset@9',
        ...['reset@9', 'synced@9'],
      ]);
      assert.ok(log.some((text) => text.startsWith('Cannot follow ')));
      assert.ok(log.some((text) => text.startsWith('Following ')));
    },
    { tcp: true },
  );
  assert.deepEqual(asked, [undefined, undefined, '6', '7', undefined]);
});

test('a line that the consumer failed on is told again', async () => {
  const asked: (string | null)[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    asked.push(new URL(request.url ?? '', 'http://x').searchParams.get('after'));
    response.write(say({ op: 'synced', seq: 1 }) + put(2, 'a') + put(3, 'b'));
  };
  await onStage(answer, async ({ follower, log }) => {
    const end = new AbortController();
    const taken: number[] = [];
    await follower.follow(end.signal, (line) => {
      taken.push(line.seq);
      if (taken.length === 3) throw new Error('cannot be taken');
      if (taken.length === 4) end.abort();
    });
    assert.deepEqual(taken, [1, 2, 3, 1]);
    assert.match(log[0] ?? '', /cannot be taken; trying again/);
  });
  assert.deepEqual(asked, [null, '2']);
});

test('unknown operations and kinds are left out and still count as heard', async () => {
  let requests = 0;
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    requests++;
    if (requests === 2) assert.match(request.url ?? '', /after=9$/);
    response.end(
      say({ op: 'synced', seq: 3 }) +
        put(7, 'x', 'novelty') +
        say({ op: 'moved', seq: 8 }) +
        say({ op: 'heartbeat', seq: 9 }),
    );
  };
  await onStage(answer, async ({ follower }) => {
    assert.deepEqual(await take(follower, 3), ['synced@3', 'heartbeat@9', 'synced@3']);
  });
});

test('silence ends a connection', async () => {
  let requests = 0;
  const answer = (_request: IncomingMessage, response: ServerResponse) => {
    requests++;
    response.write(say({ op: 'synced', seq: requests }));
  };
  const timing = { silenceMs: 60 };
  await onStage(
    answer,
    async ({ follower, log }) => {
      assert.deepEqual(await take(follower, 2), ['synced@1', 'synced@2']);
      assert.equal(requests, 2);
      assert.match(log[0] ?? '', /silent for 0.06 s/);
    },
    { timing },
  );
});

test('refused credentials are said plainly, read anew and tried slowly', async () => {
  let requests = 0;
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    requests++;
    if (request.headers.authorization !== 'Bearer renewed') response.writeHead(401).end('{"error": {"message": "no"}}');
    else response.write(say({ op: 'synced', seq: 1 }));
  };
  await onStage(answer, async ({ follower, log, credentials }) => {
    const taken = take(follower, 1);
    await sleep(60);
    assert.ok(requests <= 3, `${requests} attempts`);
    writeFileSync(credentials, 'token: "renewed"\n');
    assert.deepEqual(await taken, ['synced@1']);
    assert.equal(log.filter((text) => text.includes(`refuses the credentials in ${credentials}`)).length, 1);
  });
});

test('it waits for a controller that is not there, and ends when told to', async () => {
  const aborter = new AbortController();
  const log: string[] = [];
  const missing = join(tmpdir(), 'portward-none');
  const follower = new Follower({
    controller: `unix:${missing}`,
    credentials: missing,
    host: 'h',
    log: { info: () => undefined, warn: (text) => log.push(text) },
    timing: QUICK,
  });
  setTimeout(() => aborter.abort(), 50);
  await follower.follow(aborter.signal, () => assert.fail());
  assert.equal(log.length, 1);
  assert.match(log[0] ?? '', /credentials cannot be read/);
  assert.throws(() => new Follower({ controller: 'nowhere', credentials: '', host: '' }), /no controller address/);
});

test('aborting ends a quiet feed at once', async () => {
  const aborter = new AbortController();
  const answer = (_request: IncomingMessage, response: ServerResponse) =>
    void response.write(say({ op: 'synced', seq: 1 }));
  await onStage(answer, async ({ follower }) => {
    await follower.follow(aborter.signal, (line) => {
      assert.equal(line.op, 'synced');
      setTimeout(() => aborter.abort(), 10);
    });
  });
});

test('reports are posted over one kept connection; a refusal is an error with its reason', async () => {
  const sockets = new Set<unknown>();
  const bodies: unknown[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    sockets.add(request.socket);
    assert.equal(request.url, '/portward/v1/agents/host%201/report');
    bodies.push(JSON.parse(String(Buffer.concat(await request.toArray()))));
    if (bodies.length > 2) response.writeHead(400).end(say({ NeutronError: { message: 'Bad report.' } }));
    else response.writeHead(204).end();
  };
  await onStage(
    answer,
    async ({ follower }) => {
      await follower.report(REPORT);
      await sleep(5);
      await follower.report(REPORT);
      await assert.rejects(follower.report(REPORT), /answers 400 \(Bad report\.\)/);
    },
    { tcp: true },
  );
  assert.deepEqual(bodies[0], REPORT);
  assert.equal(sockets.size, 1);
});

test('credentials files are read strictly', () => {
  const token = (content: string) => parseToken(content, 'F');
  assert.equal(token("# c\n\ncontroller: x y\ntoken: 'a-b'\r\n"), 'a-b');
  assert.throws(() => token('controller: x\n'), /F has no line 'token: …'/);
  assert.throws(() => token('token:abc\n'), /F, line 1: expected 'key: value'/);
  assert.throws(() => token('token: a\ntoken: b\n'), /line 2: a second token/);
  assert.throws(() => token('token: a b\n'), /without spaces/);
});

test('a line is handed on when its end is there; what is no JSON is an error that names it', () => {
  const values: unknown[] = [];
  const reader = new NdjsonReader((value) => values.push(value));
  for (const piece of ['{"a"', ':1}\n\n{"a":2}\n', '{"a":3', '}']) reader.push(piece);
  assert.deepEqual(values, [{ a: 1 }, { a: 2 }]);
  reader.push('\n');
  assert.deepEqual(values.at(-1), { a: 3 });
  assert.throws(() => reader.push('nonsense\n'), /no JSON: nonsense/);
  assert.throws(() => new NdjsonReader(() => undefined).push('x'.repeat((16 << 20) + 1)), /more than 16777216/);
});
