/** The controller under measurement, in a process of its own: forked by the load client, which speaks to it by messages. */
import { Feed } from '@portward/controller/feed/feed.ts';
import { requireToken } from '@portward/controller/http/authentication.ts';
import { createServer } from '@portward/controller/http/server.ts';
import { Identity } from '@portward/controller/identity/identity.ts';
import { identityRoutes } from '@portward/controller/identity/routes.ts';
import { addForwardings } from '@portward/controller/networking/forwarding-population.ts';
import { Networking } from '@portward/controller/networking/networking.ts';
import { ServerPorts } from '@portward/controller/networking/server-ports.ts';
import { parseConfig } from '@portward/model/config.ts';
import { LIMITED_RESOURCES, UNLIMITED } from '@portward/model/quota.ts';
import { pino } from 'pino';
import { atOnce } from './at-once.ts';
import { type Recorded, RecordingStore } from './recording-store.ts';
import { STORES } from './stores.ts';

const open = STORES[process.argv[2] ?? ''];
if (open === undefined) throw new Error('which store?');
const opened = await open();
const store = new RecordingStore(opened.store);
const feed = new Feed(store);
const identity = await Identity.open(store, { tokenLife: 24 * 3600 });
// What has a limit is counted at each create, up to the limit; there is none, so that any number can be measured.
const quotas = Object.fromEntries(LIMITED_RESOURCES.map(({ name }) => [name, UNLIMITED]));
const { networking: settings } = parseConfig({ networking: { quotas } });
const networking = new Networking(store, settings);
const app = await createServer({
  store,
  feed,
  identity,
  identityRoutes: identityRoutes(identity),
  networking,
  serverNetworking: new ServerPorts(settings),
  agentToken: 'no agent comes here, and this is long enough',
  log: pino({ level: 'warn' }, pino.destination(2)),
});
// The floor: all that a request costs before it asks for anything.
app.get('/floor', { onRequest: requireToken(identity) }, async () => ({}));
await app.listen({ host: '127.0.0.1', port: 0 });
const passwords = await identity.bootstrap({ demo: true });

const recordings = new Map<string, Recorded[]>();

/** What the load client may ask for, by name. */
const calls = {
  address: () => ({ port: (app.server.address() as { port: number }).port, passwords }),
  startRecording: () => store.startRecording(),
  /** Keeps what was recorded under a name. */
  stopRecording: ({ name }: { name: string }) => void recordings.set(name, store.stopRecording()),
  /** Runs what was recorded again, `width` transactions at once; answers the seconds that took. */
  replay: async ({ name, width }: { name: string; width: number }) => {
    const tape = recordings.get(name) ?? [];
    // What is recorded may say which numbers the changes have.
    await opened.store.write((tx) => tx.db.deleteFrom('changes').execute());
    const start = performance.now();
    await atOnce(width, tape.length, (index) => store.replay(tape[index] as Recorded));
    return (performance.now() - start) / 1000;
  },
  /** Microseconds of processor time so far. */
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  memory: () => process.memoryUsage().rss,
  addForwardings: (options: Parameters<typeof addForwardings>[1]) => addForwardings(store, options),
};

export type Calls = typeof calls;

process.on('message', async ({ id, name, argument }: { id: number; name: keyof Calls; argument: never }) => {
  try {
    process.send?.({ id, value: await (calls[name] as (argument: never) => unknown)(argument) });
  } catch (error) {
    process.send?.({ id, error: (error as Error).stack });
  }
});
process.on('disconnect', async () => {
  await app.close();
  feed.close();
  identity.close();
  await opened.close();
  process.exit();
});
process.send?.({ id: 0 });
