import assert from 'node:assert/strict';
import type { FeedPut, NatBackend } from '@portward/model/feed.ts';
import { eventually } from '../../../../test/test-host.ts';
import type { AgentHost } from '../testing/agent-host.ts';
import type { gone } from '../testing/cloud.ts';
import type { Prober } from './prober.ts';

/** Open flows and what becomes of them when what leads them changes. */
export class Flows {
  readonly #prober: Prober;
  #turn = 0;

  constructor(prober: Prober) {
    this.#prober = prober;
  }

  /** Opens flows `protocol namespace address:port`, and gives what they met. */
  async open(...names: string[]): Promise<Record<string, string>> {
    const met = names.map(async (name) => {
      const [protocol = '', namespace = '', to = ''] = name.split(' ');
      const [address = '', port] = to.split(':');
      const outcome = await this.#prober.open(name, namespace, protocol as 'tcp', address, Number(port));
      return [name, outcome.replace(' hello', '')] as const;
    });
    return Object.fromEntries(await Promise.all(met));
  }

  /** Waits until each flow meets what is expected of it, and then once more: `server sees peer`, or a pattern. */
  async meet(expected: Record<string, string | RegExp>): Promise<void> {
    const checks = Object.entries(expected).map(async ([name, wanted]) => {
      let last = '';
      const look = async (): Promise<boolean> => {
        const text = `turn${++this.#turn}`;
        last = (await this.#prober.say(name, text, 1)).replace(` ${text}`, '');
        return typeof wanted === 'string' ? last === wanted : wanted.test(last);
      };
      await eventually(look, { what: `'${name}' meets ${wanted}` }).catch((error) => {
        throw new Error(`${(error as Error).message}; it met '${last}'`);
      });
      const again = await look();
      // The kernel limits how often it says that it refuses.
      const goesOn = again || (!/sees/.test(String(wanted)) && !/sees/.test(last));
      assert.ok(goesOn, `'${name}' does not go on to meet ${wanted}, but ${last}`);
    });
    await Promise.all(checks);
  }

  /** Asserts that flows are as they were, at once. */
  async live(met: Record<string, string>): Promise<void> {
    for (const [name, wanted] of Object.entries(met)) {
      assert.equal((await this.#prober.say(name, 'now', 3)).replace(' now', ''), wanted, `'${name}' lives on`);
    }
  }
}

type Change = FeedPut | ReturnType<typeof gone>;

/** What the feed has told, for snapshots. */
export class Told {
  readonly #agent: AgentHost;
  readonly #objects = new Map<string, FeedPut>();

  constructor(agent: AgentHost, snapshot: readonly FeedPut[]) {
    this.#agent = agent;
    for (const put of snapshot) this.#objects.set(put.object.id, put);
  }

  get snapshot(): FeedPut[] {
    return [...this.#objects.values()];
  }

  /** Notes changes without telling them. */
  note(...lines: Change[]): void {
    for (const line of lines) {
      if (line.op === 'put') this.#objects.set(line.object.id, line);
      else this.#objects.delete(line.id);
    }
  }

  async feed(...lines: Change[]): Promise<void> {
    this.note(...lines);
    await this.#agent.feed(...lines);
  }

  async resync(): Promise<void> {
    await this.#agent.feed({ op: 'reset', seq: 0 }, ...this.snapshot, { op: 'synced', seq: 0 });
  }

  async restart(natBackend: NatBackend): Promise<void> {
    await this.#agent.kill();
    await this.#agent.start(this.snapshot, { natBackend });
  }
}
