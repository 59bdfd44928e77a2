import type { ConvergenceCloud } from './cloud.ts';
import type { Outcome } from './knocker.ts';
import type { Attempt, Seen } from './prober.ts';
import { startProber } from './processes.ts';
import { type Change, DELETED, MADE, summary } from './report.ts';

/** How much is measured: so many turns, in each so many changes through the API and as many in the kernel. */
export interface Size {
  readonly turns: number;
  readonly each: number;
}

const CHANGES = {
  post: MADE,
  add: 'the same edit in the kernel',
  delete: DELETED,
  remove: 'the same edit in the kernel',
  restedPost: `${MADE}, after a rest`,
  restedAdd: 'the same edit in the kernel',
  restedDelete: `${DELETED}, after a rest`,
  restedRemove: 'the same edit in the kernel',
  first: 'POST of the first → first connection',
  last: 'DELETE of the last → none any more',
} as const;

/** Milliseconds after which the agent has told of the change before, and nobody has anything left to do. */
const SETTLED = 5;
/** A rest after which the processors sleep and have forgotten what they did: all takes longer. */
const REST = 50;

/** Changes made before those that count. */
const WARM_UP = 300;

/** Ports serve once each, so that no connection's leftovers are met again. */
let nextPort = 20_000;

/** Times changes through the API and, by turns, the same edits made straight in the kernel. */
export async function measureChanges(cloud: ConvergenceCloud, { turns, each }: Size): Promise<Change[]> {
  const prober = await startProber(cloud);
  const seen = Object.fromEntries(Object.keys(CHANGES).map((name) => [name, []])) as unknown as Record<
    keyof typeof CHANGES,
    Seen[]
  >;
  const attempt = async (name: keyof typeof CHANGES, wanted: Attempt): Promise<Seen> => {
    const outcome = await prober.ask<Seen>({ ask: 'attempt', ...wanted });
    if (outcome.status >= 300) throw new Error(`${outcome.status} ${outcome.body}`);
    seen[name].push(outcome);
    return outcome;
  };
  /** `without`: what a connection meets when there is no forwarding. */
  const throughApi = async (
    { id, address }: { id: string; address: string },
    [made, deleted]: ['post', 'delete'] | ['restedPost', 'restedDelete'] | ['first', 'last'],
    without: Outcome,
    rest = SETTLED,
  ): Promise<void> => {
    const port = nextPort++;
    const path = `/networking/v2.0/floatingips/${id}/port_forwardings`;
    const post = { by: 'api', method: 'POST', path, body: { port_forwarding: cloud.forwarding(port) } } as const;
    const { body } = await attempt(made, { cause: post, address, port, from: without, until: 'connected', rest });
    const gone = { by: 'api', method: 'DELETE', path: `${path}/${JSON.parse(body).port_forwarding.id}` } as const;
    await attempt(deleted, { cause: gone, address, port, from: 'connected', until: without, rest });
  };
  const inKernel = async (
    { address }: { address: string },
    [added, removed]: ['add', 'remove'] | ['restedAdd', 'restedRemove'],
    rest = SETTLED,
  ): Promise<void> => {
    const port = nextPort++;
    const edit = (verb: 'add' | 'delete') =>
      ({ by: 'floor', line: [verb, ...cloud.element(port)].join('\t') }) as const;
    await attempt(added, { cause: edit('add'), address, port, from: 'refused', until: 'connected', rest });
    await attempt(removed, { cause: edit('delete'), address, port, from: 'connected', until: 'refused', rest });
  };
  // Compilers of controller and agent are to have seen all of it, as where they have run for a while.
  for (let index = 0; index < WARM_UP; index += 1) await throughApi(cloud.measured, ['post', 'delete'], 'refused');
  for (const name of ['post', 'delete'] as const) seen[name].length = 0;
  for (let turn = 0; turn < turns; turn += 1) {
    for (let index = 0; index < each; index += 1) {
      await throughApi(cloud.measured, ['post', 'delete'], 'refused');
      // That an address is gone takes long to see.
      if (index % 10 === 0) await throughApi(cloud.empty, ['first', 'last'], 'nothing');
      if (index % 5 === 0) await throughApi(cloud.measured, ['restedPost', 'restedDelete'], 'refused', REST);
    }
    // These are none of the agent's business.
    cloud.pauseAgent();
    for (let index = 0; index < each; index += 1) {
      await inKernel(cloud.measured, ['add', 'remove']);
      if (index % 5 === 0) await inKernel(cloud.measured, ['restedAdd', 'restedRemove'], REST);
    }
    cloud.resumeAgent();
  }
  prober.child.kill('SIGKILL');
  return Object.entries(CHANGES).map(([name, what]) => ({
    what,
    present: cloud.forwardings,
    ...summary(seen[name as keyof typeof CHANGES]),
  }));
}
