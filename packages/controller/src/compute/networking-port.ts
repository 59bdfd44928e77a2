import type { Caller } from '../caller.ts';
import type { Reader, Transaction } from '../store/store.ts';

/** A port of a server, with all that Compute shows of it. */
export interface ServerPort {
  readonly id: string;
  readonly network_id: string;
  readonly network_name: string;
  readonly mac_address: string;
  readonly status: string;
  readonly fixed_ips: readonly { readonly subnet_id: string; readonly ip_address: string }[];
  /** Floating IPs associated with the port's addresses; those that only forward ports are not among them. */
  readonly floating_ips: readonly { readonly fixed_ip_address: string; readonly floating_ip_address: string }[];
  readonly security_groups: readonly {
    readonly id: string;
    readonly name: string;
    readonly description: string;
    readonly project_id: string;
  }[];
}

/** A port to be made for a server. */
export interface WantedPort {
  readonly serverId: string;
  /** Project that the port will belong to. */
  readonly projectId: string;
  /** Host that runs the server; empty when a hypervisor elsewhere does. */
  readonly host: string;
  readonly networkId: string;
  /** Address that it shall have. */
  readonly fixedIp?: string;
  /** Names or ids of security groups; none: the project's default group. */
  readonly securityGroups: readonly string[];
}

/** An existing port and the server that it shall belong to. */
export interface PortBinding {
  readonly portId: string;
  readonly serverId: string;
  readonly host: string;
}

/**
 * What Compute needs of Networking. Everything happens inside the transaction that the server's change is made in;
 * refusals are thrown as `ApiError`, and Compute answers them in its own envelope.
 */
export interface ServerNetworking {
  /** Networks that a server gets a port on when its request names none: the project's own and those shared with it, external ones left out. */
  networksFor(db: Reader, caller: Caller): Promise<{ readonly id: string; readonly name: string }[]>;
  /** Makes a port with `device_id` and `device_owner: compute:nova`; answers its id. 404, 400 or 409 as Neutron. */
  createPort(tx: Transaction, caller: Caller, wanted: WantedPort): Promise<string>;
  /** Gives an existing port to a server. Throws 404 of a port that the caller may not see, 409 of one in use. */
  bindPort(tx: Transaction, caller: Caller, binding: PortBinding): Promise<void>;
  /** Takes a port from its server: `device_id`, `device_owner` and host become empty. */
  unbindPort(tx: Transaction, portId: string): Promise<void>;
  /** Deletes a port and what hangs on it, whoever owns it. */
  deletePort(tx: Transaction, portId: string): Promise<void>;
  /** Ports by server, each list in the order of attachment; a server without ports may be absent. */
  portsOf(db: Reader, serverIds: readonly string[]): Promise<ReadonlyMap<string, readonly ServerPort[]>>;
  /** Adds a group, by name or id, to every port of the server. Throws 404 of an unknown group. */
  addSecurityGroup(tx: Transaction, caller: Caller, serverId: string, group: string): Promise<void>;
  /** Takes a group, by name or id, from every port of the server. Throws 404 of a group that no port of it has. */
  removeSecurityGroup(tx: Transaction, caller: Caller, serverId: string, group: string): Promise<void>;
}
