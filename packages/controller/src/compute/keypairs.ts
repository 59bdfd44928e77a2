import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { queryText } from '../identity/request-body.ts';
import type { Database } from '../store/schema.ts';
import type { Reader } from '../store/store.ts';
import { badCompute, conflicting, notFound, policyForbids } from './errors.ts';
import { minorVersion } from './microversion.ts';
import { pageOf } from './page.ts';
import { requireRoomForKeypair } from './quota-limits.ts';
import { readBody } from './request-body.ts';
import type { ComputeRoom } from './room.ts';
import { generateSshKey, readPublicKey } from './ssh-keys.ts';

type KeypairRow = Database['keypairs'];

const createBody = z.object({
  keypair: z.object({
    name: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[A-Za-z0-9 _@.-]+$/, 'letters, digits, spaces and _-@. only')
      .refine((name) => name.trim() === name, 'must not begin or end with a space'),
    public_key: z.string().max(16_384).nullish(),
    type: z.literal('ssh', 'only ssh keys are supported').optional(),
    user_id: z.string().max(64).optional(),
  }),
});

/** A user's key pair by name. */
export const findKeypair = (db: Reader, userId: string, name: string): Promise<KeypairRow | undefined> =>
  db.selectFrom('keypairs').selectAll().where('user_id', '=', userId).where('name', '=', name).executeTakeFirst();

type ByName = { Params: { name: string } };

/** SSH key pairs of users: `/v2.1/os-keypairs`. */
export const keypairRoutes =
  ({ store }: ComputeRoom): FastifyPluginAsync =>
  async (fastify) => {
    /** Whose key pairs the request is about: the caller's, or those an admin names. */
    const ownerOf = (request: FastifyRequest, named: string | undefined, action: string): string => {
      const { caller } = request;
      if (named === undefined || named === caller.userId || minorVersion(request) < 10) return caller.userId;
      if (!caller.isAdmin) throw policyForbids(`os-keypairs:${action}`);
      return named;
    };
    const brief = (request: FastifyRequest, { name, public_key, fingerprint }: KeypairRow) => ({
      name,
      public_key,
      fingerprint,
      ...(minorVersion(request) >= 2 && { type: 'ssh' }),
    });
    const requireKeypair = async (userId: string, name: string): Promise<KeypairRow> => {
      const row = await store.read((db) => findKeypair(db, userId, name));
      if (row === undefined) throw notFound(`Keypair ${name} not found for user ${userId}`);
      return row;
    };

    fastify.get('/os-keypairs', async (request) => {
      const userId = ownerOf(request, queryText(request.query, 'user_id'), 'index');
      const rows = await store.read((db) =>
        db.selectFrom('keypairs').selectAll().where('user_id', '=', userId).orderBy('name').execute(),
      );
      const page = pageOf(
        request,
        'os-keypairs',
        rows.map((row) => ({ ...row, id: row.name })),
      );
      return {
        keypairs: page.items.map((row) => ({ keypair: brief(request, row) })),
        ...(page.links !== undefined && { keypairs_links: page.links }),
      };
    });

    fastify.post('/os-keypairs', async (request, reply) => {
      const { caller } = request;
      const wanted = readBody(createBody, request.body).keypair;
      const userId = ownerOf(request, wanted.user_id, 'create');
      const given = wanted.public_key ?? undefined;
      const made = given === undefined ? await generateSshKey(`Generated-by-Portward-${wanted.name}`) : undefined;
      const key = given === undefined ? made : readPublicKey(given);
      if (key === undefined) throw badCompute('Keypair data is invalid: failed to generate fingerprint');
      const row = { user_id: userId, name: wanted.name, public_key: key.line, fingerprint: key.fingerprint };
      await store.write(async (tx) => {
        const { db, now } = tx;
        if ((await findKeypair(db, userId, row.name)) !== undefined) {
          throw conflicting(`Key pair '${row.name}' already exists.`);
        }
        await requireRoomForKeypair(tx, caller.projectId, userId);
        await db
          .insertInto('keypairs')
          .values({ ...row, created_at: now })
          .execute();
      });
      const shown = { ...brief(request, { ...row, created_at: '' }), user_id: userId };
      return reply
        .code(minorVersion(request) >= 2 ? 201 : 200)
        .send({ keypair: { ...shown, ...(made !== undefined && { private_key: made.privateKey }) } });
    });

    fastify.get<ByName>('/os-keypairs/:name', async (request) => {
      const userId = ownerOf(request, queryText(request.query, 'user_id'), 'show');
      const row = await requireKeypair(userId, request.params.name);
      return {
        keypair: {
          ...brief(request, row),
          user_id: row.user_id,
          created_at: row.created_at,
          updated_at: null,
          deleted_at: null,
          deleted: false,
        },
      };
    });

    fastify.delete<ByName>('/os-keypairs/:name', async (request, reply) => {
      const userId = ownerOf(request, queryText(request.query, 'user_id'), 'delete');
      const { name } = await requireKeypair(userId, request.params.name);
      await store.write(({ db }) =>
        db.deleteFrom('keypairs').where('user_id', '=', userId).where('name', '=', name).execute(),
      );
      return reply.code(minorVersion(request) >= 2 ? 204 : 202).send();
    });
  };
