import { join } from 'node:path';
import { routerNamespace } from '@portward/model/device-names.ts';
import type { AdvertisementService } from '../layout/router-advertisement.ts';
import { DnsmasqProcesses } from './dnsmasq-processes.ts';

export interface RouterAdvertisementsOptions {
  /** The agent's directory; each router has one of its own below `advertisement` in it. */
  stateDir: string;
}

/** What tells hosts of this host's routers by IPv6: a dnsmasq for each router that has to, in its namespace. */
export class RouterAdvertisements {
  readonly #processes: DnsmasqProcesses;

  constructor(options: RouterAdvertisementsOptions) {
    this.#processes = new DnsmasqProcesses(join(options.stateDir, 'advertisement'), routerNamespace);
  }

  /** Router → digest of the service that its dnsmasq has; empty where it does not run as it should. */
  async running(): Promise<Map<string, string>> {
    return this.#processes.running();
  }

  /** Starts a router's dnsmasq, anew when something changed. Throws an Error when dnsmasq does not take it. */
  async apply({ id, argv, digest }: AdvertisementService): Promise<void> {
    this.#processes.prepare(id);
    const all = this.#processes.arguments(id, argv, { 'dhcp-leasefile': 'leases' });
    if (!this.#processes.runsWith(id, all)) {
      await this.#processes.end(id);
      await this.#processes.start(id, all);
    }
    this.#processes.write(id, 'digest', digest);
  }

  /** Ends a router's dnsmasq and deletes its files. */
  async remove(routerId: string): Promise<void> {
    await this.#processes.remove(routerId);
  }

  /** Process id of one; undefined when it does not run. */
  pid(routerId: string): number | undefined {
    return this.#processes.pid(routerId);
  }

  namespaceOf(routerId: string): string {
    return routerNamespace(routerId);
  }
}
