import { ApiError } from '@portward/model/api-error.ts';
import { compiledQuery } from '../store/compiled-query.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { badCompute } from './errors.ts';
import { findFlavor } from './flavors.ts';
import { MOST_METADATA } from './request-body.ts';

/** No limit. */
export const UNLIMITED = -1;

/** Limits by name. */
export type Limits = Readonly<Record<string, number>>;

/** What servers use up: those of a project, or some that it wants. */
export interface Usage {
  readonly instances: number;
  readonly cores: number;
  /** MiB. */
  readonly ram: number;
}
const USED_UP = ['cores', 'instances', 'ram'] as const satisfies (keyof Usage)[];

/** What a project has for which nothing was set. Servers are recorded, not run, so that nothing bounds them. */
export const DEFAULT_LIMITS: Limits = {
  instances: UNLIMITED,
  cores: UNLIMITED,
  ram: UNLIMITED,
  metadata_items: MOST_METADATA,
  key_pairs: UNLIMITED,
  server_groups: UNLIMITED,
  server_group_members: UNLIMITED,
  injected_files: UNLIMITED,
  injected_file_content_bytes: UNLIMITED,
  injected_file_path_bytes: UNLIMITED,
};

const exceeded = (message: string): ApiError => new ApiError(403, 'forbidden', message);

const overrides = compiledQuery((db, { projectId }: { projectId: string }) =>
  db
    .selectFrom('quotas')
    .select(['resource', 'maximum'])
    .where('project_id', '=', projectId)
    .where('service', '=', 'compute'),
);

/** The limits of a project. */
export async function limitsOf(db: Reader, projectId: string): Promise<Limits> {
  const rows = await overrides(db, { projectId });
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(rows.map((row) => [row.resource, row.maximum])) };
}

/** What so many servers of a flavor use up. */
export function usageBy(flavorId: string, count: number): Usage {
  const flavor = findFlavor(flavorId);
  return { instances: count, cores: count * (flavor?.vcpus ?? 0), ram: count * (flavor?.ram ?? 0) };
}

/** What the servers of a project use up. */
export async function usageOf(db: Reader, projectId: string): Promise<Usage> {
  const rows = await db
    .selectFrom('servers')
    .select(['flavor_id', (expression) => expression.fn.countAll<number>().as('count')])
    .where('project_id', '=', projectId)
    .groupBy('flavor_id')
    .execute();
  return rows
    .map((row) => usageBy(row.flavor_id, Number(row.count)))
    .reduce(
      (sum, part) => ({
        instances: sum.instances + part.instances,
        cores: sum.cores + part.cores,
        ram: sum.ram + part.ram,
      }),
      { instances: 0, cores: 0, ram: 0 },
    );
}

/**
 * Throws 403, in Nova's words, unless the project may have servers that use up so much more. Writers come one at a
 * time: what follows in the transaction cannot exceed the limits.
 */
export async function requireRoomFor(tx: Transaction, projectId: string, wanted: Usage): Promise<void> {
  const limits = await limitsOf(tx.db, projectId);
  if (USED_UP.every((name) => limits[name] === UNLIMITED)) return;
  const used = await usageOf(tx.db, projectId);
  const over = USED_UP.filter((name) => {
    const limit = limits[name] ?? UNLIMITED;
    return limit !== UNLIMITED && used[name] + wanted[name] > limit;
  });
  if (over.length === 0) return;
  const list = (value: (name: keyof Usage) => unknown) => over.map(value).join(', ');
  const names = list((name) => name);
  throw exceeded(
    `Quota exceeded for ${names}: Requested ${list((name) => wanted[name])}, but already used ${list((name) => used[name])} of ${list((name) => limits[name])} ${names}`,
  );
}

/** Throws 403 unless a user may have one key pair more; the limit is that of the project it works in. */
export async function requireRoomForKeypair(tx: Transaction, projectId: string, userId: string): Promise<void> {
  const { key_pairs: limit = UNLIMITED } = await limitsOf(tx.db, projectId);
  if (limit === UNLIMITED) return;
  const rows = await tx.db
    .selectFrom('keypairs')
    .select('name')
    .where('user_id', '=', userId)
    .limit(limit + 1)
    .execute();
  if (rows.length >= limit) throw exceeded('Quota exceeded, too many key pairs.');
}

/** Throws 403 unless a server of the project may have so much metadata. */
export async function requireMetadataRoom(db: Reader, projectId: string, metadata: object): Promise<void> {
  const { metadata_items: limit = MOST_METADATA } = await limitsOf(db, projectId);
  if (Object.keys(metadata).length > limit) throw exceeded(`Maximum number of metadata items exceeds ${limit}`);
}

/** Sets limits of a project. Throws 400 of one that is below what is in use, unless forced, or that cannot be held. */
export async function setLimits(tx: Transaction, projectId: string, limits: Limits, force: boolean): Promise<void> {
  const used: Readonly<Record<string, number>> = force ? {} : { ...(await usageOf(tx.db, projectId)) };
  for (const [resource, maximum] of Object.entries(limits)) {
    const inUse = used[resource] ?? 0;
    if (maximum !== UNLIMITED && maximum < inUse) {
      throw badCompute(
        `Quota limit ${maximum} for ${resource} must be greater than or equal to already used and reserved ${inUse}.`,
      );
    }
    if (resource === 'metadata_items' && (maximum === UNLIMITED || maximum > MOST_METADATA)) {
      throw badCompute(`Quota limit ${maximum} for ${resource} must be less than or equal to ${MOST_METADATA}.`);
    }
    await tx.db
      .insertInto('quotas')
      .values({ project_id: projectId, service: 'compute', resource, maximum })
      .onConflict((conflict) => conflict.columns(['project_id', 'service', 'resource']).doUpdateSet({ maximum }))
      .execute();
  }
}

/** Forgets what was set for a project. */
export async function forgetLimits({ db }: Transaction, projectId: string): Promise<void> {
  await db.deleteFrom('quotas').where('project_id', '=', projectId).where('service', '=', 'compute').execute();
}
