import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '@portward/model/api-error.ts';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { Caller } from '../caller.ts';
import { requireToken } from './authentication.ts';

const ALICE: Caller = { userId: 'u', projectId: 'p', roles: ['member'], isAdmin: false };

test('a caller who is at hand is let in without a turn of the event loop', () => {
  let isDone = false;
  const request = { headers: { 'x-auth-token': 'alice' } } as unknown as FastifyRequest;
  requireToken({ authenticate: () => ALICE })(request, {} as FastifyReply, (error) => {
    assert.equal(error, undefined);
    isDone = true;
  });
  assert.ok(isDone);
  assert.equal(request.caller, ALICE);
});

test('answers that come later, of either kind, count as those that come at once', async () => {
  const answers: Record<string, Caller | undefined | Promise<Caller | undefined>> = {
    now: ALICE,
    later: Promise.resolve(ALICE),
    nobody: undefined,
    nobodyLater: Promise.resolve(undefined),
  };
  const app = Fastify();
  app.addHook(
    'onRequest',
    requireToken({
      authUrl: 'http://keystone.example/v3',
      authenticate: (token) =>
        token === 'away' ? Promise.reject(new ApiError(503, 'ServiceUnavailable', 'away')) : answers[token],
    }),
  );
  app.setErrorHandler((error, _request, reply) => reply.code((error as ApiError).status).send());
  app.get('/', async (request) => request.caller.userId);
  const expected = { now: 200, later: 200, nobody: 401, nobodyLater: 401, away: 503 };
  for (const [token, status] of Object.entries(expected)) {
    const answer = await app.inject({ url: '/', headers: { 'x-auth-token': token } });
    assert.equal(answer.statusCode, status, token);
    const where = answer.headers['www-authenticate'];
    assert.equal(where, status === 401 ? 'Keystone uri="http://keystone.example/v3"' : undefined);
  }
  await app.close();
});
