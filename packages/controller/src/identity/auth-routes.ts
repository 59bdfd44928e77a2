import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { documented, openTo } from '../operation.ts';
import { listOf, withSelf } from './answers.ts';
import { targetOf } from './assignments.ts';
import { catalogAt } from './catalog.ts';
import { domainDocument } from './domains.ts';
import { forbiddenAction, tokenNotFound } from './errors.ts';
import type { Identity, TokenCaller } from './identity.ts';
import { originOf } from './origin.ts';
import { projectDocument, projectsOfUser, projectTags } from './projects.ts';
import { queryFlag } from './request-body.ts';
import { headerText, requireCaller } from './session.ts';
import { signIn } from './sign-in.ts';
import { tokenDocument } from './token-document.ts';

/** A sign-in needs little; who has not signed in yet gets no more room. */
const LARGEST_SIGN_IN = 64 * 1024;

const SIGN_IN = openTo(() => ({ summary: 'Sign in: the token comes in X-Subject-Token' }));

/** `/v3/auth`: tokens, and what they can be made for. */
export const authRoutes =
  (identity: Identity): FastifyPluginAsync =>
  async (fastify) => {
    const catalogOrigin = (request: FastifyRequest): string | undefined =>
      queryFlag(request.query, 'nocatalog') === undefined ? originOf(request) : undefined;

    const sendToken = async (request: FastifyRequest, reply: FastifyReply, token: string, caller: TokenCaller) => {
      const document = await identity.store.read((db) => tokenDocument(db, caller.claims, catalogOrigin(request)));
      return reply.header('x-subject-token', token).header('vary', 'X-Auth-Token').send({ token: document });
    };

    /** The token that a request is about. Throws 403 unless it is the caller's own or the caller is an admin. */
    const subjectOf = (request: FastifyRequest, action: string): { token: string; subject: TokenCaller } => {
      const caller = requireCaller(identity, request);
      const token = headerText(request, 'x-subject-token');
      if (token === undefined) throw tokenNotFound('No token in the request');
      const subject = identity.authenticate(token);
      if (subject !== undefined && !caller.isAdmin && subject.userId !== caller.userId) throw forbiddenAction(action);
      if (subject === undefined) throw tokenNotFound();
      return { token, subject };
    };

    fastify.post('/tokens', { bodyLimit: LARGEST_SIGN_IN, ...SIGN_IN }, async (request, reply) => {
      const claims = await signIn(identity, request.body);
      const token = await identity.issue(claims);
      const document = await identity.store.read((db) => tokenDocument(db, claims, catalogOrigin(request)));
      return reply.code(201).header('x-subject-token', token).header('vary', 'X-Auth-Token').send({ token: document });
    });

    fastify.route({
      ...documented(() => ({ summary: 'Show the token in X-Subject-Token' })),
      method: ['GET', 'HEAD'],
      url: '/tokens',
      handler: async (request, reply) => {
        const { token, subject } = subjectOf(request, 'identity:validate_token');
        return sendToken(request, reply, token, subject);
      },
    });

    fastify.delete(
      '/tokens',
      documented(() => ({ summary: 'Revoke the token in X-Subject-Token' })),
      async (request, reply) => {
        const { subject } = subjectOf(request, 'identity:revoke_token');
        await identity.revoke(subject.claims);
        return reply.code(204).send();
      },
    );

    fastify.get('/catalog', async (request) => {
      const caller = requireCaller(identity, request);
      if (caller.scope.type === 'none') throw forbiddenAction('identity:get_auth_catalog');
      return { catalog: catalogAt(originOf(request)), links: { self: `${originOf(request)}${request.url}` } };
    });

    fastify.get('/projects', async (request) => {
      const { userId } = requireCaller(identity, request);
      const projects = await identity.store.read(async (db) => {
        const rows = (await projectsOfUser(db, userId)).filter((project) => project.enabled);
        const tags = await projectTags(db, rows);
        return rows.map((row) => projectDocument(row, tags));
      });
      return listOf(
        request,
        'projects',
        projects.map((project) => withSelf(request, `projects/${String(project.id)}`, project)),
      );
    });

    fastify.get('/domains', async (request) => {
      const { userId } = requireCaller(identity, request);
      const rows = await identity.store.read((db) =>
        db
          .selectFrom('domains')
          .selectAll()
          .where('enabled', '=', true)
          .where('id', 'in', (domains) =>
            domains
              .selectFrom('role_assignments')
              .select('target_id')
              .where('user_id', '=', userId)
              .where('target_type', '=', 'domain'),
          )
          .orderBy('name')
          .execute(),
      );
      return listOf(
        request,
        'domains',
        rows.map((row) => withSelf(request, `domains/${row.id}`, domainDocument(row))),
      );
    });

    fastify.get('/system', async (request) => {
      const { userId } = requireCaller(identity, request);
      const target = targetOf({ type: 'system' });
      const row = await identity.store.read((db) =>
        db
          .selectFrom('role_assignments')
          .select('role_id')
          .where('user_id', '=', userId)
          .where('target_type', '=', 'system')
          .where('target_id', '=', target?.id ?? '')
          .executeTakeFirst(),
      );
      return {
        system: row === undefined ? [] : [{ all: true }],
        links: { self: `${originOf(request)}${request.url}` },
      };
    });
  };
