import type { ApiAnswer, WalkCloud } from './cloud.ts';
import {
  ADMISSIONS,
  type Admission,
  after,
  type Change,
  CLIENT,
  CLIENT_PORT,
  FIRST_STATE,
  type FloatingAddress,
  type Forwarding,
  type NetworkName,
  SERVED,
  VMS,
  type VmName,
  type WalkState,
} from './model.ts';

const MACS: Record<VmName, string> = { a1: 'fa:16:3e:00:00:a1', a2: 'fa:16:3e:00:00:a2', b1: 'fa:16:3e:00:00:b1' };

const V2 = '/networking/v2.0';

/** Carries out by HTTP what the model tells of, and keeps the ids. */
export class Hands {
  readonly cloud: WalkCloud;
  state: WalkState = FIRST_STATE;
  routerId = '';
  externalId = '';
  readonly networks = new Map<NetworkName, { id: string; subnetIds: readonly string[] }>();
  readonly #vms = new Map<VmName, string>();
  readonly #floating = new Map<FloatingAddress, { id: string; forwardings: string[] }>();
  readonly #rules = new Map<Admission, readonly string[]>();
  #groupId = '';

  constructor(cloud: WalkCloud) {
    this.cloud = cloud;
  }

  /** Makes the first state: an external network with a client, a router with two networks, VMs that listen. */
  async build(): Promise<void> {
    const { cloud } = this;
    const external = await cloud.create('networks', 'network', {
      'router:external': true,
      'provider:network_type': 'flat',
      'provider:physical_network': 'public',
    });
    this.externalId = external.id;
    await cloud.create('subnets', 'subnet', {
      network_id: external.id,
      ip_version: 4,
      cidr: '10.11.7.0/24',
      enable_dhcp: false,
    });
    for (const [name, cidr, cidr6] of [
      ['a', '192.168.2.0/24', 'fd00:a::/64'],
      ['b', '192.168.3.0/24', 'fd00:b::/64'],
    ] as const) {
      const { id } = await cloud.create('networks', 'network', {});
      const subnet = await cloud.create('subnets', 'subnet', { network_id: id, ip_version: 4, cidr });
      const subnet6 = await cloud.create('subnets', 'subnet', { network_id: id, ip_version: 6, cidr: cidr6 });
      this.networks.set(name, { id, subnetIds: [subnet.id, subnet6.id] });
    }
    const { gateway, distributed } = FIRST_STATE.router;
    const router = await cloud.create('routers', 'router', {
      distributed,
      external_gateway_info: this.#gatewayInfo(gateway),
    });
    this.routerId = router.id;
    for (const network of FIRST_STATE.router.networks) await this.#expect({ op: 'attach', network });
    this.#groupId = (await cloud.create('security-groups', 'security_group', { name: 'walk' })).id;
    for (const admission of FIRST_STATE.admissions) await this.#expect({ op: 'admit', admission });
    for (const vm of Object.keys(VMS) as VmName[]) await this.#expect({ op: 'recreate', vm });
    this.state = FIRST_STATE;
    const ports = { tcp: SERVED, udp: SERVED };
    await Promise.all([
      ...Object.entries(VMS).flatMap(([vm, { address, address6 }]) => [
        cloud.prober.serve(vm, address, ports),
        cloud.prober.serve(vm, address6, ports),
      ]),
      cloud.prober.serve('client', CLIENT, { tcp: [CLIENT_PORT], udp: [CLIENT_PORT] }),
    ]);
    await cloud.settle();
  }

  /**
   * Carries a change out. The state follows when the API accepts it, and stays when the API refuses. Throws on an
   * answer that is neither.
   */
  async take(change: Change): Promise<'accepted' | 'refused' | 'pointless'> {
    if (isPointless(this.state, change)) return 'pointless';
    const { status, body } = await this.#request(change);
    if (status >= 500 || status === 401)
      throw new Error(`${JSON.stringify(change)}: ${status} ${JSON.stringify(body)}`);
    if (status >= 400) return 'refused';
    this.#remember(change, body);
    this.state = after(this.state, change);
    if (change.op === 'recreate') {
      const made = body.port as { id: string; mac_address: string };
      await this.#plug(change.vm, made);
    }
    return 'accepted';
  }

  async #expect(change: Change): Promise<void> {
    const { status, body } = await this.#request(change);
    if (status >= 300) throw new Error(`${JSON.stringify(change)}: ${status} ${JSON.stringify(body)}`);
    this.#remember(change, body);
    if (change.op === 'recreate') await this.#plug(change.vm, body.port);
  }

  #plug(vm: VmName, port: { id: string; mac_address: string }): Promise<void> {
    return this.cloud.plug(vm, port, [VMS[vm].address, VMS[vm].address6]);
  }

  #request(change: Change): Promise<ApiAnswer> {
    const { cloud } = this;
    const router = `${V2}/routers/${this.routerId}`;
    const update = (path: string, name: string, values: object) => cloud.send('PUT', path, { [name]: values });
    switch (change.op) {
      case 'allocate':
        return cloud.send('POST', `${V2}/floatingips`, {
          floatingip: { floating_network_id: this.externalId, floating_ip_address: change.floating },
        });
      case 'release':
        return cloud.send('DELETE', this.#floatingPath(change.floating));
      case 'associate':
        return update(this.#floatingPath(change.floating), 'floatingip', { port_id: this.#vms.get(change.vm) });
      case 'disassociate':
        return update(this.#floatingPath(change.floating), 'floatingip', { port_id: null });
      case 'forward':
        return cloud.send('POST', `${this.#floatingPath(change.floating)}/port_forwardings`, {
          port_forwarding: this.#forwardingBody(change.forwarding),
        });
      case 'alter':
        return update(
          this.#forwardingPath(change.floating, change.index),
          'port_forwarding',
          this.#forwardingBody(change.forwarding),
        );
      case 'unforward':
        return cloud.send('DELETE', this.#forwardingPath(change.floating, change.index));
      case 'attach':
      case 'detach':
        // IPv4 first: if anything is needed still, it is that.
        return this.#sendAll(this.networks.get(change.network)?.subnetIds ?? [], (id) =>
          cloud.send('PUT', `${router}/${change.op === 'attach' ? 'add' : 'remove'}_router_interface`, {
            subnet_id: id,
          }),
        );
      case 'gateway':
        return update(router, 'router', { external_gateway_info: this.#gatewayInfo(change.gateway) });
      case 'power':
        return update(router, 'router', { admin_state_up: change.up });
      case 'distribute':
        return update(router, 'router', { distributed: change.distributed });
      case 'remove':
        return cloud.send('DELETE', `${V2}/ports/${this.#vms.get(change.vm)}`);
      case 'recreate':
        return cloud.send('POST', `${V2}/ports`, {
          port: {
            network_id: this.networks.get(VMS[change.vm].network)?.id,
            fixed_ips: [{ ip_address: VMS[change.vm].address }, { ip_address: VMS[change.vm].address6 }],
            // Another one would have neighbours wait until they forget the one they know.
            mac_address: MACS[change.vm],
            security_groups: [this.#groupId],
            'binding:host_id': 'testhost',
          },
        });
      case 'guard':
        return update(`${V2}/ports/${this.#vms.get(change.vm)}`, 'port', {
          port_security_enabled: change.guarded,
          security_groups: change.guarded ? [this.#groupId] : [],
        });
      case 'admit':
        return cloud.send('POST', `${V2}/security-group-rules`, {
          security_group_rules: ['IPv4', 'IPv6'].map((ethertype) => ({
            security_group_id: this.#groupId,
            direction: 'ingress',
            ethertype,
            protocol: ADMISSIONS[change.admission].protocol,
            port_range_min: ADMISSIONS[change.admission].ports[0],
            port_range_max: ADMISSIONS[change.admission].ports[1],
          })),
        });
      case 'forbid':
        return this.#sendAll(this.#rules.get(change.admission) ?? [], (id) =>
          cloud.send('DELETE', `${V2}/security-group-rules/${id}`),
        );
    }
  }

  /** One request after the other; the answer of the last, or of the first that is refused. */
  async #sendAll(ids: readonly string[], send: (id: string) => Promise<ApiAnswer>): Promise<ApiAnswer> {
    let answer: ApiAnswer = { status: 404, body: undefined };
    for (const [index, id] of ids.entries()) {
      answer = await send(id);
      if (answer.status < 300) continue;
      if (index > 0) throw new Error(`half of a change was refused: ${JSON.stringify(answer)}`);
      return answer;
    }
    return answer;
  }

  #remember(change: Change, body: ApiAnswer['body']): void {
    switch (change.op) {
      case 'allocate':
        this.#floating.set(change.floating, { id: body.floatingip.id, forwardings: [] });
        return;
      case 'release':
        this.#floating.delete(change.floating);
        return;
      case 'forward':
        this.#floating.get(change.floating)?.forwardings.push(body.port_forwarding.id);
        return;
      case 'unforward':
        this.#floating.get(change.floating)?.forwardings.splice(change.index, 1);
        return;
      case 'remove':
        this.#vms.delete(change.vm);
        for (const [address, held] of this.#floating) {
          const { forwardings = [] } = this.state.floating[address] ?? {};
          held.forwardings = held.forwardings.filter((_, index) => forwardings[index]?.vm !== change.vm);
        }
        return;
      case 'recreate':
        this.#vms.set(change.vm, body.port.id);
        return;
      case 'admit':
        this.#rules.set(
          change.admission,
          body.security_group_rules.map(({ id }: { id: string }) => id),
        );
        return;
      case 'forbid':
        this.#rules.delete(change.admission);
    }
  }

  #floatingPath(address: FloatingAddress): string {
    return `${V2}/floatingips/${this.#floating.get(address)?.id}`;
  }

  #forwardingPath(address: FloatingAddress, index: number): string {
    return `${this.#floatingPath(address)}/port_forwardings/${this.#floating.get(address)?.forwardings[index]}`;
  }

  #forwardingBody({ protocol, external, internal, vm }: Forwarding): object {
    return {
      protocol,
      external_port_range: external.join(':'),
      internal_port_range: internal.join(':'),
      internal_port_id: this.#vms.get(vm),
      internal_ip_address: VMS[vm].address,
    };
  }

  #gatewayInfo(gateway: WalkState['router']['gateway']): object {
    if (gateway === null) return {};
    return {
      network_id: this.externalId,
      enable_snat: gateway.snat,
      external_fixed_ips: [{ ip_address: gateway.address }],
    };
  }
}

/** What names something that is not there, or asks for what is already so: no request can be made of it. */
function isPointless({ router, vms, floating, admissions }: WalkState, change: Change): boolean {
  switch (change.op) {
    case 'allocate':
      return floating[change.floating] !== undefined;
    case 'release':
    case 'disassociate':
      return floating[change.floating] === undefined;
    case 'associate':
      return floating[change.floating] === undefined || vms[change.vm] === undefined;
    case 'forward':
      return floating[change.floating] === undefined || vms[change.forwarding.vm] === undefined;
    case 'alter':
      return (
        floating[change.floating]?.forwardings[change.index] === undefined || vms[change.forwarding.vm] === undefined
      );
    case 'unforward':
      return floating[change.floating]?.forwardings[change.index] === undefined;
    case 'attach':
      return router.networks.includes(change.network);
    case 'detach':
      return !router.networks.includes(change.network);
    case 'remove':
    case 'guard':
      return vms[change.vm] === undefined;
    case 'recreate':
      return vms[change.vm] !== undefined;
    case 'admit':
      return admissions.includes(change.admission);
    case 'forbid':
      return !admissions.includes(change.admission);
    default:
      return false;
  }
}
