import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatBackend } from '@portward/model/feed.ts';
import fc from 'fast-check';
import { withHost } from './test-host.ts';
import { WalkCloud } from './walk/cloud.ts';
import { possibleDamage } from './walk/damage.ts';
import { Flows, surprises } from './walk/expectation.ts';
import { Hands } from './walk/hands.ts';
import type { Change } from './walk/model.ts';
import { anyStep, type Step } from './walk/steps.ts';

/** Seconds of walking on each back end. PORTWARD_WALK_SECONDS=600 walks for as long; PORTWARD_WALK_SEED repeats one. */
const SECONDS = Number(process.env.PORTWARD_WALK_SECONDS ?? 20);
const SEED = Number(process.env.PORTWARD_WALK_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Takes the steps of one walk. */
class Walk {
  readonly hands: Hands;
  readonly #flows: Flows;
  readonly #natBackend: NatBackend;
  /** What was done, a line a step. */
  readonly story: string[] = [];
  #turn = 0;

  constructor(hands: Hands, natBackend: NatBackend) {
    this.hands = hands;
    this.#flows = new Flows(hands.cloud.prober);
    this.#natBackend = natBackend;
  }

  /** Takes a step and holds what packets do to the model. */
  async take(step: Step): Promise<void> {
    const done = await this.#do(step);
    if (done === 'nothing') return;
    const { cloud } = this.hands;
    await cloud.settle();
    this.#turn += 1;
    const [ofNew, ofOpen] = await Promise.all([
      surprises(cloud.prober, this.hands.state, this.#turn),
      this.#flows.surprises(this.hands.state),
    ]);
    assert.deepEqual([...ofNew, ...ofOpen], []);
    await this.#flows.openMore(this.hands.state, this.#turn);
  }

  async #do(step: Step): Promise<'something' | 'nothing'> {
    const { cloud } = this.hands;
    switch (step.op) {
      case 'change':
        return (await this.#changeAll(step.changes)) ? 'something' : 'nothing';
      case 'move': {
        const { up, distributed } = this.hands.state.router;
        if (up) await this.#change({ op: 'power', up: false });
        await this.#change({ op: 'distribute', distributed: !distributed });
        await this.#change({ op: 'power', up: true });
        return 'something';
      }
      case 'kill': {
        // A port is plugged in when an agent has bound it.
        const changing = this.#changeAll(step.changes.filter(({ op }) => op !== 'recreate'));
        await sleep(step.afterMs);
        this.story.push(`kill the agent after ${step.afterMs} ms`);
        await cloud.kill('agent');
        await changing;
        cloud.startAgent();
        return 'something';
      }
      case 'killController':
        if (!(await this.#change(step.change))) return 'nothing';
        this.story.push('kill the controller');
        await cloud.kill('controller');
        await cloud.startController();
        return 'something';
      case 'damage': {
        const list = await possibleDamage(cloud.host, this.#natBackend);
        const damage = list[step.what % list.length];
        if (damage === undefined) return 'nothing';
        this.story.push(damage.what);
        if (damage.endsConnections) this.#flows.forget();
        const { argv, namespace } = damage;
        await cloud.host.run(argv, namespace === undefined ? {} : { namespace });
        await cloud.mended(damage.what);
        return 'something';
      }
    }
  }

  async #changeAll(changes: readonly Change[]): Promise<boolean> {
    let isChanged = false;
    for (const change of changes) isChanged = (await this.#change(change)) || isChanged;
    return isChanged;
  }

  async #change(change: Change): Promise<boolean> {
    const answer = await this.hands.take(change);
    if (answer === 'pointless') return false;
    this.story.push(`${JSON.stringify(change)} ${answer}`);
    this.#flows.changed(this.hands.state);
    return answer === 'accepted';
  }
}

for (const natBackend of ['nftables', 'iptables'] as const) {
  test(`whatever is asked of the API, just those packets pass that shall: ${natBackend}`, async (t) => {
    await withHost(async (host) => {
      await host.addBridge('br-ex');
      await host.addBridge('br-other');
      await host.addClient('br-ex', 'client', '10.11.7.100/24');
      const cloud = await WalkCloud.start(host, natBackend);
      const hands = new Hands(cloud);
      await hands.build();
      const walk = new Walk(hands, natBackend);
      const end = Date.now() + SECONDS * 1000;
      for (const step of fc.sample(anyStep, { seed: SEED, numRuns: 20_000 })) {
        if (Date.now() > end) break;
        try {
          await walk.take(step);
        } catch (error) {
          const story = walk.story.slice(-25).join('\n');
          throw new Error(
            `PORTWARD_WALK_SEED=${SEED}, step ${walk.story.length}: ${(error as Error).message}\n${JSON.stringify(hands.state)}\nthe last steps:\n${story}\nthe agent said:\n${cloud.said.slice(-15).join('\n')}`,
            { cause: error },
          );
        }
      }
      assert.ok(walk.story.length > 3);
      t.diagnostic(`PORTWARD_WALK_SEED=${SEED}: ${walk.story.length} changes, kills and damages`);
    });
  });
}
