import fc from 'fast-check';
import {
  ADMISSIONS,
  type Admission,
  type Change,
  FLOATING,
  type Forwarding,
  GATEWAYS,
  type NetworkName,
  VMS,
  type VmName,
} from './model.ts';

/** One step of a walk. */
export type Step =
  | { op: 'change'; changes: Change[] }
  /** Several changes at once, while the agent is killed after so many milliseconds, and started again. */
  | { op: 'kill'; changes: Change[]; afterMs: number }
  /** A change, and the controller is killed as soon as it has answered; started again. */
  | { op: 'killController'; change: Change }
  /** Switches the router off, turns it into the other kind, and switches it on. */
  | { op: 'move' }
  | { op: 'damage'; what: number };

const vm = fc.constantFrom(...(Object.keys(VMS) as VmName[]));
const floating = fc.constantFrom(...FLOATING);
const network = fc.constantFrom<NetworkName>('a', 'b');
const admission = fc.constantFrom(...(Object.keys(ADMISSIONS) as Admission[]));
const index = fc.nat(2);

/** Single ports, ranges of as many ports inside, and ranges that all lead to one port. Few numbers, so that they meet. */
const ports = fc.oneof(
  fc
    .record({
      external: fc.constantFrom(2222, 3000, 3001, 3002),
      internal: fc.constantFrom(22, 53, 4000, 4001, 4002, 9999),
    })
    .map(({ external, internal }) => ({ external: [external, external], internal: [internal, internal] }) as const),
  fc.constantFrom(
    { external: [3000, 3002], internal: [4000, 4002] },
    { external: [3001, 3002], internal: [4001, 4002] },
    { external: [2222, 2223], internal: [22, 22] },
  ) as fc.Arbitrary<Pick<Forwarding, 'external' | 'internal'>>,
);
const forwarding: fc.Arbitrary<Forwarding> = fc
  .record({ protocol: fc.constantFrom('tcp' as const, 'udp' as const), ports, vm })
  .map(({ protocol, ports: both, vm: target }) => ({ protocol, ...both, vm: target }));

const of = <T extends Change['op']>(...op: T[]) => fc.constantFrom(...op);
const ofForwardings: fc.Arbitrary<Change> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: of('forward'), floating, forwarding }) },
  { weight: 3, arbitrary: fc.record({ op: of('alter'), floating, index, forwarding }) },
  { weight: 3, arbitrary: fc.record({ op: of('unforward'), floating, index }) },
);
const ofFloatingIps: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: of('allocate'), floating }) },
  { weight: 1, arbitrary: fc.record({ op: of('release'), floating }) },
  { weight: 2, arbitrary: fc.record({ op: of('associate'), floating, vm }) },
  { weight: 2, arbitrary: fc.record({ op: of('disassociate'), floating }) },
);
const gateway = fc.option(fc.record({ address: fc.constantFrom(...GATEWAYS), snat: fc.boolean() }), { freq: 4 });
const ofRouters: fc.Arbitrary<Change> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ op: of('detach'), network }) },
  { weight: 3, arbitrary: fc.record({ op: of('attach'), network }) },
  { weight: 3, arbitrary: fc.record({ op: of('gateway'), gateway }) },
  { weight: 1, arbitrary: fc.record({ op: of('power'), up: fc.boolean() }) },
  { weight: 3, arbitrary: fc.constant({ op: 'power', up: true } as const) },
);
const ofVms: fc.Arbitrary<Change> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ op: of('remove'), vm }) },
  { weight: 4, arbitrary: fc.record({ op: of('recreate'), vm }) },
  { weight: 2, arbitrary: fc.record({ op: of('guard'), vm, guarded: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ op: of('admit'), admission }) },
  { weight: 2, arbitrary: fc.record({ op: of('forbid'), admission }) },
);
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: ofForwardings },
  { weight: 4, arbitrary: ofFloatingIps },
  { weight: 2, arbitrary: ofRouters },
  { weight: 3, arbitrary: ofVms },
);

/** At once, as far as the agent is concerned. */
const several = fc.array(change, { minLength: 1, maxLength: 4 });

export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 30, arbitrary: fc.record({ op: fc.constant('change' as const), changes: several }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('kill' as const),
      changes: several,
      afterMs: fc.nat(60),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('killController' as const), change }) },
  { weight: 2, arbitrary: fc.constant({ op: 'move' as const }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('damage' as const), what: fc.nat(99) }) },
);
