import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentConfig } from '@portward/model/config.ts';
import type { Logger } from 'pino';
import { hostServices } from './host-services.ts';
import { Namespaces } from './kernel/namespaces.ts';
import { checkHost } from './kernel/requirements.ts';
import { Announcements } from './reconcile/announcements.ts';
import { Applier } from './reconcile/applier.ts';
import { readBack } from './reconcile/read-back.ts';
import { Reconciler } from './reconcile/reconciler.ts';

export interface CleanUpOptions {
  readonly config: AgentConfig;
  readonly log: Logger;
}

/** Rounds until clean-up gives up: what fails once may have been in the way of something else. */
const ROUNDS = 3;

/**
 * Removes everything of Portward's from this host: namespaces, devices, bridges, rules, helpers. It is a
 * reconciliation towards nothing. Parameters of the kernel stay. Throws an Error when something cannot be removed.
 */
export async function cleanUp({ config, log }: CleanUpOptions): Promise<void> {
  await checkHost({ bridges: [], natBackend: 'nftables' });
  const namespaces = new Namespaces();
  const services = hostServices({ ...config, machines: true });
  const mappedBridges = new Set(config.bridge_mappings.map((mapping) => mapping.split(':')[1] ?? ''));
  try {
    for (let round = 1; ; round++) {
      const found = await readBack(
        { namespaces, services, mappedBridges, isKnownTap: () => false, namespaceOfPair: () => undefined },
        'everything',
      );
      for (const [name, reason] of found.unread) throw new Error(`${name} cannot be read, so not removed: ${reason}`);
      if (found.items.length === 0) return removeEmpty(config.state_dir);
      if (round > ROUNDS)
        throw new Error(`${found.items.length} things could not be removed, ${found.items[0]?.key} among them`);
      const reconciler = new Reconciler(new Applier(namespaces, services, new Announcements(namespaces)), log);
      reconciler.adopt(found.items);
      const { operations } = await reconciler.round();
      log.info({ count: operations.length }, 'removed');
    }
  } finally {
    namespaces.close();
  }
}

/** Removes the agent's directory, as far as nothing is in it. */
function removeEmpty(directory: string): void {
  for (const path of [...['dhcp', 'advertisement', 'machines'].map((name) => join(directory, name)), directory]) {
    try {
      rmdirSync(path);
    } catch {
      // It is not there, or somebody has put something in.
    }
  }
}
