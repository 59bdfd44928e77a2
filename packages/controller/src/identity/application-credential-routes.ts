import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { listOf, withSelf } from './answers.ts';
import {
  createCredential,
  credentialDocuments,
  deleteCredential,
  newSecret,
  requireCredential,
  secretHash,
} from './application-credentials.ts';
import { clientError, forbiddenAction, malformed } from './errors.ts';
import type { Identity, TokenCaller } from './identity.ts';
import { descriptionText, idText, LONGEST_PASSWORD, nameOf, queryText, readBody } from './request-body.ts';
import { requireCaller, requireSelfOrAdmin } from './session.ts';
import { microseconds } from './token-document.ts';
import { requireUser } from './users.ts';

const createBody = z.object({
  application_credential: z.object({
    name: nameOf(255),
    secret: z.string().min(1).max(LONGEST_PASSWORD).nullish(),
    description: descriptionText.nullish(),
    expires_at: z.string().max(64).nullish(),
    roles: z.array(z.object({ id: idText.optional(), name: z.string().max(255).optional() })).nullish(),
    unrestricted: z.boolean().nullish(),
    access_rules: z.array(z.unknown()).max(0, 'access rules are not supported').nullish(),
  }),
});

type OfUser = { Params: { user: string } };
type ById = { Params: { user: string; id: string } };

/** Application credentials: `/v3/users/{user}/application_credentials`. */
export const applicationCredentialRoutes =
  (identity: Identity): FastifyPluginAsync =>
  async (fastify) => {
    const path = '/users/:user/application_credentials';
    const show = (request: FastifyRequest<OfUser>, item: Record<string, unknown>) =>
      withSelf(request, `users/${request.params.user}/application_credentials/${String(item.id)}`, item);
    const load = async (userId: string, id: string) =>
      identity.store.read(async (db) => {
        const documents = await credentialDocuments(db, [await requireCredential(db, userId, id)]);
        return documents[0] as Record<string, unknown>;
      });

    fastify.get<OfUser>(path, async (request) => {
      const { user } = request.params;
      requireSelfOrAdmin(identity, request, user, 'identity:list_application_credentials');
      const name = queryText(request.query, 'name');
      const documents = await identity.store.read(async (db) => {
        await requireUser(db, user);
        let query = db.selectFrom('application_credentials').selectAll().where('user_id', '=', user);
        if (name !== undefined) query = query.where('name', '=', name);
        return credentialDocuments(db, await query.orderBy('name').execute());
      });
      return listOf(
        request,
        'application_credentials',
        documents.map((item) => show(request, item)),
      );
    });

    fastify.post<OfUser>(path, async (request, reply) => {
      const action = 'identity:create_application_credential';
      const caller = requireCaller(identity, request);
      if (caller.userId !== request.params.user) throw forbiddenAction(action);
      await refuseRestricted(identity, caller, action);
      const wanted = readBody(createBody, request.body).application_credential;
      if (caller.projectId === '') throw malformed('An application credential needs a token with a project.');
      const secret = wanted.secret ?? newSecret();
      const id = await identity.change(async (tx, standing) => {
        const user = await requireUser(tx.db, caller.userId);
        // Roles may have gone since the token was checked.
        if (user.generation !== caller.claims.generation) throw forbiddenAction(action);
        return createCredential(tx, standing, {
          name: wanted.name,
          user_id: caller.userId,
          project_id: caller.projectId,
          description: wanted.description ?? '',
          secret_hash: secretHash(secret),
          role_ids: chosenRoles(caller, wanted.roles ?? undefined),
          unrestricted: wanted.unrestricted ?? false,
          expires_at: readExpiry(wanted.expires_at ?? undefined, identity.now()),
        });
      });
      const document = { ...(await load(caller.userId, id)), secret };
      return reply.code(201).send({ application_credential: show(request, document) });
    });

    fastify.get<ById>(`${path}/:id`, async (request) => {
      const { user, id } = request.params;
      requireSelfOrAdmin(identity, request, user, 'identity:get_application_credential');
      return { application_credential: show(request, await load(user, id)) };
    });

    fastify.delete<ById>(`${path}/:id`, async (request, reply) => {
      const { user, id } = request.params;
      const caller = requireSelfOrAdmin(identity, request, user, 'identity:delete_application_credential');
      await refuseRestricted(identity, caller, 'identity:delete_application_credential');
      await identity.change((tx, standing) => deleteCredential(tx, standing, user, id));
      return reply.code(204).send();
    });
  };

/** A credential that is not unrestricted makes and deletes none: one that leaked must not outlive its deletion. */
async function refuseRestricted(identity: Identity, { claims, userId }: TokenCaller, action: string): Promise<void> {
  const { credentialId } = claims;
  if (credentialId === undefined) return;
  const credential = await identity.store.read((db) => requireCredential(db, userId, credentialId));
  if (!credential.unrestricted) throw forbiddenAction(action);
}

/** Ids of the roles named, or of all that the token was granted. Throws 400 of one that the caller has not. */
function chosenRoles(
  caller: TokenCaller,
  wanted: readonly { id?: string | undefined; name?: string | undefined }[] | undefined,
): string[] {
  if (wanted === undefined || wanted.length === 0) return [...caller.claims.roleIds];
  return wanted.map(({ id, name }) => {
    const role = caller.grantedRoles.find((held) => (id === undefined ? held.name === name : held.id === id));
    if (role === undefined) {
      throw malformed('Invalid application credential: Cannot create an application credential with unassigned role');
    }
    return role.id;
  });
}

/** An expiry as it is shown, or null. Times without a zone are UTC. Throws 400 unless it lies ahead. */
function readExpiry(text: string | undefined, now: Date): string | null {
  if (text === undefined) return null;
  const zoned = /(Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`;
  const time = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text) ? Date.parse(zoned) : Number.NaN;
  if (Number.isNaN(time)) throw clientError('Timestamp not in expected format.');
  if (time <= now.getTime()) throw clientError("The 'expires_at' must not be before now.");
  return microseconds(Math.floor(time / 1000));
}
