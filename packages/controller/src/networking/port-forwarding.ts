import { badRequest } from '@portward/model/api-error.ts';
import { pythonRepr } from '@portward/model/attribute.ts';
import { floatingIp } from '@portward/model/floating-ip.ts';
import { cidrContains } from '@portward/model/ip-address.ts';
import { type FixedIp, port } from '@portward/model/port.ts';
import { IGNORED_FORWARDING_FILTERS, type PortForwarding, portForwarding } from '@portward/model/port-forwarding.ts';
import { type RawBuilder, sql } from 'kysely';
import { compiledQuery } from '../store/compiled-query.ts';
import type { Database } from '../store/schema.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { firstIpv4, loadAddresses } from './address-allocation.ts';
import { insertObject, updateObject } from './collection.ts';
import { alreadyAssociated, badResource, portHasFloatingIp } from './errors.ts';
import { forgetForwardings } from './forwarding-record.ts';
import { routerBetween } from './reachability.ts';
import type { Context, Rules } from './rules.ts';

type FloatingIpRow = Database['floatingips'];

/** An inclusive range of ports. */
interface PortRange {
  first: number;
  last: number;
}

/** Everything that decides whether a forwarding can be: the merged result of what is stored and what is asked. */
interface Forwarding {
  id: string | undefined;
  protocol: string;
  internalPortId: string;
  /** undefined: the port's first IPv4 address. */
  internalIp: string | undefined;
  external: PortRange;
  internal: PortRange;
}

type Asked = Partial<
  Pick<PortForwarding, 'external_port' | 'external_port_range' | 'internal_port' | 'internal_port_range'>
>;

const bad = (reason: string) => badResource('port_forwarding', reason);
const rangeText = ({ first, last }: PortRange): string => `${first}:${last}`;
const isSingle = ({ first, last }: PortRange): boolean => first === last;

/** Rules of port forwardings: they live on a floating IP that no port has, all through one router. */
export const portForwardingRules: Rules<typeof portForwarding> = {
  definition: portForwarding,
  ignoredFilters: IGNORED_FORWARDING_FILTERS,

  requireParent: requireFloatingIp,

  visible: (query, { parentId }) => query.where('port_forwardings.floatingip_id', '=', parentId),

  filters: {
    external_port: (query, values) =>
      query.where(
        anyOf(values, (value) => {
          const port = filterValue('external_port', Number(value));
          return sql`(external_first = ${port} and external_last = ${port})`;
        }),
      ),
    external_port_range: (query, values) =>
      query.where(
        anyOf(values, (value) => {
          const { first, last } = parseRange(filterValue('external_port_range', value));
          return sql`(external_first = ${first} and external_last = ${last})`;
        }),
      ),
  },

  load: async (_db, rows) =>
    rows.map((row) => {
      const external = { first: row.external_first, last: row.external_last };
      const internal = { first: row.internal_first, last: row.internal_last };
      return {
        ...row,
        external_port: isSingle(external) ? external.first : null,
        external_port_range: rangeText(external),
        internal_port: isSingle(internal) ? internal.first : null,
        internal_port_range: rangeText(internal),
      };
    }),

  async create(tx, values, context) {
    const parent = await requireFloatingIp(tx.db, context);
    const external = chosenRange('external', values);
    const internal = chosenRange('internal', values);
    if (external === undefined || internal === undefined) {
      throw badRequest(
        `Invalid input for port_forwarding. Reason: ${external === undefined ? 'external' : 'internal'}_port or ${external === undefined ? 'external' : 'internal'}_port_range must be specified.`,
      );
    }
    const wanted: Forwarding = {
      id: undefined,
      protocol: values.protocol as string,
      internalPortId: values.internal_port_id as string,
      internalIp: values.internal_ip_address,
      external,
      internal,
    };
    checkRelation(wanted);
    const target = await checkTarget(tx, parent, wanted, context);
    const { router_id: router, ...columns } = target;
    const id = await insertObject(tx, portForwarding, {
      project_id: parent.project_id,
      description: values.description ?? '',
      floatingip_id: parent.id,
      ...columns,
    });
    await touchFloatingIp(tx, parent, router);
    tx.changed('port_forwarding', id);
    return id;
  },

  async update(tx, current, values, context) {
    const parent = await requireFloatingIp(tx.db, context);
    const sameTarget = values.internal_port_id === undefined || values.internal_port_id === current.internal_port_id;
    const wanted: Forwarding = {
      id: current.id,
      protocol: values.protocol ?? current.protocol,
      internalPortId: values.internal_port_id ?? current.internal_port_id,
      internalIp: values.internal_ip_address ?? (sameTarget ? current.internal_ip_address : undefined),
      external: chosenRange('external', values) ?? { first: current.external_first, last: current.external_last },
      internal: chosenRange('internal', values) ?? { first: current.internal_first, last: current.internal_last },
    };
    checkRelation(wanted);
    const { router_id: router, ...target } = await checkTarget(tx, parent, wanted, context);
    const { description } = values;
    await updateObject(tx, portForwarding, current.id, {
      ...target,
      ...(description !== undefined && { description }),
    });
    await touchFloatingIp(tx, parent, router);
    tx.changed('port_forwarding', current.id);
  },

  async remove(tx, current) {
    await forgetForwardings(tx, [current]);
  },
};

/** A forwarding counts as a change of its floating IP; only a new router concerns the data plane. */
async function touchFloatingIp(tx: Transaction, parent: FloatingIpRow, router: string): Promise<void> {
  const moves = router !== parent.router_id;
  await updateObject(tx, floatingIp, parent.id, moves ? { router_id: router } : {});
  if (moves) tx.changed('floatingip', parent.id);
}

const anyOf = (values: string[], condition: (value: string) => RawBuilder<unknown>): RawBuilder<boolean> =>
  sql<boolean>`(${sql.join(values.map(condition), sql` or `)})`;

const floatingIpById = compiledQuery((db, { id }: { id: string }) =>
  db.selectFrom('floatingips').selectAll().where('id', '=', id).limit(1),
);

async function requireFloatingIp(db: Reader, { parentId = '', caller }: Context): Promise<FloatingIpRow> {
  const [row] = await floatingIpById(db, { id: parentId });
  if (row === undefined || (!caller.isAdmin && row.project_id !== caller.projectId))
    throw floatingIp.notFound(parentId);
  return row;
}

function parseRange(text: string): PortRange {
  const [first = 0, last = first] = text.split(':').map(Number);
  return { first, last };
}

/** A filter's value, checked like the attribute itself; throws the same 400. */
function filterValue<K extends 'external_port' | 'external_port_range'>(
  name: K,
  value: unknown,
): NonNullable<PortForwarding[K]> {
  const outcome = portForwarding.attributes[name].schema.safeParse(value);
  if (!outcome.success) {
    throw badRequest(`Invalid input for ${name}. Reason: ${outcome.error.issues[0]?.message.replace(/\.$/, '')}.`);
  }
  return outcome.data as NonNullable<PortForwarding[K]>;
}

/** The range that a body gives for one side; undefined when it gives none. A range and a port must say the same. */
function chosenRange(side: 'external' | 'internal', values: Asked): PortRange | undefined {
  const [single, text] = [values[`${side}_port`] ?? null, values[`${side}_port_range`] ?? null];
  if (text === null) {
    if (single !== null) return { first: single, last: single };
    if (values[`${side}_port`] === null && values[`${side}_port_range`] === undefined) {
      throw badRequest(`Invalid input for ${side}_port. Reason: 'None' is not an integer.`);
    }
    return undefined;
  }
  const { first, last } = parseRange(text);
  if (single !== null && (first !== single || last !== single)) {
    throw badRequest(`Invalid input for ${side}_port_range. Reason: it does not agree with ${side}_port ${single}.`);
  }
  return { first, last };
}

function checkRelation({ internal, external }: Forwarding): void {
  const [inside, outside] = [internal.last - internal.first, external.last - external.first];
  if (inside > 0 && inside !== outside) {
    throw bad(
      'Invalid ranges of internal and/or external ports. The relation between internal and external ports must be N-N or 1-N.',
    );
  }
}

const ownerOfPort = compiledQuery((db, { id }: { id: string }) =>
  db.selectFrom('ports').select('project_id').where('id', '=', id).limit(1),
);

/** The remaining checks, in Neutron's order; answers the columns to write, and the router they go through. */
async function checkTarget(tx: Transaction, parent: FloatingIpRow, wanted: Forwarding, { caller }: Context) {
  const [target] = await ownerOfPort(tx.db, { id: wanted.internalPortId });
  // What others have with a port that the caller may not see is none of its business: no such checks, a 404 in its turn.
  const visible = target !== undefined && (caller.isAdmin || target.project_id === caller.projectId);
  const addresses = visible
    ? ((await loadAddresses(tx.db, [wanted.internalPortId])).get(wanted.internalPortId) ?? [])
    : [];
  const internalIp = wanted.internalIp ?? firstIpv4(addresses)?.ip_address;
  if (visible && internalIp !== undefined) await refuseInternalOverlap(tx.db, wanted, internalIp);
  await refuseExternalOverlap(tx.db, parent, wanted);
  if (visible) await refuseBound(tx.db, wanted.internalPortId, internalIp);
  if (parent.port_id !== null) {
    throw alreadyAssociated(
      parent.floating_ip_address,
      parent.id,
      wanted.internalPortId,
      internalIp ?? 'None',
      parent.floating_network_id,
    );
  }
  if (!visible) throw port.notFound(wanted.internalPortId);
  const fixed = chooseAddress(wanted, addresses, internalIp);
  const router = await routerBetween(tx.db, fixed.subnet_id, parent.floating_network_id);
  if (router === undefined) {
    throw bad(
      `External network ${parent.floating_network_id} is not reachable from subnet ${fixed.subnet_id}. Cannot set Port forwarding for port ${wanted.internalPortId} with Floating IP ${parent.id}`,
    );
  }
  if (parent.router_id !== null && parent.router_id !== router) {
    throw bad(await otherRouter(tx.db, parent, wanted, fixed.ip_address));
  }
  return {
    protocol: wanted.protocol as PortForwarding['protocol'],
    internal_port_id: wanted.internalPortId,
    internal_ip_address: fixed.ip_address,
    external_first: wanted.external.first,
    external_last: wanted.external.last,
    internal_first: wanted.internal.first,
    internal_last: wanted.internal.last,
    router_id: router,
  };
}

/** Why a port behind another router is refused: all forwardings of a floating IP go through one. */
async function otherRouter(
  db: Reader,
  { id, router_id: router }: FloatingIpRow,
  { internalPortId, internal }: Forwarding,
  address: string,
): Promise<string> {
  const same = await db
    .selectFrom('port_forwardings')
    .select('id')
    .where('floatingip_id', '=', id)
    .where('internal_ip_address', '=', address)
    .where('internal_first', '=', internal.first)
    .limit(1)
    .executeTakeFirst();
  return same === undefined
    ? `The Floating IP ${id} had been set on router ${router}, the internal Neutron port ${internalPortId} can not reach it`
    : `Floating IP ${id} with params: internal_ip_address: ${address}, internal_port: ${internal.first} already exists`;
}

const floatingIpOfPort = compiledQuery((db, { portId }: { portId: string }) =>
  db
    .selectFrom('floatingips')
    .select(['id', 'floating_ip_address'])
    .where('port_id', '=', portId)
    .orderBy('id')
    .limit(1),
);

/** A port that has a floating IP of its own, on whichever of its addresses, takes no forwarding. */
async function refuseBound(db: Reader, portId: string, internalIp: string | undefined): Promise<void> {
  const [bound] = await floatingIpOfPort(db, { portId });
  if (bound !== undefined) throw portHasFloatingIp(bound.floating_ip_address, bound.id, portId, internalIp ?? 'None');
}

function chooseAddress(wanted: Forwarding, addresses: readonly FixedIp[], internalIp: string | undefined): FixedIp {
  if (firstIpv4(addresses) === undefined || internalIp === undefined) {
    throw bad(`Requested internal port ${wanted.internalPortId} must allocate an IPv4 address at least.`);
  }
  const fixed = addresses.find((item) => item.ip_address === internalIp);
  if (fixed !== undefined && cidrContains('0.0.0.0/0', internalIp)) return fixed;
  const shown = pythonRepr(addresses);
  throw bad(
    wanted.id === undefined
      ? `Requested internal IP address ${internalIp} is not suitable for internal neutron port ${wanted.internalPortId}, as its fixed_ips are ${shown}`
      : `The internal IP does not correspond to an address on the internal port, which has fixed_ips ${shown}`,
  );
}

const nearestExternal = compiledQuery((db, of: { parentId: string; protocol: string; last: number; id: string }) =>
  db
    .selectFrom('port_forwardings')
    .select(['external_first as first', 'external_last as last'])
    .where('floatingip_id', '=', of.parentId)
    .where('protocol', '=', of.protocol as 'tcp')
    .where('external_first', '<=', of.last)
    .where('id', '!=', of.id)
    .orderBy('external_first', 'desc')
    .limit(1),
);

const nearestInternal = compiledQuery(
  (db, of: { portId: string; address: string; protocol: string; last: number; id: string }) =>
    db
      .selectFrom('port_forwardings')
      .select(['internal_first as first', 'internal_last as last'])
      .where('internal_port_id', '=', of.portId)
      .where('internal_ip_address', '=', of.address)
      .where('protocol', '=', of.protocol as 'tcp')
      .where('internal_first', '<=', of.last)
      .where('id', '!=', of.id)
      .orderBy('internal_first', 'desc')
      .limit(1),
);

/**
 * Ranges of one side never overlap each other, so only the one that begins last at or before our end can overlap us:
 * one look into the index, however many there are.
 */
async function refuseExternalOverlap(
  db: Reader,
  parent: FloatingIpRow,
  { id, protocol, external }: Forwarding,
): Promise<void> {
  const [nearest] = await nearestExternal(db, { parentId: parent.id, protocol, last: external.last, id: id ?? '' });
  if (nearest === undefined || nearest.last < external.first) return;
  if (id !== undefined && isSingle(external) && isSingle(nearest)) {
    throw conflicting({ floating_ip_address: parent.floating_ip_address, external_port: external.first });
  }
  throw bad(
    `There is a port collision with the external_port_range. The following ranges collide: ${rangeText(nearest)} and ${rangeText(external)}.`,
  );
}

async function refuseInternalOverlap(db: Reader, wanted: Forwarding, internalIp: string): Promise<void> {
  const { id, protocol, internal, internalPortId } = wanted;
  const [nearest] = await nearestInternal(db, {
    portId: internalPortId,
    address: internalIp,
    protocol,
    last: internal.last,
    id: id ?? '',
  });
  if (nearest === undefined || nearest.last < internal.first) return;
  if (id !== undefined && isSingle(internal) && isSingle(nearest)) {
    throw conflicting({
      internal_port_id: internalPortId,
      internal_ip_address: internalIp,
      internal_port: internal.first,
    });
  }
  throw bad(
    `There is a port collision with the internal_port_range. The following ranges collide: ${rangeText(nearest)} and ${rangeText(internal)}.`,
  );
}

const conflicting = (values: Record<string, unknown>) =>
  bad(
    `Another port forwarding entry with the same attributes already exists, conflicting values are ${pythonRepr(values)}`,
  );
