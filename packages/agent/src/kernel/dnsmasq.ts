import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dhcpNamespace } from '@portward/model/device-names.ts';
import type { DhcpService } from '../layout/dhcp.ts';
import { DnsmasqProcesses } from './dnsmasq-processes.ts';
import { signalTo } from './proc.ts';

export interface DnsmasqOptions {
  /** The agent's directory; each network has one of its own below `dhcp` in it. */
  stateDir: string;
}

/** A line of dnsmasq's file of leases. */
interface Lease {
  readonly line: string;
  readonly address: string;
  /** MAC address of the client; undefined for IPv6, where dnsmasq notes what the client calls itself (DUID). */
  readonly mac: string | undefined;
}

/** The files by dnsmasq's options. */
const FILES = {
  'dhcp-hostsfile': 'hosts',
  'dhcp-optsfile': 'options',
  'addn-hosts': 'names',
  'dhcp-leasefile': 'leases',
};

/**
 * dnsmasq 2.90 (Debian 12) crashes on SIGHUP when a client has been told options of an entry with a tag: it frees the
 * entry, to which what it keeps of the request still points. With such entries it is started anew.
 */
const TAGGED = /,set:/;

/**
 * DHCP servers of this host: a dnsmasq for each network, in the network's DHCP namespace. What they may give is in
 * files that follow from the desired state; what they note themselves may be lost at any time.
 */
export class Dnsmasq {
  readonly #processes: DnsmasqProcesses;

  constructor(options: DnsmasqOptions) {
    this.#processes = new DnsmasqProcesses(join(options.stateDir, 'dhcp'), dhcpNamespace);
  }

  /** Network → digest of the service that its dnsmasq has; empty where it does not run as it should. */
  async running(): Promise<Map<string, string>> {
    return this.#processes.running();
  }

  /**
   * Starts a network's dnsmasq or has it take over what changed. Its namespace must be there. Throws an Error when
   * dnsmasq does not take it.
   */
  async apply(service: DhcpService): Promise<void> {
    const { id } = service;
    const processes = this.#processes;
    processes.prepare(id);
    const argv = processes.arguments(id, service.argv, FILES);
    const hosts = processes.read(id, 'hosts');
    // Without a digest an agent was killed on the way: what the process has read is not sure to be what is on disk.
    const isSure = processes.read(id, 'digest') !== '';
    const kept = this.#leasesToKeep(service, isSure ? holders(hosts) : new Map());
    const reload = isSure && processes.runsWith(id, argv) && !TAGGED.test(hosts) && kept === undefined;
    if (isSure) processes.write(id, 'digest', '');
    if (!reload) {
      await processes.end(id);
      this.#writeLeases(service, kept);
    }
    processes.write(id, 'hosts', service.hosts);
    processes.write(id, 'options', service.options);
    processes.write(id, 'names', service.names);
    const pid = processes.pid(id);
    if (reload && pid !== undefined) signalTo(pid, 'SIGHUP');
    else await processes.start(id, argv);
    processes.write(id, 'digest', service.digest);
  }

  /** Ends a network's dnsmasq and deletes its files. */
  async remove(networkId: string): Promise<void> {
    await this.#processes.remove(networkId);
  }

  /** Process id of one; undefined when it does not run. */
  pid(networkId: string): number | undefined {
    return this.#processes.pid(networkId);
  }

  namespaceOf(networkId: string): string {
    return dhcpNamespace(networkId);
  }

  #leases(id: string): Lease[] {
    // dnsmasq's file: expiry, MAC address, IPv4 address, name, client id; for IPv6 the IAID in place of the MAC address.
    return this.#processes
      .read(id, 'leases')
      .split('\n')
      .flatMap((line) => {
        const [, second = '', address = ''] = line.split(' ');
        return address === '' ? [] : [{ line, address, mac: address.includes(':') ? undefined : second }];
      });
  }

  /**
   * The leases of a dnsmasq that has to forget others: it gives no address for which it remembers another client, even
   * when that one is gone, and lets a client of IPv6 renew what it had. Undefined when it may keep all.
   */
  #leasesToKeep(service: DhcpService, before: ReadonlyMap<string, string>): Lease[] | undefined {
    const leases = this.#leases(service.id);
    const kept = leases.filter(
      ({ address, mac }) =>
        service.leases[address] !== undefined && service.leases[address] === (mac ?? before.get(address)),
    );
    // An IPv4 address that nobody has any more is refused to whoever asks for it.
    const isHarmless = (lease: Lease): boolean =>
      kept.includes(lease) || (lease.mac !== undefined && service.leases[lease.address] === undefined);
    return leases.every(isHarmless) ? undefined : kept;
  }

  /** Writes the leases of a stopped dnsmasq, and the name by which DHCPv6 clients know it again (DUID). */
  #writeLeases(service: DhcpService, kept: readonly Lease[] | undefined): void {
    const right = (kept ?? this.#leases(service.id)).filter(({ address }) => service.leases[address] !== undefined);
    const lines = [...right.map(({ line }) => line), `duid ${service.duid}`];
    // In place, for the file belongs to the user that dnsmasq becomes.
    writeFileSync(this.#processes.file(service.id, 'leases'), lines.map((line) => `${line}\n`).join(''));
  }
}

/** Address → MAC address in a file of hosts. */
function holders(hosts: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of hosts.split('\n')) {
    const [mac = '', ...parts] = line.split(',');
    const address = parts.at(-1);
    if (address !== undefined) found.set(address.replace(/^\[(.*)\]$/, '$1'), mac);
  }
  return found;
}
