import { createHash } from 'node:crypto';
import { machineNamespace, tapDevice } from '@portward/model/device-names.ts';
import type { FeedObjects } from '@portward/model/feed.ts';

/** A network card of a machine. */
export interface MachineCard {
  /** The host's end. */
  readonly tap: string;
  readonly mac: string;
  readonly mtu: number;
}

/** A namespace that plays a VM. */
export interface Machine {
  /** The server's id. */
  readonly id: string;
  readonly namespace: string;
  readonly hostName: string;
  /** Who may log in; null: nobody. */
  readonly publicKey: string | null;
  readonly cards: readonly MachineCard[];
  /** Identifies all of the above. */
  readonly digest: string;
}

/**
 * The machine that plays a server, with a card for each of its ports whose network is known; undefined when the server
 * shall not run.
 */
export function machineOf(
  server: FeedObjects['server'],
  ports: Iterable<FeedObjects['port']>,
  networks: { get(id: string): Pick<FeedObjects['network'], 'mtu'> | undefined },
): Machine | undefined {
  if (!server.running) return undefined;
  const cards = [...ports]
    .filter((port) => port.device_id === server.id && !port.device_owner.startsWith('network:'))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .flatMap((port) => {
      const network = networks.get(port.network_id);
      return network === undefined ? [] : [{ tap: tapDevice(port.id), mac: port.mac_address, mtu: network.mtu }];
    });
  const machine = {
    id: server.id,
    namespace: machineNamespace(server.id),
    hostName: hostNameOf(server),
    // One key: a file of keys has one a line.
    publicKey: server.public_key?.trim().split(/[\r\n]/)[0] || null,
    cards,
  };
  return { ...machine, digest: createHash('sha256').update(JSON.stringify(machine)).digest('hex') };
}

/** The server's name as far as it can be a host name: at most 63 letters, digits and inner dashes. */
function hostNameOf(server: FeedObjects['server']): string {
  const name = server.name
    .replace(/[^a-z0-9-]+/gi, '-')
    .replace(/^-+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return name === '' ? `server-${server.id.slice(0, 8)}` : name;
}
