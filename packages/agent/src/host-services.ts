import type { AgentConfig } from '@portward/model/config.ts';
import { Dnsmasq } from './kernel/dnsmasq.ts';
import { RouterAdvertisements } from './kernel/router-advertisements.ts';
import type { DhcpService } from './layout/dhcp.ts';
import type { AdvertisementService } from './layout/router-advertisement.ts';
import type { Machine } from './machines/machine.ts';
import { Machines } from './machines/machines.ts';
import { Services } from './reconcile/services.ts';

/** The helpers of this host: DHCP servers, router advertisements and, where it plays VMs, their namespaces. */
export function hostServices(config: Pick<AgentConfig, 'state_dir' | 'machines'>): Services {
  const dnsmasq = new Dnsmasq({ stateDir: config.state_dir });
  const advertisements = new RouterAdvertisements({ stateDir: config.state_dir });
  const machines = new Machines({ stateDir: config.state_dir });
  return new Services({
    dhcp: {
      running: () => dnsmasq.running(),
      apply: (item) => dnsmasq.apply(item.settings as DhcpService),
      remove: (id) => dnsmasq.remove(id),
      pid: (id) => dnsmasq.pid(id),
      namespaceOf: (id) => dnsmasq.namespaceOf(id),
    },
    advertisement: {
      running: () => advertisements.running(),
      apply: (item) => advertisements.apply(item.settings as AdvertisementService),
      remove: (id) => advertisements.remove(id),
      pid: (id) => advertisements.pid(id),
      namespaceOf: (id) => advertisements.namespaceOf(id),
    },
    ...(config.machines && {
      machine: {
        running: () => machines.running(),
        apply: (item) => machines.apply(item.settings as Machine),
        remove: (id) => machines.remove(id),
        namespaceOf: (id) => machines.namespaceOf(id),
      },
    }),
  });
}
