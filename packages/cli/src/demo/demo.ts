import type { Config } from '@portward/model/config.ts';
import { Sandbox } from '../sandbox.ts';
import { untilStopped } from '../stopping.ts';
import { DEMO_BRIDGE, type System, startSystem, type UpFlags } from '../up.ts';
import { buildCloud } from './cloud.ts';
import { Narrator } from './narrator.ts';
import { showFirstExample, showScenario } from './scenario.ts';
import { Shell } from './shell.ts';

const BRIDGES = `
link add ${DEMO_BRIDGE} type bridge
link set ${DEMO_BRIDGE} up
`;

/** `portward up --demo`: the article's cloud, built, shown and kept until Ctrl-C. Resolves with the exit code. */
export async function runDemo(config: Config, flags: UpFlags): Promise<number> {
  const colours = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
  const narrator = new Narrator(process.stdout, colours);
  const interrupted = new AbortController();
  const stopped = untilStopped().then(() => interrupted.abort());
  let system: System | undefined;
  let sandbox: Sandbox | undefined;
  narrator.title('Portward: one public address for many virtual machines');
  narrator.line('  Everything below happens in namespaces of its own; this machine’s network stays as it is.\n');
  const scenario = async (): Promise<void> => {
    sandbox = await narrator.step('sandbox: network, mount and process namespaces', async () => {
      const made = await Sandbox.start({ name: 'portward-demo' });
      sandbox = made;
      const outcome = await made.run(['ip', '-batch', '-'], { input: BRIDGES });
      if (outcome.code !== 0) throw new Error(outcome.stderr.trim());
      return made;
    });
    const started = await narrator.step('controller (embedded SQLite) and agent', () =>
      startSystem(config, { ...flags, host: flags.host ?? 'portward-demo' }, sandbox),
    );
    system = started;
    const shell = new Shell(started, narrator, interrupted.signal);
    interrupted.signal.throwIfAborted();
    const cloud = await buildCloud(shell, narrator);
    await showScenario(shell, narrator, cloud);
    await showFirstExample(shell, narrator, cloud);
    if (!flags.once) tellHowToUse(narrator, started);
  };
  const stop = async (): Promise<void> => {
    await system?.stop();
    await sandbox?.stop();
  };
  const shown = scenario();
  let isWhole = false;
  try {
    // Ctrl-C in mid-scenario ends it, too.
    isWhole = await Promise.race([shown.then(() => true), stopped.then(() => false)]);
    if (!flags.once) await stopped;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    narrator.line(`\n  ${narrator.paint('The demo cannot go on:', 'red')} ${reason}`);
  }
  narrator.silence();
  const last = new Narrator(process.stdout, colours);
  const { failures } = narrator;
  last.title(failures === 0 ? 'Cleaning up' : `Cleaning up; ${failures} step${failures === 1 ? '' : 's'} did not hold`);
  await last.step('controller, agent, namespaces and files are gone', async () => {
    await stop();
    // What was under way fails now; what it had begun to start goes as well.
    await shown.catch(() => undefined);
    await stop();
  });
  return isWhole && failures === 0 ? 0 : 1;
}

function tellHowToUse(narrator: Narrator, { url, dataDir, sandbox }: System): void {
  narrator.title('It is up. Try it');
  narrator.line(`  API            ${url}/identity/v3`);
  narrator.line(`  Credentials    ${dataDir}/clouds.yaml (clouds portward-admin and portward-demo)`);
  narrator.line(`  Clients        export OS_CLIENT_CONFIG_FILE=${dataDir}/clouds.yaml`);
  narrator.line('                 openstack --os-cloud portward-admin floating ip list --long');
  narrator.line('                 bin/portward --os-cloud portward-demo network list');
  narrator.line(`  Under the hood nsenter -t ${sandbox?.pid} -n -m -p -- ip netns list`);
  narrator.line(`  Logs           ${dataDir}/controller.log, ${dataDir}/agent.log`);
  narrator.line(`\n  ${narrator.paint('Ctrl-C stops it and cleans all up.', 'bold')}`);
}
