import { randomUUID } from 'node:crypto';
import { ApiError } from '@portward/model/api-error.ts';
import type { Caller } from '../caller.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { asServerRefusal, badCompute, conflicting, policyForbids } from './errors.ts';
import { findFlavor } from './flavors.ts';
import { chooseHost, machineHosts } from './host-choice.ts';
import { findImage } from './images.ts';
import { findKeypair } from './keypairs.ts';
import type { ServerNetworking } from './networking-port.ts';
import { requireMetadataRoom, requireRoomFor, usageBy } from './quota-limits.ts';
import type { NewServers, WantedInterface } from './server-create-body.ts';
import { initialStatus } from './server-status.ts';

/** The one availability zone. */
export const ZONE = 'nova';

/**
 * Makes the servers of one request, with their ports; answers their ids. All or none: what Networking refuses undoes
 * everything, and is a 400 here when it is about something that does not exist, as with Nova.
 */
export async function createServers(
  tx: Transaction,
  networking: ServerNetworking,
  caller: Caller,
  wanted: NewServers,
  now: Date,
): Promise<string[]> {
  if (findFlavor(wanted.flavorId) === undefined) throw badCompute(`Flavor ${wanted.flavorId} could not be found.`);
  if (wanted.imageId !== null && findImage(wanted.imageId) === undefined) {
    throw badCompute('Can not find requested image');
  }
  await requireRoomFor(tx, caller.projectId, usageBy(wanted.flavorId, wanted.count));
  await requireMetadataRoom(tx.db, caller.projectId, wanted.metadata);
  const publicKey = await publicKeyOf(tx.db, caller, wanted.keyName);
  const interfaces = await interfacesOf(tx.db, networking, caller, wanted.interfaces);
  const ids: string[] = [];
  for (let index = 1; index <= wanted.count; index++) {
    const name = wanted.count === 1 ? wanted.name : `${wanted.name}-${index}`;
    const host = await hostOf(tx.db, caller, wanted.availabilityZone, now);
    ids.push(await createServer(tx, networking, caller, { ...wanted, name, host, publicKey, interfaces }));
  }
  return ids;
}

interface PlacedServer extends Omit<NewServers, 'interfaces'> {
  readonly host: string;
  readonly publicKey: string | null;
  readonly interfaces: readonly WantedInterface[];
}

async function createServer(
  tx: Transaction,
  networking: ServerNetworking,
  caller: Caller,
  server: PlacedServer,
): Promise<string> {
  const id = randomUUID();
  const { host } = server;
  const ownPortIds = await connect(tx, networking, caller, { id, host }, server);
  await tx.db
    .insertInto('servers')
    .values({
      id,
      name: server.name,
      project_id: caller.projectId,
      user_id: caller.userId,
      host,
      running: true,
      status: initialStatus(host),
      flavor_id: server.flavorId,
      image_id: server.imageId,
      key_name: server.keyName ?? null,
      public_key: server.publicKey,
      user_data: server.userData,
      metadata: server.metadata,
      availability_zone: ZONE,
      created_at: tx.now,
      updated_at: tx.now,
      description: server.description,
      locked: false,
      own_port_ids: ownPortIds,
    })
    .execute();
  if (server.tags.length > 0) {
    await tx.db
      .insertInto('tags')
      .values(server.tags.map((tag) => ({ resource_id: id, tag })))
      .execute();
  }
  tx.changed('server', id);
  return id;
}

/** Gives the server its interfaces; answers the ids of the ports that were made for it. */
async function connect(
  tx: Transaction,
  networking: ServerNetworking,
  caller: Caller,
  { id: serverId, host }: { id: string; host: string },
  { interfaces, securityGroups }: PlacedServer,
): Promise<string[]> {
  const made: string[] = [];
  for (const item of interfaces) {
    if ('port' in item) {
      await asBadRequest(networking.bindPort(tx, caller, { portId: item.port, serverId, host }));
      continue;
    }
    const { network: networkId, fixedIp } = item;
    const wanted = { serverId, host, networkId, securityGroups, projectId: caller.projectId };
    const fixed = fixedIp === undefined ? {} : { fixedIp };
    made.push(await asBadRequest(networking.createPort(tx, caller, { ...wanted, ...fixed })));
  }
  return made;
}

/** What does not exist makes the request a bad one; the server itself is not what was not found. */
async function asBadRequest<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) throw badCompute(error.message);
    throw asServerRefusal(error);
  }
}

async function publicKeyOf(db: Reader, caller: Caller, name: string | undefined): Promise<string | null> {
  if (name === undefined) return null;
  const keypair = await findKeypair(db, caller.userId, name);
  if (keypair === undefined) throw badCompute('Invalid key_name provided.');
  return keypair.public_key;
}

/** The interfaces of a request that names none: one on the project's only network. */
async function interfacesOf(
  db: Reader,
  networking: ServerNetworking,
  caller: Caller,
  wanted: NewServers['interfaces'],
): Promise<readonly WantedInterface[]> {
  if (typeof wanted !== 'string') return wanted;
  const networks = await networking.networksFor(db, caller);
  if (networks.length > 1) {
    throw conflicting('Multiple possible networks found, use a Network ID to be more specific.');
  }
  if (networks.length === 0 && wanted === 'auto') {
    throw badCompute('Unable to automatically allocate a network for project: it has none.');
  }
  return networks.map(({ id }) => ({ network: id, fixedIp: undefined }));
}

/** The host of a new server: chosen, or named by an admin as `zone:host`. */
async function hostOf(db: Reader, caller: Caller, zone: string | undefined, now: Date): Promise<string> {
  const [name, host] = zone?.split(':') ?? [ZONE];
  if (name !== ZONE) throw badCompute('The requested availability zone is not available');
  if (host === undefined || host === '') return chooseHost(db, now);
  if (!caller.isAdmin) throw policyForbids('servers:create:forced_host');
  if (!(await machineHosts(db, now)).some((candidate) => candidate.host === host)) {
    throw badCompute(`Compute host ${host} could not be found.`);
  }
  return host;
}
