import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { openTo } from '../operation.ts';
import type { Reader } from '../store/store.ts';
import { listOf, withSelf } from './answers.ts';
import { domainOfCaller } from './domains.ts';
import { unauthorized } from './errors.ts';
import type { Identity } from './identity.ts';
import {
  descriptionText,
  idText,
  LONGEST_PASSWORD,
  nameOf,
  noOptions,
  passwordText,
  queryFlag,
  queryText,
  readBody,
  readChange,
} from './request-body.ts';
import { requireAdmin, requireSelfOrAdmin } from './session.ts';
import { createUser, deleteUser, findUser, requireUser, type UserRow, updateUser, userDocument } from './users.ts';

const attributes = {
  enabled: z.boolean().optional(),
  password: passwordText.nullish(),
  default_project_id: idText.nullish(),
  email: z.string().max(255).nullish(),
  description: descriptionText.nullish(),
  options: noOptions.optional(),
};
const createBody = z.object({ user: z.object({ name: nameOf(255), domain_id: idText.nullish(), ...attributes }) });
const updateBody = z.object({
  user: z.object({ id: idText.optional(), domain_id: idText.optional(), name: nameOf(255).optional(), ...attributes }),
});
const passwordBody = z.object({
  user: z.object({ original_password: z.string().max(LONGEST_PASSWORD), password: passwordText }),
});

type ById = { Params: { id: string } };

const CHANGE_PASSWORD = openTo(() => ({ summary: 'Change the password of a user, who shows the present one' }));

/** Users: `/v3/users`. */
export const userRoutes =
  (identity: Identity): FastifyPluginAsync =>
  async (fastify) => {
    const show = (request: FastifyRequest, row: UserRow) => withSelf(request, `users/${row.id}`, userDocument(row));
    const showOne = async (request: FastifyRequest, id: string) => ({
      user: show(request, await identity.store.read((db) => requireUser(db, id))),
    });
    const hashOf = (password: string | null | undefined) =>
      password === undefined || password === null ? undefined : identity.passwords.hash(password);

    fastify.get('/users', async (request) => {
      requireAdmin(identity, request, 'identity:list_users');
      const rows = await identity.store.read((db) => filteredUsers(db, request.query));
      return listOf(
        request,
        'users',
        rows.map((row) => show(request, row)),
      );
    });

    fastify.post('/users', async (request, reply) => {
      const caller = requireAdmin(identity, request, 'identity:create_user');
      const { user } = readBody(createBody, request.body);
      const passwordHash = (await hashOf(user.password)) ?? null;
      const id = await identity.change(async (tx, standing) =>
        createUser(tx, standing, {
          name: user.name,
          domainId: user.domain_id ?? (await domainOfCaller(tx.db, caller)),
          enabled: user.enabled,
          defaultProjectId: user.default_project_id,
          email: user.email,
          description: user.description,
          passwordHash,
        }),
      );
      return reply.code(201).send(await showOne(request, id));
    });

    fastify.get<ById>('/users/:id', async (request) => {
      requireSelfOrAdmin(identity, request, request.params.id, 'identity:get_user');
      return showOne(request, request.params.id);
    });

    fastify.patch<ById>('/users/:id', async (request) => {
      requireAdmin(identity, request, 'identity:update_user');
      const { user } = readChange(updateBody, request.body);
      const passwordHash = await hashOf(user.password);
      await identity.change((tx, standing) =>
        updateUser(tx, standing, request.params.id, {
          id: user.id,
          domainId: user.domain_id,
          name: user.name,
          enabled: user.enabled,
          defaultProjectId: user.default_project_id,
          email: user.email,
          description: user.description,
          passwordHash,
        }),
      );
      return showOne(request, request.params.id);
    });

    fastify.delete<ById>('/users/:id', async (request, reply) => {
      requireAdmin(identity, request, 'identity:delete_user');
      await identity.change((tx, standing) => deleteUser(tx, standing, request.params.id));
      return reply.code(204).send();
    });

    fastify.post<ById>('/users/:id/password', CHANGE_PASSWORD, async (request, reply) => {
      // As a sign-in: the password itself says who asks, with or without a token, and every refusal is the same.
      const { id } = request.params;
      const { original_password: original, password } = readBody(passwordBody, request.body).user;
      const user = await identity.store.read((db) => findUser(db, id));
      const right = await identity.passwords.verify(original, user?.password_hash ?? null);
      if (user?.enabled !== true || !right) throw unauthorized();
      const passwordHash = await identity.passwords.hash(password);
      await identity.change(async (tx, standing) => {
        // Somebody may have changed it while we were hashing.
        if ((await findUser(tx.db, id))?.generation !== user.generation) throw unauthorized();
        await updateUser(tx, standing, id, { passwordHash });
      });
      return reply.code(204).send();
    });

    fastify.get<ById>('/users/:id/groups', async (request) => {
      requireSelfOrAdmin(identity, request, request.params.id, 'identity:list_groups_for_user');
      await identity.store.read((db) => requireUser(db, request.params.id));
      return listOf(request, 'groups', []);
    });
  };

function filteredUsers(db: Reader, query: unknown): Promise<UserRow[]> {
  let select = db.selectFrom('users').selectAll();
  for (const key of ['name', 'domain_id'] as const) {
    const value = queryText(query, key);
    if (value !== undefined) select = select.where(key, '=', value);
  }
  const enabled = queryFlag(query, 'enabled');
  if (enabled !== undefined) select = select.where('enabled', '=', enabled);
  return select.orderBy('name').orderBy('id').execute();
}
