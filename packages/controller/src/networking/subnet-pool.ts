import { addressScope } from '@portward/model/address-scope.ts';
import { badRequest } from '@portward/model/api-error.ts';
import { cidrList } from '@portward/model/attribute.ts';
import { type Cidr, formatCidr, type IpVersion, parseCidr } from '@portward/model/ip-address.ts';
import { rangesToCidrs, subtractRanges } from '@portward/model/ip-ranges.ts';
import { type SubnetPool, subnetPool } from '@portward/model/subnet-pool.ts';
import type { Caller } from '../caller.ts';
import { among } from '../store/among.ts';
import type { Reader } from '../store/store.ts';
import { insertObject, updateObject } from './collection.ts';
import {
  invalidArgument,
  noPrefixes,
  poolFixed,
  poolNotEmpty,
  poolOfOtherVersion,
  prefixBounds,
  prefixesFixed,
  prefixesMixed,
  scopePrefixConflict,
  scopesDiffer,
} from './errors.ts';
import type { AnySelect } from './list-query.ts';
import { openToAll } from './rbac-policy-record.ts';
import type { Rules } from './rules.ts';
import { ownOrShared, requireVisible } from './shared-access.ts';
import { loadTags, removeTags } from './tags.ts';

/** Bits of an address, and the largest block of a pool that names none. */
const FAMILIES: Record<IpVersion, { bits: number; largestBlock: number }> = {
  4: { bits: 32, largestBlock: 8 },
  6: { bits: 128, largestBlock: 64 },
};

type Lengths = Pick<SubnetPool, 'ip_version' | 'min_prefixlen' | 'default_prefixlen' | 'max_prefixlen'>;

/** Rules of subnet pools; which blocks subnets get from them is decided in subnet-allocation.ts. */
export const subnetPoolRules: Rules<typeof subnetPool> = {
  definition: subnetPool,

  async load(db, rows) {
    const tags = await loadTags(
      db,
      rows.map((row) => row.id),
    );
    return rows.map((row) => ({ ...row, shared: false, tags: tags.get(row.id) ?? [] }));
  },

  async create(tx, values, { caller }) {
    const prefixes = mergedPrefixes(values.prefixes as string[]);
    const version = (parseCidr(prefixes[0] as string) as Cidr).version;
    const smallest = values.min_prefixlen ?? FAMILIES[version].largestBlock;
    const lengths = {
      ip_version: version,
      min_prefixlen: smallest,
      default_prefixlen: values.default_prefixlen ?? smallest,
      max_prefixlen: values.max_prefixlen ?? FAMILIES[version].bits,
    };
    checkLengths(lengths);
    if (values.is_default === true) await refuseSecondDefault(tx.db, version, caller);
    const id = await insertObject(tx, subnetPool, { ...values, ...lengths, prefixes });
    await checkScope(tx.db, { id, ip_version: version, prefixes }, values.address_scope_id ?? null, caller);
    if (values.shared === true) {
      await openToAll(tx, subnetPool, { id, project_id: values.project_id }, 'access_as_shared');
    }
    return id;
  },

  async update(tx, current, values, { caller }) {
    const changed = { ...values };
    if (values.prefixes !== undefined) {
      if (subtractRanges(parsed(current.prefixes), sameVersion(current, values.prefixes)).length > 0) {
        throw prefixesFixed('Existing prefixes must be a subset of the new prefixes');
      }
      changed.prefixes = mergedPrefixes(values.prefixes);
    }
    const next = { ...current, ...changed };
    checkLengths(next);
    if (next.is_default && !current.is_default) await refuseSecondDefault(tx.db, current.ip_version, caller);
    if (current.address_scope_id !== null) await requireOwnScope(tx.db, current, caller);
    if (next.address_scope_id !== current.address_scope_id) await refuseSplitNetworks(tx.db, current);
    if (next.address_scope_id !== current.address_scope_id || changed.prefixes !== undefined) {
      await checkScope(tx.db, next, next.address_scope_id, caller);
    }
    await updateObject(tx, subnetPool, current.id, changed);
  },

  async remove(tx, current) {
    if ((await allocatedBlocks(tx.db, current.id)).length > 0) throw poolNotEmpty();
    await removeTags(tx, current.id);
    await tx.db.deleteFrom('subnetpools').where('id', '=', current.id).execute();
  },

  actions: {
    async add_prefixes(tx, current, body, context) {
      const prefixes = [...current.prefixes, ...requestedPrefixes(body)];
      await subnetPoolRules.update?.(tx, current, { prefixes }, context);
      return { prefixes: mergedPrefixes(prefixes) };
    },
    async remove_prefixes(tx, current, body) {
      const removed = sameVersion(current, requestedPrefixes(body));
      const used = (await allocatedBlocks(tx.db, current.id)).map(({ cidr }) => parseCidr(cidr) as Cidr);
      if (used.some((block) => removed.some((gone) => gone.first <= block.last && block.first <= gone.last))) {
        throw prefixesFixed('One or more the prefixes to be removed is in use by a subnet.');
      }
      const left = subtractRanges(parsed(current.prefixes), removed);
      const prefixes = rangesToCidrs(left, current.ip_version).map(formatCidr);
      if (prefixes.join() !== current.prefixes.join()) await updateObject(tx, subnetPool, current.id, { prefixes });
      return { prefixes };
    },
  },
};

const parsed = (prefixes: readonly string[]): Cidr[] => prefixes.map((prefix) => parseCidr(prefix) as Cidr);

/** Prefixes taken apart; throws 400 when they are not all of the pool's IP version. */
function sameVersion({ ip_version: version }: { ip_version: IpVersion }, prefixes: readonly string[]): Cidr[] {
  const all = parsed(prefixes);
  if (all.some((prefix) => prefix.version !== version)) throw prefixesMixed();
  return all;
}

/** The same addresses in as few prefixes as possible; throws Neutron's 400s. */
function mergedPrefixes(prefixes: readonly string[]): string[] {
  const [first] = parsed(prefixes);
  if (first === undefined) throw noPrefixes();
  return rangesToCidrs(sameVersion({ ip_version: first.version }, prefixes), first.version).map(formatCidr);
}

function checkLengths({ ip_version: version, min_prefixlen: min, max_prefixlen: max, default_prefixlen }: Lengths) {
  const { bits } = FAMILIES[version];
  if (min > max) throw prefixBounds('min_prefixlen', min, 'max_prefixlen', max);
  if (max > bits) throw prefixBounds('max_prefixlen', max, 'ip_version_max', bits);
  if (default_prefixlen < min) throw prefixBounds('default_prefixlen', default_prefixlen, 'min_prefixlen', min);
  if (default_prefixlen > max) throw prefixBounds('default_prefixlen', default_prefixlen, 'max_prefixlen', max);
}

/** The pool that subnets of a version come from when their request asks for the default one. */
export async function defaultPool(db: Reader, version: IpVersion, caller: Caller): Promise<string | undefined> {
  const all = db.selectFrom('subnetpools') as unknown as AnySelect;
  const visible = caller.isAdmin ? all : ownOrShared(all, subnetPool, caller);
  const row = await visible
    .select('id')
    .where('is_default', '=', true)
    .where('ip_version', '=', version)
    .limit(1)
    .executeTakeFirst();
  return row?.id as string | undefined;
}

async function refuseSecondDefault(db: Reader, version: IpVersion, caller: Caller): Promise<void> {
  if ((await defaultPool(db, version, caller)) === undefined) return;
  throw invalidArgument(
    'A default subnetpool for this IP family has already been set. Only one default may exist per IP family',
  );
}

/** Blocks that subnets have from the pool. */
export async function allocatedBlocks(db: Reader, poolId: string): Promise<{ cidr: string; project_id: string }[]> {
  return db.selectFrom('subnets').select(['cidr', 'project_id']).where('subnetpool_id', '=', poolId).execute();
}

/** A pool of a scope that is another project's: only that project, or an admin, changes it. */
async function requireOwnScope(db: Reader, current: SubnetPool, caller: Caller): Promise<void> {
  if (caller.isAdmin) return;
  const id = current.address_scope_id as string;
  const scope = await db.selectFrom('address_scopes').select('project_id').where('id', '=', id).executeTakeFirst();
  if (scope?.project_id === caller.projectId) return;
  throw poolFixed(`subnetpool ${current.id} cannot be updated when associated with shared address scope ${id}`);
}

/** Throws unless the pool may be in the scope: one that the caller sees, of its IP version, with no address twice. */
async function checkScope(
  db: Reader,
  pool: Pick<SubnetPool, 'id' | 'ip_version' | 'prefixes'>,
  scopeId: string | null,
  caller: Caller,
): Promise<void> {
  if (scopeId === null) return;
  await requireVisible(db, addressScope, [scopeId], caller);
  const scope = await db
    .selectFrom('address_scopes')
    .select('ip_version')
    .where('id', '=', scopeId)
    .executeTakeFirstOrThrow();
  if (scope.ip_version !== pool.ip_version) throw poolOfOtherVersion(pool.id, scopeId, scope.ip_version);
  const others = await db
    .selectFrom('subnetpools')
    .select('prefixes')
    .where('address_scope_id', '=', scopeId)
    .where('id', '!=', pool.id)
    .execute();
  const own = parsed(pool.prefixes);
  for (const other of others.flatMap((row) => parsed(row.prefixes))) {
    if (own.some((prefix) => prefix.first <= other.last && other.first <= prefix.last)) throw scopePrefixConflict();
  }
}

/** Throws when the pool's scope cannot change without its networks having subnets of two scopes. */
async function refuseSplitNetworks(db: Reader, pool: SubnetPool): Promise<void> {
  const own = await db
    .selectFrom('subnets')
    .select(['id', 'network_id'])
    .where('subnetpool_id', '=', pool.id)
    .execute();
  if (own.length === 0) return;
  const beside = await db
    .selectFrom('subnets')
    .select('subnetpool_id')
    .where(
      among(
        'network_id',
        own.map((row) => row.network_id),
      ),
    )
    .where('ip_version', '=', pool.ip_version)
    .execute();
  if (beside.some((row) => row.subnetpool_id !== pool.id)) throw scopesDiffer();
}

/** The bare `{"prefixes": […]}` of the actions. */
function requestedPrefixes(body: Record<string, unknown>): string[] {
  const { prefixes } = body;
  if (!Array.isArray(prefixes) || prefixes.length === 0) throw badRequest('Request body contains invalid data');
  const outcome = cidrList().safeParse(prefixes);
  if (outcome.success) return outcome.data;
  throw badRequest(`Invalid input for prefixes. Reason: ${outcome.error.issues[0]?.message}.`);
}
