import { ApiError } from '@portward/model/api-error.ts';
import { isUuid } from '@portward/model/attribute.ts';
import {
  type AddressPair,
  type ExtraDhcpOption,
  type ExtraDhcpOptionRequest,
  type FixedIp,
  type Port,
  port,
} from '@portward/model/port.ts';
import { sql } from 'kysely';
import type { Caller } from '../caller.ts';
import { among } from '../store/among.ts';
import type { Database } from '../store/schema.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { allocateAddresses, loadAddresses, writeAddresses } from './address-allocation.ts';
import { isRouterPort, withoutAutomatic } from './automatic-address.ts';
import { updateObject } from './collection.ts';
import {
  duplicatePair,
  foreignFloatingIp,
  foreignNetwork,
  groupsNeedSecurity,
  invalidArgument,
  macInUse,
  pairsNeedSecurity,
  portHasGroups,
  portInUse,
  servicePortInUse,
} from './errors.ts';
import { disassociate } from './floating-ip.ts';
import { deleteForwardings } from './forwarding-record.ts';
import type { AnySelect } from './list-query.ts';
import { requireNetwork } from './network-access.ts';
import { isInService, requireOwnDevice } from './port-device.ts';
import { createPort, deletePort, writeGroups } from './port-record.ts';
import type { Context, Rules } from './rules.ts';
import { ensureDefaultGroup } from './security-group.ts';
import { requireGroups } from './security-group-access.ts';
import { checkTags, loadTags, writeTags } from './tags.ts';

/** Rules of ports: one's own, and those of others on one's own networks. */
export const portRules: Rules<typeof port> = {
  definition: port,

  // Others' ports on its networks. Less and greater rather than unequal: so the index passes over its own.
  alsoVisible: ({ projectId }) =>
    ['<', '>'].map(
      (than) =>
        sql<boolean>`(ports.network_id in (select id from networks where project_id = ${projectId}) and ports.project_id ${sql.raw(than)} ${projectId})`,
    ),

  filters: {
    fixed_ips: filterFixedIps,
    security_groups: (query, values) =>
      query.where(
        sql<boolean>`ports.id in (select port_id from port_security_groups where security_group_id in (${sql.join(values)}))`,
      ),
  },

  load: (db, rows, { settings }) => loadPorts(db, rows, settings.dns_domain),

  async create(tx, values, context) {
    const { caller } = context;
    const network = await requireNetwork(tx.db, values.network_id as string, caller);
    await requireOwnDevice(tx.db, values, caller, 'create');
    const owns = caller.isAdmin || network.project_id === caller.projectId;
    if (!owns && !network.shared) throw foreignNetwork(caller.projectId, 'port');
    if (!owns) refuseForeign('create', values);
    const secured = values.port_security_enabled ?? network.port_security_enabled;
    const trusted = (values.device_owner ?? '').startsWith('network:');
    const hasNoAddress = values.fixed_ips !== undefined && values.fixed_ips.length === 0;
    let groups = values.security_groups;
    const defaultGroup =
      values.project_id === '' ? undefined : await ensureDefaultGroup(tx, values.project_id, context);
    if (groups === undefined) {
      groups = defaultGroup !== undefined && secured && !trusted && !hasNoAddress ? [defaultGroup] : [];
    } else if (groups.length > 0 && !secured) throw groupsNeedSecurity();
    await requireGroups(tx.db, groups, context);
    const pairs = values.allowed_address_pairs ?? [];
    if (pairs.length > 0 && !secured) throw pairsNeedSecurity();
    const { id } = await createPort(tx, {
      project_id: values.project_id,
      network_id: network.id,
      mac_address: values.mac_address,
      fixed_ips: values.fixed_ips,
      security_groups: groups,
      port_security_enabled: secured,
      more: { ...withoutComputed(values), extra_dhcp_opts: mergeOptions([], values.extra_dhcp_opts ?? []) },
    });
    if (pairs.length > 0) await writePairs(tx, id, pairs);
    if (values.tags !== undefined) await writeTags(tx, id, checkTags(values.tags));
    return id;
  },

  async update(tx, current, values, { caller, ...rest }) {
    const context: Context = { caller, ...rest };
    const changesDevice = (['device_id', 'device_owner'] as const).some(
      (key) => values[key] !== undefined && values[key] !== current[key],
    );
    if (changesDevice) await requireOwnDevice(tx.db, values, caller, 'update');
    if ((changesDevice || values.fixed_ips !== undefined) && (await isInService(tx.db, current))) {
      throw portInUse(current.id, current.network_id, current.device_id);
    }
    if (!caller.isAdmin) {
      const network = await requireNetwork(tx.db, current.network_id, caller);
      if (network.project_id !== caller.projectId) refuseForeign('update', withoutKept(values, current));
    }
    if (values.mac_address !== undefined && values.mac_address !== current.mac_address) {
      if (!caller.isAdmin)
        throw new ApiError(
          403,
          'PolicyNotAuthorized',
          '(rule:update_port and rule:update_port:mac_address) is disallowed by policy',
        );
      const taken = await tx.db
        .selectFrom('ports')
        .select('id')
        .where('network_id', '=', current.network_id)
        .where('mac_address', '=', values.mac_address)
        .limit(1)
        .executeTakeFirst();
      if (taken !== undefined) throw macInUse(current.network_id, values.mac_address);
    }
    const mac = values.mac_address ?? current.mac_address;
    if (values.fixed_ips !== undefined) await replaceAddresses(tx, current, mac, values.fixed_ips);
    else if (mac !== current.mac_address) {
      await replaceAddresses(tx, current, mac, await withoutAutomatic(tx.db, current.network_id, current.fixed_ips));
    }
    if (current.project_id !== '') await ensureDefaultGroup(tx, current.project_id, context);
    const secured = values.port_security_enabled ?? current.port_security_enabled;
    const groups = values.security_groups ?? current.security_groups;
    if (!secured && groups.length > 0)
      throw values.security_groups === undefined ? portHasGroups() : groupsNeedSecurity();
    const pairs = values.allowed_address_pairs ?? current.allowed_address_pairs;
    if (!secured && pairs.length > 0) throw pairsNeedSecurity();
    if (values.security_groups !== undefined) {
      await requireGroups(tx.db, values.security_groups, context);
      await writeGroups(tx, current.id, values.security_groups);
    }
    const { allowed_address_pairs: newPairs, extra_dhcp_opts: options, ...plain } = values;
    await updateObject(tx, port, current.id, {
      ...plain,
      ...(options !== undefined && { extra_dhcp_opts: mergeOptions(current.extra_dhcp_opts, options) }),
    });
    if (newPairs !== undefined) await writePairs(tx, current.id, newPairs);
    tx.changed('port', current.id);
  },

  async remove(tx, current, { caller }) {
    if (await isInService(tx.db, current)) throw servicePortInUse(current.id, current.device_owner);
    await removePort(tx, current.id, caller);
  },
};

/** Deletes a port with its cascades: floating IPs are disassociated, forwardings to it deleted. */
export async function removePort(tx: Transaction, id: string, caller: Caller): Promise<void> {
  const floatingIps = await tx.db
    .selectFrom('floatingips')
    .select(['id', 'project_id'])
    .where('port_id', '=', id)
    .execute();
  for (const row of floatingIps) {
    if (row.project_id !== caller.projectId && !caller.isAdmin) throw foreignFloatingIp(id);
    await disassociate(tx, row.id);
  }
  await deleteForwardings(tx, (query) => query.where('internal_port_id', '=', id));
  await deletePort(tx, id);
}

/** Completes rows of ports. */
export async function loadPorts(db: Reader, rows: Database['ports'][], domain: string): Promise<Port[]> {
  const ids = rows.map((row) => row.id);
  const addresses = await loadAddresses(db, ids);
  const groups = await loadGroups(db, ids);
  const tags = await loadTags(db, ids);
  return rows.map(
    ({ binding_vnic_type, binding_host_id, binding_profile, binding_vif_type, binding_vif_details, ...row }) => {
      const fixedIps = addresses.get(row.id) ?? [];
      return {
        ...row,
        'binding:vnic_type': binding_vnic_type,
        'binding:host_id': binding_host_id,
        'binding:profile': binding_profile,
        'binding:vif_type': binding_vif_type,
        'binding:vif_details': binding_vif_details,
        fixed_ips: fixedIps,
        security_groups: groups.get(row.id) ?? [],
        dns_assignment: fixedIps.map((item) => dnsAssignment(item.ip_address, row.dns_name, domain)),
        ip_allocation: fixedIps.length > 0 ? 'immediate' : 'none',
        qos_network_policy_id: null,
        tags: tags.get(row.id) ?? [],
      };
    },
  );
}

function dnsAssignment(address: string, name: string, domain: string) {
  const hostname = name || `host-${address.replaceAll(/[.:]/g, '-')}`;
  return { ip_address: address, hostname, fqdn: `${hostname}.${domain}.` };
}

async function loadGroups(db: Reader, portIds: string[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  if (portIds.length === 0) return found;
  const rows = await db
    .selectFrom('port_security_groups')
    .selectAll()
    .where(among('port_id', portIds))
    .orderBy('position')
    .execute();
  for (const row of rows) found.set(row.port_id, [...(found.get(row.port_id) ?? []), row.security_group_id]);
  return found;
}

/** The options of a port with those of a request in them: a null value takes one away. */
function mergeOptions(
  present: readonly ExtraDhcpOption[],
  asked: readonly ExtraDhcpOptionRequest[],
): ExtraDhcpOption[] {
  const key = ({ opt_name: name, ip_version: version }: Pick<ExtraDhcpOption, 'opt_name' | 'ip_version'>) =>
    `${version} ${name}`;
  const options = new Map(present.map((option) => [key(option), option]));
  for (const option of asked) {
    const { opt_value: value } = option;
    if (value === null) options.delete(key(option));
    else options.set(key(option), { ...option, opt_value: value });
  }
  return [...options.values()];
}

/** On another project's shared network its owner decides about addresses and trust. */
function refuseForeign(verb: 'create' | 'update', values: Partial<Port>): void {
  const refused = (attribute: string) =>
    new ApiError(
      403,
      'PolicyNotAuthorized',
      `(rule:${verb}_port and rule:${verb}_port:${attribute}) is disallowed by policy`,
    );
  if (values.mac_address !== undefined) throw refused('mac_address');
  if (values.fixed_ips?.some((item) => item.ip_address !== undefined)) throw refused('fixed_ips');
  if (values.device_owner?.startsWith('network:')) throw refused('device_owner');
  if (values.port_security_enabled !== undefined) throw refused('port_security_enabled');
  if ((values.allowed_address_pairs ?? []).length > 0) throw refused('allowed_address_pairs');
}

/** Leaves out addresses that the port has already: to name them again is no claim. */
function withoutKept(values: Partial<Port>, current: Port): Partial<Port> {
  const { fixed_ips: wanted, ...rest } = values;
  if (wanted === undefined) return values;
  const held = new Set(current.fixed_ips.map((item) => item.ip_address));
  return { ...rest, fixed_ips: wanted.filter((item) => !held.has(item.ip_address)) };
}

function withoutComputed(values: Partial<Port>): Partial<Port> {
  const {
    fixed_ips: _addresses,
    security_groups: _groups,
    tags: _tags,
    allowed_address_pairs: _pairs,
    mac_address: _mac,
    ...row
  } = values;
  return row;
}

async function writePairs(tx: Transaction, portId: string, wanted: readonly Partial<AddressPair>[]): Promise<void> {
  const { mac_address: own } = await tx.db
    .selectFrom('ports')
    .select('mac_address')
    .where('id', '=', portId)
    .executeTakeFirstOrThrow();
  const pairs = wanted.map((pair) => ({ mac_address: pair.mac_address ?? own, ip_address: pair.ip_address as string }));
  const seen = new Set<string>();
  for (const pair of pairs) {
    const key = `${pair.mac_address} ${pair.ip_address}`;
    if (seen.has(key)) throw duplicatePair(pair.mac_address, pair.ip_address);
    seen.add(key);
  }
  await tx.db.updateTable('ports').set({ allowed_address_pairs: pairs }).where('id', '=', portId).execute();
}

/** New addresses of a port; forwardings to an address that it loses are deleted, as Neutron does. */
async function replaceAddresses(
  tx: Transaction,
  current: Port,
  mac: string,
  wanted: readonly Partial<FixedIp>[],
): Promise<void> {
  const next = await allocateAddresses(tx, {
    networkId: current.network_id,
    mac,
    routerPort: isRouterPort(current.device_owner),
    fixedIps: wanted,
    present: current.fixed_ips,
  });
  const kept = new Set(next.map((item) => item.ip_address));
  const lost = current.fixed_ips.map((item) => item.ip_address).filter((address) => !kept.has(address));
  if (lost.length > 0) {
    const bound = await tx.db
      .selectFrom('floatingips')
      .select('id')
      .where('port_id', '=', current.id)
      .where(among('fixed_ip_address', lost))
      .limit(1)
      .executeTakeFirst();
    if (bound !== undefined) {
      throw new ApiError(
        400,
        'BadRequest',
        `Bad port request: Cannot update the fixed_ips of the port ${current.id}, because its original fixed_ip has been associated to a floating ip`,
      );
    }
    await deleteForwardings(tx, (query) =>
      query.where('internal_port_id', '=', current.id).where(among('internal_ip_address', lost)),
    );
  }
  await writeAddresses(tx, current.id, current.network_id, next);
}

/** `fixed_ips=ip_address=…`, `subnet_id=…`, `ip_address_substr=…`: OR among the values of a kind, AND between kinds. */
function filterFixedIps(query: AnySelect, values: string[]): AnySelect {
  const kinds = new Map<string, string[]>();
  for (const value of values) {
    const match = /^(ip_address|subnet_id|ip_address_substr)=(.*)$/.exec(value);
    if (match === null) throw invalidArgument(`'${value}' is not of the form <key>=[value]`);
    const [, kind = '', wanted = ''] = match;
    kinds.set(kind, [...(kinds.get(kind) ?? []), wanted]);
  }
  let result = query;
  for (const [kind, wanted] of kinds) {
    const condition =
      kind === 'ip_address_substr'
        ? sql`(${sql.join(
            wanted.map((part) => sql`ip_address like ${`%${part.replaceAll(/[\\%_]/g, '\\$&')}%`} escape '\\'`),
            sql` or `,
          )})`
        : sql`${sql.ref(kind)} in (${sql.join(wanted.map((item) => (kind === 'subnet_id' && !isUuid(item) ? '' : item)))})`;
    // No index knows parts of addresses: only those of the ports in question are looked at.
    result = result.where(
      kind === 'ip_address_substr'
        ? sql<boolean>`exists (select 1 from fixed_ips where port_id = ports.id and ${condition})`
        : sql<boolean>`ports.id in (select port_id from fixed_ips where ${condition})`,
    );
  }
  return result;
}
