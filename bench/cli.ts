/** npm run bench -- cli: how quickly a command starts and ends. See README.md beside this file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { withApiCloud } from '@portward/test/api-cloud.ts';
import { TimingProxy } from './cli/proxy.ts';
import { goalsOf, reportText, type Timed } from './cli/report.ts';

const { values: options } = parseArgs({
  options: { format: { type: 'string', short: 'f', default: 'table' }, quick: { type: 'boolean', default: false } },
});
if (!['table', 'json'].includes(options.format)) {
  process.stderr.write('usage: npm run bench -- cli [-f table|json] [--quick]\n');
  process.exit(2);
}
const rounds = options.quick ? 5 : 21;
const PORTWARD = fileURLToPath(new URL('../bin/portward', import.meta.url));

const started = performance.now();
const progress = (text: string): void => {
  process.stderr.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}\n`);
};

await withApiCloud(async (cloud) => {
  const proxy = await TimingProxy.start(cloud.url);
  const password = cloud.passwordOf('admin') ?? '';
  const env = {
    ...process.env,
    OS_AUTH_URL: `${proxy.url}/identity/v3`,
    OS_USERNAME: 'admin',
    OS_PASSWORD: password,
    OS_PROJECT_NAME: 'admin',
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_IDENTITY_API_VERSION: '3',
  };
  const empty = join(cloud.directory, 'empty.mjs');
  writeFileSync(empty, '');
  const commands: readonly (readonly [string, readonly [string, ...string[]]])[] = [
    ['node, an empty script', [process.execPath, empty]],
    ['portward --version', [PORTWARD, '--version']],
    ['portward network list --help', [PORTWARD, 'network', 'list', '--help']],
    ['portward network list', [PORTWARD, 'network', 'list']],
    ['portward router list --long', [PORTWARD, 'router', 'list', '--long']],
    ['openstack network list', ['openstack', 'network', 'list']],
  ];
  /** Runs a command as a whole process; answers its wall time. */
  const run = async ([program, ...argv]: readonly [string, ...string[]]): Promise<number> => {
    const began = performance.now();
    const child = spawn(program, argv, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`${program} ${argv.join(' ')} ended with ${code}`);
    return performance.now() - began;
  };
  await run([PORTWARD, 'network', 'create', 'private']);
  const timed = commands.map(([command]) => ({ command, wall: [] as number[], waited: [] as number[] }));
  // The first round finds files and code that is not cached yet, and does not count.
  for (let round = 0; round <= rounds; round += 1) {
    if (round % 5 === 1) progress(`round ${round} of ${rounds}`);
    for (const [index, [, argv]] of commands.entries()) {
      proxy.takeWaited();
      const wall = await run(argv);
      if (round === 0) continue;
      timed[index]?.wall.push(wall);
      timed[index]?.waited.push(proxy.takeWaited());
    }
  }
  proxy.stop();
  const report = { load: (loadavg()[0] as number) / availableParallelism(), timed: timed as Timed[] };
  process.stdout.write(
    options.format === 'json'
      ? `${JSON.stringify({ ...report, goals: goalsOf(report) }, undefined, 2)}\n`
      : reportText(report),
  );
});
