import type { FastifyPluginAsync } from 'fastify';
import { queryText } from '../identity/request-body.ts';
import { notFound, policyForbids } from './errors.ts';
import { addUse, type HostUse, hostUses, type MachineHost, machineHosts, NO_USE } from './host-choice.ts';
import { minorVersion } from './microversion.ts';
import type { ComputeRoom } from './room.ts';
import { ZONE } from './server-create.ts';

const microseconds = (heartbeat: string): string => `${heartbeat.replace(' ', 'T')}.000000`;

/** Numbers of a host. What it has is 0: its agent counts no processors or memory, for namespaces share them. */
const numbersOf = ({ servers, vcpus, ram, disk }: HostUse) => ({
  vcpus: 0,
  vcpus_used: vcpus,
  memory_mb: 0,
  memory_mb_used: ram,
  local_gb: 0,
  local_gb_used: disk,
  free_ram_mb: 0,
  free_disk_gb: 0,
  disk_available_least: 0,
  running_vms: servers,
  current_workload: 0,
});

/** Hosts that play VMs, under the names that Nova has for them: zones, services, hypervisors. */
export const hostRoutes =
  ({ store, now }: ComputeRoom): FastifyPluginAsync =>
  async (fastify) => {
    const hosts = () => store.read((db) => machineHosts(db, now()));
    /** From 2.53 on ids are UUIDs; host names serve, being as unique. */
    const idOf = (host: MachineHost, index: number, minor: number) => (minor >= 53 ? host.host : index + 1);

    fastify.get('/os-availability-zone', async () => {
      return { availabilityZoneInfo: [{ zoneName: ZONE, zoneState: { available: true }, hosts: null }] };
    });

    fastify.get('/os-availability-zone/detail', async (request) => {
      const { caller } = request;
      if (!caller.isAdmin) throw policyForbids('os-availability-zone:detail');
      const services = (await hosts()).map(({ host, alive, enabled, heartbeat }) => [
        host,
        { 'nova-compute': { active: enabled, available: alive, updated_at: microseconds(heartbeat) } },
      ]);
      const zone = { zoneName: ZONE, zoneState: { available: true }, hosts: Object.fromEntries(services) };
      return { availabilityZoneInfo: [zone] };
    });

    fastify.get('/os-services', async (request) => {
      const { caller } = request;
      if (!caller.isAdmin) throw policyForbids('os-services:list');
      const minor = minorVersion(request);
      const [host, binary] = [queryText(request.query, 'host'), queryText(request.query, 'binary')];
      const services = (await hosts()).map((item, index) => ({
        id: idOf(item, index, minor),
        binary: 'nova-compute',
        host: item.host,
        zone: item.availabilityZone,
        status: item.enabled ? 'enabled' : 'disabled',
        state: item.alive ? 'up' : 'down',
        updated_at: microseconds(item.heartbeat),
        disabled_reason: null,
        ...(minor >= 11 && { forced_down: false }),
      }));
      return {
        services: services.filter(
          (item) => (host === undefined || item.host === host) && (binary === undefined || item.binary === binary),
        ),
      };
    });

    const hypervisors = async (minor: number) =>
      (await hosts()).map((item, index) => ({
        id: idOf(item, index, minor),
        hypervisor_hostname: item.host,
        state: item.alive ? 'up' : 'down',
        status: item.enabled ? 'enabled' : 'disabled',
      }));
    /** What there is to say of a host. From 2.88 on numbers of processors and memory are no part of it. */
    const detail = (item: Awaited<ReturnType<typeof hypervisors>>[number], minor: number, use: HostUse) => ({
      ...item,
      ...(minor < 88 && { ...numbersOf(use), cpu_info: minor < 28 ? '{}' : {} }),
      hypervisor_type: 'namespace',
      hypervisor_version: 1,
      host_ip: '127.0.0.1',
      service: { id: item.id, host: item.hypervisor_hostname, disabled_reason: null },
      servers: [],
      uptime: null,
    });

    fastify.get('/os-hypervisors', async (request) => {
      const { caller } = request;
      if (!caller.isAdmin) throw policyForbids('os-hypervisors:list');
      return { hypervisors: await hypervisors(minorVersion(request)) };
    });

    fastify.get('/os-hypervisors/detail', async (request) => {
      const { caller } = request;
      if (!caller.isAdmin) throw policyForbids('os-hypervisors:list-detail');
      const minor = minorVersion(request);
      const uses = await store.read(hostUses);
      return {
        hypervisors: (await hypervisors(minor)).map((item) =>
          detail(item, minor, uses.get(item.hypervisor_hostname) ?? NO_USE),
        ),
      };
    });

    fastify.get('/os-hypervisors/statistics', async (request) => {
      const { caller } = request;
      if (!caller.isAdmin) throw policyForbids('os-hypervisors:statistics');
      if (minorVersion(request) >= 88) throw notFound('The resource could not be found.');
      const all = await hosts();
      const uses = await store.read(hostUses);
      const total = all.map(({ host }) => uses.get(host) ?? NO_USE).reduce(addUse, NO_USE);
      return { hypervisor_statistics: { count: all.length, ...numbersOf(total) } };
    });

    fastify.get('/os-aggregates', async (request) => {
      const { caller } = request;
      if (!caller.isAdmin) throw policyForbids('os-aggregates:index');
      return { aggregates: [] };
    });

    fastify.get<{ Params: { id: string } }>('/os-hypervisors/:id', async (request) => {
      const { caller } = request;
      if (!caller.isAdmin) throw policyForbids('os-hypervisors:show');
      const { id } = request.params;
      const minor = minorVersion(request);
      const item = (await hypervisors(minor)).find((candidate) => String(candidate.id) === id);
      if (item === undefined) throw notFound(`Hypervisor with ID '${id}' could not be found.`);
      return { hypervisor: detail(item, minor, (await store.read(hostUses)).get(item.hypervisor_hostname) ?? NO_USE) };
    });
  };
