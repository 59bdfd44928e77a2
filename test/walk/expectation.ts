import type { Prober } from '@portward/agent/conformance/prober.ts';
import {
  type Attempt,
  CLIENT,
  CLIENT_PORT,
  FLOATING,
  type Outcome,
  outcome,
  type Protocol,
  survives,
  VMS,
  type VmName,
  type WalkState,
} from './model.ts';

/** Seconds to wait for what shall come, generous for busy machines, and for what shall not. */
const LONG = 8;
const SHORT = 0.7;

/** What is tried after each step: every floating IP from outside and from a VM, VMs' neighbours, and ways out. */
function attempts(turn: number): Attempt[] {
  const vms = Object.keys(VMS) as VmName[];
  const protocols: Protocol[] = ['tcp', 'udp'];
  // By turns: all of it after each step would take most of the time.
  const vm = vms[turn % vms.length] as VmName;
  const neighbour = vms[(turn + 1 + (Math.floor(turn / 3) % 2)) % vms.length] as VmName;
  return protocols.flatMap((protocol) => [
    ...FLOATING.flatMap((to) =>
      [22, 2222, 3000, 3002].map((port) => ({ from: 'client' as const, to, port, protocol })),
    ),
    ...FLOATING.map((to) => ({ from: vm, to, port: [2222, 3000, 3001, 22][turn % 4] as number, protocol })),
    { from: vm, to: VMS[neighbour].address, port: 22, protocol },
    { from: vm, to: VMS[neighbour].address6, port: 22, protocol },
    { from: vm, to: CLIENT, port: CLIENT_PORT, protocol },
  ]);
}

/** Tries to reach what the model tells of, and gives a line for each attempt that goes otherwise. */
export async function surprises(prober: Prober, state: WalkState, turn: number): Promise<string[]> {
  const all = attempts(turn).map((attempt) => ({ attempt, shall: outcome(state, attempt) }));
  // The kernel sends an address no more than one ICMP error a second in the long run (icmp_ratelimit).
  const isLimited = (one: (typeof all)[number]) => one.attempt.protocol === 'udp' && one.shall === 'refused';
  const limited = all.filter(isLimited);
  const chosen = [
    ...all.filter((one) => !isLimited(one)),
    ...limited.slice(turn % Math.max(1, limited.length)).slice(0, 1),
  ];
  const lines = await Promise.all(
    chosen.map(async ({ attempt, shall }) => {
      const { from, to, port, protocol } = attempt;
      const timeout = shall === 'silent' ? SHORT : LONG;
      const said = heard(await prober.attempt(from, protocol, to, { port, timeout }));
      return isAlike(said, shall) ? [] : [`${from} to ${to}:${port}/${protocol}: ${show(said)}, not ${show(shall)}`];
    }),
  );
  return lines.flat();
}

/** What the prober says, in the model's words. */
function heard(said: string): Outcome {
  const answer = /^(\S+:\d+) sees (\S+)/.exec(said);
  if (answer !== null) return { by: answer[1] as string, sees: answer[2] as string };
  return said.startsWith('refused') ? 'refused' : 'silent';
}

const show = (what: Outcome): string =>
  typeof what === 'string' ? what : `${what.by}${what.sees === undefined ? '' : ` sees ${what.sees}`}`;

/** Whom an answer sees counts where it is promised. */
function isAlike(said: Outcome, shall: Outcome): boolean {
  if (typeof said === 'string' || typeof shall === 'string') return said === shall;
  return said.by === shall.by && (shall.sees === undefined || said.sees === shall.sees);
}

/** Connections that stay open through a walk, and what shall become of them. */
export class Flows {
  readonly #prober: Prober;
  readonly #open = new Map<string, { attempt: Attempt; answered: Outcome; lives: boolean }>();
  #last = 0;

  constructor(prober: Prober) {
    this.#prober = prober;
  }

  /** Tells of a change of the state: from now on some are to be cut. */
  changed(state: WalkState): void {
    for (const flow of this.#open.values()) flow.lives &&= survives(state, flow.attempt, flow.answered);
  }

  /** Something happened that no connection needs to survive. */
  forget(): void {
    this.#open.clear();
  }

  /**
   * Asks on every one, and gives a line for each that does not do what it shall; those that were cut are dropped. What
   * led elsewhere in between, and leads where it did again, may have come through or not.
   */
  async surprises(state: WalkState): Promise<string[]> {
    const lines = await Promise.all(
      [...this.#open].map(async ([name, { attempt, answered, lives }]) => {
        const said = heard(await this.#prober.say(name, 'on', lives ? LONG : SHORT));
        const what = `open connection of ${attempt.from} to ${attempt.to}:${attempt.port}, answered by ${show(answered)}`;
        if (!lives) this.#open.delete(name);
        if (lives && !isAlike(said, answered)) return [`${what}: ${show(said)}, though nothing changed for it`];
        if (lives || typeof said === 'string' || survives(state, attempt, answered)) return [];
        return [`${what}: lives on, though it leads elsewhere`];
      }),
    );
    return lines.flat();
  }

  /** Opens more, where the model says that somebody answers. */
  async openMore(state: WalkState, turn: number): Promise<void> {
    const wanted = attempts(turn).filter(
      (attempt) => attempt.protocol === 'tcp' && typeof outcome(state, attempt) !== 'string',
    );
    for (const attempt of wanted.slice(0, Math.max(0, 6 - this.#open.size))) {
      const name = `flow ${++this.#last}`;
      const said = heard(
        await this.#prober.open(name, attempt.from, 'tcp', attempt.to, attempt.port, { timeout: LONG }),
      );
      if (typeof said !== 'string') this.#open.set(name, { attempt, answered: said, lives: true });
    }
  }
}
