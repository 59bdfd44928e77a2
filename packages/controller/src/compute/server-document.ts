import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { among } from '../store/among.ts';
import type { Reader } from '../store/store.ts';
import { bookmark, linksTo } from './answers.ts';
import { type Flavor, findFlavor } from './flavors.ts';
import { minorVersion } from './microversion.ts';
import type { ServerNetworking, ServerPort } from './networking-port.ts';
import { statesOf } from './server-status.ts';
import type { ServerRow } from './servers.ts';

type Item = Record<string, unknown>;

/** Addresses by network name: fixed ones, and the floating ones associated with them. */
export function addressesOf(ports: readonly ServerPort[], brief = false): Record<string, Item[]> {
  const addresses = new Map<string, Item[]>();
  for (const port of ports) {
    const list = addresses.get(port.network_name) ?? [];
    addresses.set(port.network_name, list);
    const add = (addr: string, type: 'fixed' | 'floating'): void => {
      const version = addr.includes(':') ? 6 : 4;
      const more = { 'OS-EXT-IPS:type': type, 'OS-EXT-IPS-MAC:mac_addr': port.mac_address };
      list.push({ version, addr, ...(!brief && more) });
    };
    for (const { ip_address: fixed } of port.fixed_ips) {
      add(fixed, 'fixed');
      for (const floating of port.floating_ips) {
        if (floating.fixed_ip_address === fixed) add(floating.floating_ip_address, 'floating');
      }
    }
  }
  return Object.fromEntries(addresses);
}

/** The security groups of all ports, each once. */
export function groupsOf(ports: readonly ServerPort[]): ServerPort['security_groups'][number][] {
  return [...new Map(ports.flatMap((port) => port.security_groups).map((group) => [group.id, group])).values()];
}

/** Servers as the API shows them in full, in the request's version. */
export async function serverDocuments(
  db: Reader,
  networking: ServerNetworking,
  request: FastifyRequest,
  viewer: { readonly isAdmin: boolean },
  rows: readonly ServerRow[],
): Promise<Item[]> {
  const ids = rows.map((row) => row.id);
  const minor = minorVersion(request);
  const ports = await networking.portsOf(db, ids);
  const tags = minor >= 26 ? await tagsOf(db, ids) : new Map<string, string[]>();
  return rows.map((row) => ({
    ...document(request, row, ports.get(row.id) ?? []),
    ...laterAttributes(row, minor, tags.get(row.id) ?? []),
    ...(viewer.isAdmin && adminAttributes(row, minor)),
  }));
}

/** Tags by server, in order. */
export async function tagsOf(db: Reader, ids: readonly string[]): Promise<Map<string, string[]>> {
  const tags = new Map<string, string[]>();
  if (ids.length === 0) return tags;
  const rows = await db.selectFrom('tags').selectAll().where(among('resource_id', ids)).orderBy('tag').execute();
  for (const { resource_id: id, tag } of rows) tags.set(id, [...(tags.get(id) ?? []), tag]);
  return tags;
}

function document(request: FastifyRequest, row: ServerRow, ports: readonly ServerPort[]): Item {
  const states = statesOf(row);
  const groups = groupsOf(ports);
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    tenant_id: row.project_id,
    user_id: row.user_id,
    metadata: row.metadata,
    hostId: row.host === '' ? '' : createHash('sha224').update(`${row.project_id}${row.host}`).digest('hex'),
    image: row.image_id === null ? '' : { id: row.image_id, links: [bookmark(request, `images/${row.image_id}`)] },
    flavor: flavorOf(request, row.flavor_id),
    created: row.created_at,
    updated: row.updated_at,
    addresses: addressesOf(ports),
    accessIPv4: '',
    accessIPv6: '',
    links: linksTo(request, `servers/${row.id}`),
    'OS-DCF:diskConfig': 'MANUAL',
    ...(row.status === 'ACTIVE' || row.status === 'BUILD' ? { progress: row.status === 'ACTIVE' ? 100 : 0 } : {}),
    'OS-EXT-AZ:availability_zone': row.availability_zone,
    config_drive: '',
    key_name: row.key_name,
    'OS-SRV-USG:launched_at': row.status === 'BUILD' ? null : row.created_at.replace('Z', '.000000'),
    'OS-SRV-USG:terminated_at': null,
    ...(groups.length > 0 && { security_groups: groups.map(({ name }) => ({ name })) }),
    'OS-EXT-STS:task_state': states.task,
    'OS-EXT-STS:vm_state': states.vm,
    'OS-EXT-STS:power_state': states.power,
    'os-extended-volumes:volumes_attached': [],
  };
}

/** Before 2.47 the flavor's id, from then on what it was when the server was made. */
function flavorOf(request: FastifyRequest, id: string): Item {
  if (minorVersion(request) < 47) return { id, links: [bookmark(request, `flavors/${id}`)] };
  const { name, vcpus, ram, disk } = findFlavor(id) as Flavor;
  return { original_name: name, vcpus, ram, disk, ephemeral: 0, swap: 0, extra_specs: {} };
}

function laterAttributes(row: ServerRow, minor: number, tags: readonly string[]): Item {
  return {
    ...(minor >= 9 && { locked: row.locked }),
    ...(minor >= 19 && { description: row.description }),
    ...(minor >= 26 && { tags }),
    ...(minor >= 63 && { trusted_image_certificates: null }),
    ...(minor >= 71 && { server_groups: [] }),
    ...(minor >= 73 && { locked_reason: null }),
  };
}

function adminAttributes(row: ServerRow, minor: number): Item {
  const host = row.host === '' ? null : row.host;
  return {
    'OS-EXT-SRV-ATTR:host': host,
    'OS-EXT-SRV-ATTR:instance_name': `instance-${row.id.slice(0, 8)}`,
    'OS-EXT-SRV-ATTR:hypervisor_hostname': host,
    ...(minor >= 3 && {
      'OS-EXT-SRV-ATTR:hostname': row.name.toLowerCase(),
      'OS-EXT-SRV-ATTR:kernel_id': '',
      'OS-EXT-SRV-ATTR:ramdisk_id': '',
      'OS-EXT-SRV-ATTR:launch_index': 0,
      'OS-EXT-SRV-ATTR:root_device_name': null,
      'OS-EXT-SRV-ATTR:reservation_id': `r-${row.id.slice(0, 8)}`,
      'OS-EXT-SRV-ATTR:user_data': row.user_data,
    }),
    ...(minor >= 16 && { host_status: row.host === '' ? '' : 'UP' }),
  };
}
