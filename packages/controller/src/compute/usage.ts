import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { queryText } from '../identity/request-body.ts';
import { badCompute, policyForbids } from './errors.ts';
import { type Flavor, findFlavor } from './flavors.ts';
import { minorVersion } from './microversion.ts';
import { pageOf } from './page.ts';
import type { ComputeRoom } from './room.ts';
import { statesOf } from './server-status.ts';
import type { ServerRow } from './servers.ts';

type Row = Pick<ServerRow, 'id' | 'name' | 'project_id' | 'flavor_id' | 'status' | 'running' | 'created_at'>;

/** A stretch of time, in milliseconds since 1970. */
interface Period {
  readonly start: number;
  readonly stop: number;
}

const HOUR = 3_600_000;
/** What is looked at when the query does not say since when. */
const FOUR_WEEKS = 28 * 24 * HOUR;

/** Nova's form of times here: no zone, microseconds. */
const timeText = (time: number): string => new Date(time).toISOString().replace('Z', '000');

/** A time of the query, UTC; throws Nova's 400 of what is none. */
function readTime(text: string | undefined, absent: number): number {
  if (text === undefined) return absent;
  const time = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?$/.test(text)
    ? Date.parse(`${text.replace(' ', 'T')}Z`)
    : Number.NaN;
  if (Number.isNaN(time)) throw badCompute('Datetime is in invalid format');
  return time;
}

/** `start` and `end` of the query. */
function readPeriod(request: FastifyRequest, now: number): Period {
  const stop = readTime(queryText(request.query, 'end'), now);
  const start = readTime(queryText(request.query, 'start'), stop - FOUR_WEEKS);
  if (start >= stop) throw badCompute('Invalid start time. The start time cannot occur after the end time.');
  return { start, stop };
}

/** What one server used within a period; the future does not count. */
function usageOf(row: Row, { start, stop }: Period, now: number) {
  const flavor = findFlavor(row.flavor_id) as Flavor;
  const began = Date.parse(row.created_at);
  return {
    instance_id: row.id,
    name: row.name,
    tenant_id: row.project_id,
    flavor: flavor.name,
    vcpus: flavor.vcpus,
    memory_mb: flavor.ram,
    local_gb: flavor.disk,
    started_at: timeText(began),
    ended_at: null,
    hours: Math.max(0, Math.min(stop, now) - Math.max(start, began)) / HOUR,
    uptime: Math.max(0, Math.floor((now - began) / 1000)),
    state: statesOf(row).vm,
  };
}

/** What one project used: its servers' shares and their sums, in hours times what each has. */
function projectUsage(projectId: string, rows: readonly Row[], period: Period, now: number, detailed: boolean) {
  const servers = rows.map((row) => usageOf(row, period, now));
  const sum = (weight: (server: (typeof servers)[number]) => number): number =>
    servers.reduce((total, server) => total + server.hours * weight(server), 0);
  return {
    tenant_id: projectId,
    start: timeText(period.start),
    stop: timeText(period.stop),
    total_hours: sum(() => 1),
    total_vcpus_usage: sum(({ vcpus }) => vcpus),
    total_memory_mb_usage: sum(({ memory_mb: ram }) => ram),
    total_local_gb_usage: sum(({ local_gb: disk }) => disk),
    ...(detailed && { server_usages: servers }),
  };
}

/**
 * What projects use, `/v2.1/os-simple-tenant-usage`: of servers that exist, for nothing is kept of deleted ones. From
 * 2.40 on it comes in pages, counted in servers.
 */
export const usageRoutes =
  ({ store, now }: ComputeRoom): FastifyPluginAsync =>
  async (fastify) => {
    /** The servers that were there within the period, and the link to more. */
    const page = async (request: FastifyRequest, path: string, { stop }: Period, projectId?: string) => {
      const rows = await store.read((db) => {
        const all = db
          .selectFrom('servers')
          .select(['id', 'name', 'project_id', 'flavor_id', 'status', 'running', 'created_at'])
          .orderBy('project_id')
          .orderBy('id');
        return (projectId === undefined ? all : all.where('project_id', '=', projectId)).execute();
      });
      const begun = rows.filter((row) => Date.parse(row.created_at) < stop);
      return minorVersion(request) < 40 ? { items: begun, links: undefined } : pageOf(request, path, begun);
    };

    fastify.get('/os-simple-tenant-usage', async (request) => {
      const { caller } = request;
      if (!caller.isAdmin) throw policyForbids('os-simple-tenant-usage:list');
      const present = now().getTime();
      const period = readPeriod(request, present);
      const { items, links } = await page(request, 'os-simple-tenant-usage', period);
      const detailed = queryText(request.query, 'detailed') === '1';
      const projects = Map.groupBy(items, (row) => row.project_id);
      return {
        tenant_usages: [...projects].map(([id, rows]) => projectUsage(id, rows, period, present, detailed)),
        ...(links !== undefined && { tenant_usages_links: links }),
      };
    });

    fastify.get<{ Params: { project: string } }>('/os-simple-tenant-usage/:project', async (request) => {
      const { caller } = request;
      const { project } = request.params;
      if (!caller.isAdmin && caller.projectId !== project) throw policyForbids('os-simple-tenant-usage:show');
      const present = now().getTime();
      const period = readPeriod(request, present);
      const { items, links } = await page(request, `os-simple-tenant-usage/${project}`, period, project);
      return {
        tenant_usage: items.length === 0 ? {} : projectUsage(project, items, period, present, true),
        ...(links !== undefined && { tenant_usage_links: links }),
      };
    });
  };
