import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { queryText } from '../identity/request-body.ts';
import { badCompute, policyForbids } from './errors.ts';
import { minorVersion } from './microversion.ts';
import { DEFAULT_LIMITS, forgetLimits, type Limits, limitsOf, setLimits, UNLIMITED, usageOf } from './quota-limits.ts';
import { MOST_METADATA, readBody } from './request-body.ts';
import type { ComputeRoom } from './room.ts';

/** Greatest limit that Nova takes. */
const GREATEST_LIMIT = 0x7fffffff;

/** Limits that Networking has taken over: those who speak the older versions see that they are none of Compute's. */
const NETWORKING_LIMITS: Limits = {
  fixed_ips: UNLIMITED,
  floating_ips: UNLIMITED,
  security_groups: UNLIMITED,
  security_group_rules: UNLIMITED,
};

/** What a version knows of a project's limits. */
const shownIn = (minor: number, limits: Limits): Record<string, number> => ({
  ...Object.fromEntries(Object.entries(limits).filter(([name]) => minor < 57 || !name.startsWith('injected_'))),
  ...(minor < 36 && NETWORKING_LIMITS),
});

const limit = z
  .union(
    [
      z.int(),
      z
        .string()
        .regex(/^-?\d{1,10}$/)
        .transform(Number),
    ],
    'expected a whole number',
  )
  .refine((value) => value >= UNLIMITED && value <= GREATEST_LIMIT, `expected ${UNLIMITED} to ${GREATEST_LIMIT}`);
const flag = z.union(
  [z.boolean(), z.string().transform((text) => /^(true|t|1|yes|y|on)$/i.test(text))],
  'expected a flag',
);

/** What a PUT says; `tenant_id` repeats what the path says. */
const quotaChange = z.strictObject({
  quota_set: z.object({ force: flag.optional(), tenant_id: z.unknown().optional() }).catchall(limit),
});

/** The limits of a PUT that are Compute's to set; throws 400. */
function readLimits(body: unknown, minor: number): { limits: Limits; force: boolean } {
  const { force = false, tenant_id: _project, ...named } = readBody(quotaChange, body).quota_set;
  const known = shownIn(minor, DEFAULT_LIMITS);
  const limits: Record<string, number> = {};
  for (const [name, value] of Object.entries(named as Limits)) {
    if (!Object.hasOwn(known, name)) {
      throw badCompute(`Additional properties are not allowed ('${name}' was unexpected)`);
    }
    if (!Object.hasOwn(NETWORKING_LIMITS, name)) limits[name] = value;
    else if (value !== UNLIMITED) throw badCompute(`Networking limits ${name}: here it can only be ${UNLIMITED}.`);
  }
  return { limits, force };
}

type ByProject = { Params: { project: string } };

/** Limits and quotas: `/v2.1/limits`, `/v2.1/os-quota-sets`. */
export const quotaRoutes =
  ({ store }: ComputeRoom): FastifyPluginAsync =>
  async (fastify) => {
    const requireProject = (request: FastifyRequest, projectId: string, action: string): void => {
      const { caller } = request;
      if (!caller.isAdmin && caller.projectId !== projectId) throw policyForbids(action);
    };
    /** The project of a change, which only admins make. */
    const changedProject = (request: FastifyRequest<ByProject>, action: string): string => {
      if (!request.caller.isAdmin) throw policyForbids(action);
      if (queryText(request.query, 'user_id') !== undefined)
        throw badCompute('Limits are for projects, not for users.');
      const { project } = request.params;
      if (project.length > 255) throw badCompute(`Project ID ${project} is not a valid project.`);
      return project;
    };

    fastify.get('/limits', async (request) => {
      const { caller } = request;
      const projectId =
        queryText(request.query, 'tenant_id') ?? queryText(request.query, 'project_id') ?? caller.projectId;
      requireProject(request, projectId, 'limits:other_project');
      const [usage, limits] = await store.read(async (db) => [
        await usageOf(db, projectId),
        await limitsOf(db, projectId),
      ]);
      const older = minorVersion(request) < 36;
      return {
        limits: {
          rate: [],
          absolute: {
            maxTotalInstances: limits.instances,
            totalInstancesUsed: usage.instances,
            maxTotalCores: limits.cores,
            totalCoresUsed: usage.cores,
            maxTotalRAMSize: limits.ram,
            totalRAMUsed: usage.ram,
            maxServerMeta: limits.metadata_items,
            maxTotalKeypairs: limits.key_pairs,
            maxServerGroups: limits.server_groups,
            maxServerGroupMembers: limits.server_group_members,
            totalServerGroupsUsed: 0,
            ...(older && {
              maxImageMeta: MOST_METADATA,
              maxPersonality: UNLIMITED,
              maxPersonalitySize: UNLIMITED,
              maxSecurityGroups: UNLIMITED,
              maxSecurityGroupRules: UNLIMITED,
              maxTotalFloatingIps: UNLIMITED,
              totalSecurityGroupsUsed: 0,
              totalFloatingIpsUsed: 0,
            }),
          },
        },
      };
    });

    fastify.get<ByProject>('/os-quota-sets/:project', async (request) => {
      const { project } = request.params;
      requireProject(request, project, 'os-quota-sets:show');
      const limits = await store.read((db) => limitsOf(db, project));
      return { quota_set: { id: project, ...shownIn(minorVersion(request), limits) } };
    });

    fastify.get<ByProject>('/os-quota-sets/:project/defaults', async (request) => {
      const { project } = request.params;
      requireProject(request, project, 'os-quota-sets:show');
      return { quota_set: { id: project, ...shownIn(minorVersion(request), DEFAULT_LIMITS) } };
    });

    fastify.put<ByProject>('/os-quota-sets/:project', async (request) => {
      const project = changedProject(request, 'os-quota-sets:update');
      const minor = minorVersion(request);
      const { limits, force } = readLimits(request.body, minor);
      const present = await store.write(async (tx) => {
        await setLimits(tx, project, limits, force);
        return limitsOf(tx.db, project);
      });
      return { quota_set: shownIn(minor, present) };
    });

    fastify.delete<ByProject>('/os-quota-sets/:project', async (request, reply) => {
      const project = changedProject(request, 'os-quota-sets:delete');
      await store.write((tx) => forgetLimits(tx, project));
      return reply.code(202).send();
    });

    fastify.get<ByProject>('/os-quota-sets/:project/detail', async (request) => {
      const { project } = request.params;
      requireProject(request, project, 'os-quota-sets:detail');
      const [used, limits]: [Record<string, number>, Limits] = await store.read(async (db) => [
        { ...(await usageOf(db, project)) },
        await limitsOf(db, project),
      ]);
      const details = Object.entries(shownIn(minorVersion(request), limits)).map(([name, value]) => [
        name,
        { limit: value, in_use: used[name] ?? 0, reserved: 0 },
      ]);
      return { quota_set: { id: project, ...Object.fromEntries(details) } };
    });
  };
