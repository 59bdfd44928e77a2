import type { ServiceItem } from '../layout/item.ts';

/** One kind of helper: DHCP servers, router advertisements, or namespaces that play VMs. */
export interface ServiceDriver {
  /** Id → digest of the settings with which each one runs, as found on this host. */
  running(): Promise<Map<string, string>>;
  /** Starts or changes one. */
  apply(item: ServiceItem): Promise<void>;
  /** Ends one, with all that it has. One that is not there is no error. */
  remove(id: string): Promise<void>;
  /** Process that serves one, where it is a single one; undefined when there is none. */
  pid?(id: string): number | undefined;
  /** Network namespace of one. */
  namespaceOf(id: string): string;
}

/** All helpers by kind; a kind that this agent was not started with is absent. */
export class Services {
  readonly drivers: Partial<Record<ServiceItem['service'], ServiceDriver>>;

  constructor(drivers: Partial<Record<ServiceItem['service'], ServiceDriver>>) {
    this.drivers = drivers;
  }

  async apply(item: ServiceItem): Promise<void> {
    await this.#driver(item).apply(item);
  }

  async remove(item: ServiceItem): Promise<void> {
    await this.#driver(item).remove(item.id);
  }

  /** Process that serves an item, where there is a single one. */
  pid(item: ServiceItem): number | undefined {
    return this.drivers[item.service]?.pid?.(item.id);
  }

  #driver(item: ServiceItem): ServiceDriver {
    const driver = this.drivers[item.service];
    if (driver === undefined) throw new Error(`This agent has no driver for ${item.service}`);
    return driver;
  }
}
