import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { queryText } from '../identity/request-body.ts';
import { requireCaller } from '../identity/session.ts';
import type { Reader } from '../store/store.ts';
import { badCompute, policyForbids } from './errors.ts';
import { findFlavor } from './flavors.ts';
import { minorVersion } from './microversion.ts';
import { MOST_METADATA, readBody } from './request-body.ts';
import type { ComputeRoom } from './room.ts';

/** No limit. */
const UNLIMITED = -1;

/** What a project uses. Servers are recorded, not run, so that nothing bounds them. */
interface Usage {
  readonly instances: number;
  readonly cores: number;
  /** MiB. */
  readonly ram: number;
}

async function usageOf(db: Reader, projectId: string): Promise<Usage> {
  const rows = await db
    .selectFrom('servers')
    .select(['flavor_id', (expression) => expression.fn.countAll<number>().as('count')])
    .where('project_id', '=', projectId)
    .groupBy('flavor_id')
    .execute();
  let usage: Usage = { instances: 0, cores: 0, ram: 0 };
  for (const row of rows) {
    const flavor = findFlavor(row.flavor_id);
    const count = Number(row.count);
    usage = {
      instances: usage.instances + count,
      cores: usage.cores + count * (flavor?.vcpus ?? 0),
      ram: usage.ram + count * (flavor?.ram ?? 0),
    };
  }
  return usage;
}

/** Quotas by name; those that other services took over are shown to those who speak the older versions. */
function quotas(minor: number): Record<string, number> {
  return {
    instances: UNLIMITED,
    cores: UNLIMITED,
    ram: UNLIMITED,
    metadata_items: MOST_METADATA,
    key_pairs: UNLIMITED,
    server_groups: UNLIMITED,
    server_group_members: UNLIMITED,
    ...(minor < 57 && {
      injected_files: UNLIMITED,
      injected_file_content_bytes: UNLIMITED,
      injected_file_path_bytes: UNLIMITED,
    }),
    ...(minor < 36 && {
      fixed_ips: UNLIMITED,
      floating_ips: UNLIMITED,
      security_groups: UNLIMITED,
      security_group_rules: UNLIMITED,
    }),
  };
}

/** What a PUT says; `force` and `tenant_id` mean nothing where nothing is limited. */
const quotaChange = z.strictObject({
  quota_set: z
    .object({ force: z.unknown().optional(), tenant_id: z.unknown().optional() })
    .catchall(z.coerce.number<string | number>().int().min(UNLIMITED)),
});

/** Throws 400 unless a PUT leaves everything as it is: a limit that would not be held is not taken. */
function requireUnchanged(body: unknown, present: Readonly<Record<string, number>>): void {
  const { force: _force, tenant_id: _project, ...limits } = readBody(quotaChange, body).quota_set;
  for (const [name, limit] of Object.entries(limits)) {
    if (!Object.hasOwn(present, name)) {
      throw badCompute(`Additional properties are not allowed ('${name}' was unexpected)`);
    }
    if (limit !== present[name]) throw badCompute(`Servers are not limited: ${name} can only be ${present[name]}.`);
  }
}

type ByProject = { Params: { project: string } };

/** Limits and quotas: `/v2.1/limits`, `/v2.1/os-quota-sets`. */
export const quotaRoutes =
  ({ identity, store }: ComputeRoom): FastifyPluginAsync =>
  async (fastify) => {
    const requireProject = (request: FastifyRequest, projectId: string, action: string): void => {
      const caller = requireCaller(identity, request);
      if (!caller.isAdmin && caller.projectId !== projectId) throw policyForbids(action);
    };

    fastify.get('/limits', async (request) => {
      const caller = requireCaller(identity, request);
      const projectId =
        queryText(request.query, 'tenant_id') ?? queryText(request.query, 'project_id') ?? caller.projectId;
      requireProject(request, projectId, 'limits:other_project');
      const usage = await store.read((db) => usageOf(db, projectId));
      const older = minorVersion(request) < 36;
      return {
        limits: {
          rate: [],
          absolute: {
            maxTotalInstances: UNLIMITED,
            totalInstancesUsed: usage.instances,
            maxTotalCores: UNLIMITED,
            totalCoresUsed: usage.cores,
            maxTotalRAMSize: UNLIMITED,
            totalRAMUsed: usage.ram,
            maxServerMeta: MOST_METADATA,
            maxTotalKeypairs: UNLIMITED,
            maxServerGroups: UNLIMITED,
            maxServerGroupMembers: UNLIMITED,
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

    for (const path of ['/os-quota-sets/:project', '/os-quota-sets/:project/defaults']) {
      fastify.get<ByProject>(path, async (request) => {
        const { project } = request.params;
        requireProject(request, project, 'os-quota-sets:show');
        return { quota_set: { id: project, ...quotas(minorVersion(request)) } };
      });
    }

    fastify.put<ByProject>('/os-quota-sets/:project', async (request) => {
      if (!requireCaller(identity, request).isAdmin) throw policyForbids('os-quota-sets:update');
      const present = quotas(minorVersion(request));
      requireUnchanged(request.body, present);
      return { quota_set: present };
    });

    fastify.delete<ByProject>('/os-quota-sets/:project', async (request, reply) => {
      if (!requireCaller(identity, request).isAdmin) throw policyForbids('os-quota-sets:delete');
      return reply.code(202).send();
    });

    fastify.get<ByProject>('/os-quota-sets/:project/detail', async (request) => {
      const { project } = request.params;
      requireProject(request, project, 'os-quota-sets:detail');
      const used: Record<string, number> = { ...(await store.read((db) => usageOf(db, project))) };
      const details = Object.entries(quotas(minorVersion(request))).map(([name, limit]) => [
        name,
        { limit, in_use: used[name] ?? 0, reserved: 0 },
      ]);
      return { quota_set: { id: project, ...Object.fromEntries(details) } };
    });
  };
