/**
 * What a walk's cloud is, and what becomes of packets in it, told by what the API promises and nothing else: no line of
 * this is the agent's. States are values; a change gives another one.
 */

export const VMS = {
  a1: { network: 'a', address: '192.168.2.79', address6: 'fd00:a::79' },
  a2: { network: 'a', address: '192.168.2.80', address6: 'fd00:a::80' },
  b1: { network: 'b', address: '192.168.3.79', address6: 'fd00:b::79' },
} as const;
export type VmName = keyof typeof VMS;
export type NetworkName = 'a' | 'b';
export type Protocol = 'tcp' | 'udp';

/** Ports on which each VM answers, by both protocols. */
export const SERVED = [22, 53, 4000, 4001, 4002] as const;
export const CLIENT = '10.11.7.100';
/** Port on which the client answers, by both protocols. */
export const CLIENT_PORT = 80;
export const FLOATING = ['10.11.7.4', '10.11.7.5', '10.11.7.6'] as const;
export type FloatingAddress = (typeof FLOATING)[number];
export const GATEWAYS = ['10.11.7.3', '10.11.7.9'] as const;

/** First and last port. */
type Ports = readonly [number, number];

export interface Forwarding {
  readonly protocol: Protocol;
  readonly external: Ports;
  readonly internal: Ports;
  readonly vm: VmName;
}

interface FloatingIp {
  readonly vm: VmName | null;
  readonly forwardings: readonly Forwarding[];
}

/** What the security group of all VMs lets in. */
export const ADMISSIONS = {
  tcp: { protocol: 'tcp', ports: [1, 65_535] },
  udp: { protocol: 'udp', ports: [1, 65_535] },
  ssh: { protocol: 'tcp', ports: [22, 22] },
  range: { protocol: 'udp', ports: [4000, 4001] },
} as const;
export type Admission = keyof typeof ADMISSIONS;

export interface WalkState {
  readonly router: {
    readonly up: boolean;
    readonly distributed: boolean;
    readonly gateway: { readonly address: string; readonly snat: boolean } | null;
    readonly networks: readonly NetworkName[];
  };
  /** VMs that have a port, and whether it is guarded. */
  readonly vms: Readonly<Partial<Record<VmName, { readonly guarded: boolean }>>>;
  readonly floating: Readonly<Partial<Record<FloatingAddress, FloatingIp>>>;
  readonly admissions: readonly Admission[];
}

/** What a walk starts from: all is up, nothing is forwarded. */
export const FIRST_STATE: WalkState = {
  router: { up: true, distributed: false, gateway: { address: GATEWAYS[0], snat: true }, networks: ['a', 'b'] },
  vms: { a1: { guarded: true }, a2: { guarded: true }, b1: { guarded: true } },
  floating: {},
  admissions: ['tcp', 'udp'],
};

/** A change that the API accepted. */
export type Change =
  | { op: 'forward'; floating: FloatingAddress; forwarding: Forwarding }
  | { op: 'alter'; floating: FloatingAddress; index: number; forwarding: Forwarding }
  | { op: 'unforward'; floating: FloatingAddress; index: number }
  | { op: 'allocate' | 'release' | 'disassociate'; floating: FloatingAddress }
  | { op: 'associate'; floating: FloatingAddress; vm: VmName }
  | { op: 'attach' | 'detach'; network: NetworkName }
  | { op: 'gateway'; gateway: WalkState['router']['gateway'] }
  | { op: 'power'; up: boolean }
  | { op: 'distribute'; distributed: boolean }
  | { op: 'remove' | 'recreate'; vm: VmName }
  | { op: 'guard'; vm: VmName; guarded: boolean }
  | { op: 'admit' | 'forbid'; admission: Admission };

/** The state after a change. */
export function after(state: WalkState, change: Change): WalkState {
  const { router, vms, admissions } = state;
  switch (change.op) {
    case 'allocate':
      return withFloating(state, change.floating, () => ({ vm: null, forwardings: [] }));
    case 'release':
      return withFloating(state, change.floating, () => undefined);
    case 'forward':
      return withFloating(state, change.floating, (ip) => ({
        vm: null,
        forwardings: [...(ip?.forwardings ?? []), change.forwarding],
      }));
    case 'alter':
      return withFloating(state, change.floating, (ip) => ({
        vm: null,
        forwardings: (ip?.forwardings ?? []).map((one, index) => (index === change.index ? change.forwarding : one)),
      }));
    case 'unforward':
      return withFloating(state, change.floating, (ip) => ({
        vm: null,
        forwardings: (ip?.forwardings ?? []).filter((_, index) => index !== change.index),
      }));
    case 'associate':
      return withFloating(state, change.floating, () => ({ vm: change.vm, forwardings: [] }));
    case 'disassociate':
      return withFloating(state, change.floating, (ip) => ({ forwardings: ip?.forwardings ?? [], vm: null }));
    case 'attach':
      return { ...state, router: { ...router, networks: [...router.networks, change.network] } };
    case 'detach':
      return { ...state, router: { ...router, networks: router.networks.filter((name) => name !== change.network) } };
    case 'gateway':
      return { ...state, router: { ...router, gateway: change.gateway } };
    case 'power':
      return { ...state, router: { ...router, up: change.up } };
    case 'distribute':
      return { ...state, router: { ...router, distributed: change.distributed } };
    case 'remove':
      return withoutVm(state, change.vm);
    case 'recreate':
      return { ...state, vms: { ...vms, [change.vm]: { guarded: true } } };
    case 'guard':
      return { ...state, vms: { ...vms, [change.vm]: { guarded: change.guarded } } };
    case 'admit':
      return { ...state, admissions: [...admissions, change.admission] };
    case 'forbid':
      return { ...state, admissions: admissions.filter((name) => name !== change.admission) };
  }
}

function withFloating(
  state: WalkState,
  address: FloatingAddress,
  change: (ip: FloatingIp | undefined) => FloatingIp | undefined,
): WalkState {
  const { [address]: present, ...others } = state.floating;
  const next = change(present);
  return { ...state, floating: next === undefined ? others : { ...others, [address]: next } };
}

/** With a VM's port go its association and the forwardings to it. */
function withoutVm(state: WalkState, vm: VmName): WalkState {
  const { [vm]: _, ...vms } = state.vms;
  const floating = Object.fromEntries(
    Object.entries(state.floating).map(([address, ip]) => [
      address,
      { vm: ip.vm === vm ? null : ip.vm, forwardings: ip.forwardings.filter((forwarding) => forwarding.vm !== vm) },
    ]),
  );
  return { ...state, vms, floating };
}

/** Somebody tries to reach an address. */
export interface Attempt {
  readonly from: VmName | 'client';
  readonly to: string;
  readonly port: number;
  readonly protocol: Protocol;
}

/** What comes of it: who answers, `ADDRESS:PORT`, and whom that one sees, where that is promised. */
export type Outcome = { readonly by: string; readonly sees?: string } | 'refused' | 'silent';

/** What becomes of the first packet of a new connection. */
export function outcome(state: WalkState, attempt: Attempt): Outcome {
  const { from, to, port, protocol } = attempt;
  if (from !== 'client' && state.vms[from] === undefined) return 'silent';
  if (to === CLIENT) return from === 'client' ? 'silent' : outward(state, from, port);
  const vm = vmAt(to);
  if (vm !== undefined) {
    if (from === 'client') return 'silent';
    const isNeighbour = VMS[from].network === VMS[vm].network;
    if (!isNeighbour && !(isRouted(state, from) && isRouted(state, vm))) return 'silent';
    return atVm(state, vm, attempt, port, VMS[from][kindOf(to)]);
  }
  if (from !== 'client' && !isRouted(state, from)) return 'silent';
  const target = targetOf(state, to, port, protocol);
  if (target === 'silent' || target === 'refused') return target;
  const seen = from === 'client' ? CLIENT : undefined;
  return atVm(state, target.vm, { to: VMS[target.vm].address, protocol }, target.port, seen);
}

/** Where a floating IP leads. */
function targetOf(
  { router, floating }: WalkState,
  address: string,
  port: number,
  protocol: Protocol,
): { vm: VmName; port: number } | 'refused' | 'silent' {
  const ip = floating[address as FloatingAddress];
  if (ip === undefined || !router.up || router.gateway === null) return 'silent';
  if (ip.vm !== null) return { vm: ip.vm, port };
  if (ip.forwardings.length === 0) return 'silent';
  for (const { protocol: own, external, internal, vm } of ip.forwardings) {
    if (own !== protocol || port < external[0] || port > external[1]) continue;
    return { vm, port: internal[0] === internal[1] ? internal[0] : internal[0] + port - external[0] };
  }
  return 'refused';
}

/** What a VM that is reached by this address of its makes of it. */
function atVm(
  state: WalkState,
  vm: VmName,
  { to, protocol }: Pick<Attempt, 'to' | 'protocol'>,
  port: number,
  sees: string | undefined,
): Outcome {
  const present = state.vms[vm];
  if (present === undefined) return 'silent';
  const isAdmitted = state.admissions.some((name) => {
    const { protocol: own, ports } = ADMISSIONS[name];
    return own === protocol && ports[0] <= port && port <= ports[1];
  });
  if (present.guarded && !isAdmitted) return 'silent';
  if (!(SERVED as readonly number[]).includes(port)) return 'refused';
  return { by: `${to}:${port}`, ...(sees !== undefined && { sees }) };
}

/** A VM's way out: with its floating IP, or the router's address; the client does not know VMs' own addresses. */
function outward(state: WalkState, vm: VmName, port: number): Outcome {
  const { gateway } = state.router;
  if (!isRouted(state, vm) || gateway === null) return 'silent';
  const own = Object.entries(state.floating).find(([, ip]) => ip.vm === vm)?.[0];
  const sees = own ?? (gateway.snat ? gateway.address : undefined);
  if (sees === undefined) return 'silent';
  return port === CLIENT_PORT ? { by: `${CLIENT}:${port}`, sees } : 'refused';
}

const isRouted = ({ router }: WalkState, vm: VmName): boolean => router.up && router.networks.includes(VMS[vm].network);

const vmAt = (address: string): VmName | undefined =>
  (Object.keys(VMS) as VmName[]).find((name) => VMS[name][kindOf(address)] === address);

const kindOf = (address: string): 'address' | 'address6' => (address.includes(':') ? 'address6' : 'address');

/**
 * Whether a TCP connection that was answered so lives on in a state to which it came without another in between. A VM
 * keeps what it opened by the router's own address when it gets a floating IP.
 */
export function survives(state: WalkState, attempt: Attempt, answered: Outcome): boolean {
  if (typeof answered === 'string') return false;
  const { gateway } = state.router;
  if (attempt.to === CLIENT && attempt.from !== 'client') {
    if (state.vms[attempt.from] === undefined || !isRouted(state, attempt.from) || gateway === null) return false;
    if (answered.sees === gateway.address) return gateway.snat;
    return isOwn(state, attempt.from, answered.sees);
  }
  const then = outcome(state, attempt);
  if (typeof then === 'string' || then.by !== answered.by) return false;
  // A VM that reaches a floating IP is seen by an address of the router's, which has to be there still.
  const isHairpin = attempt.from !== 'client' && vmAt(attempt.to) === undefined;
  return !isHairpin || answered.sees === gateway?.address || isOwn(state, attempt.from, answered.sees);
}

const isOwn = ({ floating }: WalkState, vm: VmName, address: string | undefined): boolean =>
  floating[address as FloatingAddress]?.vm === vm;
