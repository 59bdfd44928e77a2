import type { aliceCloud, TestApi } from '../http/test-api.ts';

type Kind = 'network' | 'subnet' | 'port' | 'router' | 'floatingip' | 'group' | 'rule' | 'forwarding';

/** One step: which request, and the numbers that its choices are made of. */
export interface Step {
  readonly request: number;
  readonly a: number;
  readonly b: number;
}

/** Only what was made last is used: the others are likely to be gone. */
const RECENT = 5;

/** Walks through the API at random: what it asks for is sometimes possible and often refused. For tests. */
export class RandomWalk {
  readonly #api: TestApi;
  readonly #external: string;
  /** Paths of what was made; some are gone. */
  readonly #made: Record<Kind, string[]>;

  constructor(api: TestApi, cloud: Awaited<ReturnType<typeof aliceCloud>>) {
    this.#api = api;
    this.#external = cloud.external.id;
    this.#made = {
      network: [`/networks/${cloud.network.id}`],
      subnet: [`/subnets/${cloud.subnet.id}`],
      port: [`/ports/${cloud.vm1.id}`, `/ports/${cloud.vm2.id}`],
      router: [`/routers/${cloud.router.id}`],
      floatingip: [`/floatingips/${cloud.floatingIp.id}`],
      group: [],
      rule: [],
      forwarding: [],
    };
  }

  /** Kinds of requests there are. */
  static readonly requests = 26;

  /** Sends one request; answers its status. */
  async take({ request, a, b }: Step): Promise<number> {
    const one = (kind: Kind, n = a): string => {
      const list = this.#made[kind].slice(-RECENT);
      return list[n % Math.max(1, list.length)] ?? `/${kind}s/none`;
    };
    const idOf = (path: string): string => path.split('/').at(-1) as string;
    const id = (kind: Kind, n = a): string => idOf(one(kind, n));
    const make = async (kind: Kind, path: string, name: string, values: object): Promise<number> => {
      const answer = await this.#api.send('alice', 'POST', path, { [name]: values });
      if (answer.status === 201) this.#made[kind].push(`${path}/${answer.body[name].id}`);
      return answer.status;
    };
    const change = async (path: string, body: object): Promise<number> =>
      (await this.#api.send('alice', 'PUT', path, body as Record<string, unknown>)).status;
    const remove = async (path: string): Promise<number> => {
      const { status } = await this.#api.send('alice', 'DELETE', path);
      for (const list of Object.values(this.#made)) if (list.includes(path)) list.splice(list.indexOf(path), 1);
      return status;
    };
    const net = a % 3;
    const ip = (n: number) => ({ ip_address: `10.${net}.0.${2 + (n % 6)}` });
    const gateway = { router: { external_gateway_info: b % 3 === 0 ? null : { network_id: this.#external } } };
    switch (request) {
      case 0:
        return make('network', '/networks', 'network', { name: 'walk' });
      case 1:
        return make('subnet', '/subnets', 'subnet', {
          network_id: id('network', b),
          ip_version: 4,
          cidr: `10.${net}.0.0/28`,
        });
      case 2:
        return make('subnet', '/subnets', 'subnet', {
          network_id: id('network', b),
          ip_version: 6,
          cidr: `fd00:${net}::/64`,
          ...(b % 2 === 0 && { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' }),
        });
      case 3:
        return make('port', '/ports', 'port', { network_id: id('network', b), tags: ['walk'] });
      case 4:
        return make('port', '/ports', 'port', { network_id: id('network', b), fixed_ips: [ip(b)] });
      case 5:
        return make('router', '/routers', 'router', { name: 'walk' });
      case 6:
        return change(one('router', b), gateway);
      case 7:
        return change(`${one('router')}/add_router_interface`, { subnet_id: id('subnet', b) });
      case 8:
        return change(`${one('router')}/add_router_interface`, { port_id: id('port', b) });
      case 9:
        return change(`${one('router')}/remove_router_interface`, { subnet_id: id('subnet', b) });
      case 10:
        return make('floatingip', '/floatingips', 'floatingip', { floating_network_id: this.#external });
      case 11:
        return change(one('floatingip'), { floatingip: { port_id: b % 4 === 0 ? null : id('port', b) } });
      case 12:
      case 13:
      case 14:
        return make('forwarding', `${one('floatingip')}/port_forwardings`, 'port_forwarding', {
          internal_port_id: id('port', b),
          protocol: b % 2 === 0 ? 'tcp' : 'udp',
          internal_port_range: `${1 + (b % 9)}`,
          external_port_range: `${1 + (a % 20)}:${1 + (a % 20) + (b % 3)}`,
        });
      case 15:
        return change(one('forwarding'), {
          port_forwarding: b % 2 === 0 ? { internal_port_id: id('port', b) } : { external_port: 1 + (b % 20) },
        });
      case 16:
        return remove(one('forwarding'));
      case 17:
        return remove(b % 2 === 0 ? one('floatingip') : one('port'));
      case 18:
        return change(one('port'), {
          port: [{ fixed_ips: [] }, { fixed_ips: [ip(b)] }, { fixed_ips: [{ subnet_id: id('subnet', b) }] }][b % 3],
        });
      case 19:
        return change(one('port'), {
          port: [{ security_groups: [] }, { security_groups: [id('group', b)] }, { name: `n${b}` }][b % 3],
        });
      case 20:
        return make('group', '/security-groups', 'security_group', { name: `g${b}` });
      case 21:
        return make('rule', '/security-group-rules', 'security_group_rule', {
          security_group_id: id('group'),
          direction: 'ingress',
          ...(b % 2 === 0 ? { remote_group_id: id('group', b) } : { protocol: 'tcp' }),
        });
      case 22:
        return remove(b % 2 === 0 ? one('group') : one('rule'));
      case 23:
        return remove(b % 2 === 0 ? one('subnet') : one('router'));
      case 24:
        return remove(one('network', b));
      default:
        return change(`${one('network')}/tags`, { tags: [`t${b % 4}`] });
    }
  }
}
