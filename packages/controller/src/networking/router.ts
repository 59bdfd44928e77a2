import { ApiError } from '@portward/model/api-error.ts';
import { DEVICE_OWNER } from '@portward/model/port.ts';
import { type ExternalGatewayRequest, type Router, router } from '@portward/model/router.ts';
import type { Caller } from '../caller.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { allocateAddresses, loadAddresses, writeAddresses } from './address-allocation.ts';
import { insertObject, updateObject } from './collection.ts';
import { badResource, gatewayNeeded, routerInUse } from './errors.ts';
import { checkRoutes } from './extra-routes.ts';
import { requireNetwork } from './network-access.ts';
import { createPort, deletePort } from './port-record.ts';
import { ensureSnatPorts, ownInterfaces, refuseOverlap, subnetsOf } from './router-ports.ts';
import type { Rules } from './rules.ts';
import { scheduleRouter } from './scheduling.ts';
import { loadTags, removeTags } from './tags.ts';

type GatewayState = Pick<Router, 'id' | 'project_id' | 'gateway_network_id' | 'gateway_port_id' | 'enable_snat'>;

/** Rules of routers: the gateway, the flags, extra routes. Interfaces have actions of their own. */
export const routerRules: Rules<typeof router> = {
  definition: router,

  async load(db, rows) {
    const tags = await loadTags(
      db,
      rows.map((row) => row.id),
    );
    const gateways = await loadAddresses(
      db,
      rows.flatMap((row) => (row.gateway_port_id === null ? [] : [row.gateway_port_id])),
    );
    return rows.map((row) => ({
      ...row,
      external_gateway_info:
        row.gateway_network_id === null
          ? null
          : {
              network_id: row.gateway_network_id,
              external_fixed_ips: gateways.get(row.gateway_port_id ?? '') ?? [],
              enable_snat: row.enable_snat,
            },
      availability_zones: row.agent_host === null ? [] : ['nova'],
      tags: tags.get(row.id) ?? [],
    }));
  },

  async create(tx, values, { caller }) {
    const { external_gateway_info: gateway, ...plain } = values;
    const id = await insertObject(tx, router, {
      ...plain,
      project_id: values.project_id,
      routes: [],
      status: 'ACTIVE',
      agent_host: null,
      gateway_port_id: null,
      gateway_network_id: null,
      enable_snat: true,
    });
    if (gateway) {
      const state = {
        id,
        project_id: values.project_id,
        gateway_network_id: null,
        gateway_port_id: null,
        enable_snat: true,
      };
      await setGateway(tx, state, gateway, caller);
    }
    await scheduleRouter(tx, id);
    tx.changed('router', id);
    return id;
  },

  async update(tx, current, values, { caller }) {
    const { external_gateway_info: gateway, routes, ...plain } = values;
    const flips = plain.distributed !== undefined && plain.distributed !== current.distributed;
    if (flips && (plain.admin_state_up ?? current.admin_state_up)) {
      throw badResource(
        'router',
        `Cannot ${plain.distributed ? 'upgrade active router to distributed' : 'downgrade active router to centralized'}. Please set router admin_state_up to False prior to the change.`,
      );
    }
    if (plain.ha !== undefined && plain.ha !== current.ha && (plain.admin_state_up ?? current.admin_state_up)) {
      throw badResource(
        'router',
        'Cannot change HA attribute of active routers. Please set router admin_state_up to False prior to upgrade',
      );
    }
    if (gateway !== undefined) {
      if (gateway === null) await clearGateway(tx, current);
      else await setGateway(tx, current, gateway as ExternalGatewayRequest, caller);
    }
    if (routes !== undefined) await checkRoutes(tx.db, current, routes);
    await updateObject(tx, router, current.id, { ...plain, ...(routes !== undefined && { routes }) });
    if (flips) await changeInterfaceOwners(tx, current.id, plain.distributed === true);
    await ensureSnatPorts(tx, current.id);
    tx.changed('router', current.id);
  },

  async remove(tx, current) {
    const interfaces = await ownInterfaces(tx.db, current.id);
    if (interfaces.length > 0)
      throw routerInUse(
        current.id,
        interfaces.map((row) => row.id),
      );
    await clearGateway(tx, current);
    // Its own only: a user may have named it as the device of any port.
    const left = await tx.db
      .selectFrom('ports')
      .select('id')
      .where('device_id', '=', current.id)
      .where('device_owner', 'in', [DEVICE_OWNER.routerSnat, DEVICE_OWNER.routerGateway])
      .execute();
    for (const { id } of left) await deletePort(tx, id);
    await removeTags(tx, current.id);
    await tx.db.deleteFrom('applied').where('kind', '=', 'router').where('resource_id', '=', current.id).execute();
    await tx.db.deleteFrom('routers').where('id', '=', current.id).execute();
    tx.deleted('router', current.id);
  },
};

async function usesGateway(db: Reader, routerId: string): Promise<boolean> {
  const row = await db
    .selectFrom('floatingips')
    .select('id')
    .where('router_id', '=', routerId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

async function clearGateway(tx: Transaction, current: GatewayState): Promise<void> {
  if (current.gateway_port_id === null || current.gateway_network_id === null) return;
  if (await usesGateway(tx.db, current.id)) throw gatewayNeeded(current.id, current.gateway_network_id);
  await tx.db
    .updateTable('routers')
    .set({ gateway_port_id: null, gateway_network_id: null, enable_snat: true })
    .where('id', '=', current.id)
    .execute();
  await deletePort(tx, current.gateway_port_id);
}

/** Puts the gateway on a network, or changes its addresses or its SNAT there. */
async function setGateway(
  tx: Transaction,
  current: GatewayState,
  wanted: ExternalGatewayRequest,
  caller: Caller,
): Promise<void> {
  if (!caller.isAdmin) {
    for (const attribute of ['enable_snat', 'external_fixed_ips'] as const) {
      if (wanted[attribute] === undefined) continue;
      const rule = `rule:create_router:external_gateway_info:${attribute}`;
      throw new ApiError(
        403,
        'PolicyNotAuthorized',
        `((rule:create_router and rule:create_router:external_gateway_info) and ${rule}) is disallowed by policy`,
      );
    }
  }
  const network = await requireNetwork(tx.db, wanted.network_id, caller);
  if (!network.router_external) throw badResource('router', `Network ${network.id} is not an external network.`);
  await refuseOverlapWithInterfaces(tx.db, current, network.id);
  const fixedIps = wanted.external_fixed_ips;
  let portId = current.gateway_port_id;
  if (portId !== null && current.gateway_network_id === network.id) {
    if (fixedIps !== undefined && fixedIps.length > 0) {
      const present = (await loadAddresses(tx.db, [portId])).get(portId) ?? [];
      const { mac_address: mac } = await tx.db
        .selectFrom('ports')
        .select('mac_address')
        .where('id', '=', portId)
        .executeTakeFirstOrThrow();
      const next = await allocateAddresses(tx, { networkId: network.id, mac, fixedIps, present });
      await writeAddresses(tx, portId, network.id, next);
      tx.changed('port', portId);
    }
  } else {
    await clearGateway(tx, current);
    const made = await createPort(tx, {
      project_id: '',
      network_id: network.id,
      fixed_ips: fixedIps !== undefined && fixedIps.length > 0 ? fixedIps : undefined,
      device_id: current.id,
      device_owner: DEVICE_OWNER.routerGateway,
    });
    portId = made.id;
    if (made.fixed_ips.length === 0) throw badResource('router', `No IPs available for external network ${network.id}`);
  }
  await tx.db
    .updateTable('routers')
    .set({
      gateway_port_id: portId,
      gateway_network_id: network.id,
      enable_snat: wanted.enable_snat ?? current.enable_snat,
    })
    .where('id', '=', current.id)
    .execute();
  await ensureSnatPorts(tx, current.id);
}

async function refuseOverlapWithInterfaces(
  db: Reader,
  { id: routerId, gateway_network_id: present }: Pick<GatewayState, 'id' | 'gateway_network_id'>,
  networkId: string,
): Promise<void> {
  if (present === networkId) return;
  const inside = await ownInterfaces(db, routerId);
  const clash = inside.find((row) => row.network_id === networkId);
  if (clash !== undefined) throw badResource('router', `Router already has an interface on network ${networkId}`);
  const outside = await db.selectFrom('subnets').select(['id', 'cidr']).where('network_id', '=', networkId).execute();
  refuseOverlap(outside, await subnetsOf(db, inside));
}

async function changeInterfaceOwners(tx: Transaction, routerId: string, distributed: boolean): Promise<void> {
  for (const { id } of await ownInterfaces(tx.db, routerId)) {
    const owner = distributed ? DEVICE_OWNER.distributedInterface : DEVICE_OWNER.routerInterface;
    await tx.db.updateTable('ports').set({ device_owner: owner }).where('id', '=', id).execute();
    tx.changed('port', id);
  }
}
