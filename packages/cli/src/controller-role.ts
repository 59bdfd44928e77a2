import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { startController } from '@portward/controller/controller.ts';
import type { Config } from '@portward/model/config.ts';
import { pino } from 'pino';
import { DEMO_NEEDS_USERS, UsageError } from './configuration.ts';
import { barredFolder, becomeUser, giveFolder, serviceUser } from './service-user.ts';
import { untilStopped } from './stopping.ts';

/** Flags of `portward controller`; they override the configuration file. */
export interface ControllerFlags {
  dataDir?: string;
  listen?: string;
  socket?: string;
  user?: string;
  demo?: boolean;
}

/** Runs a controller until it is told to stop; resolves with the exit code. */
export async function runController(file: Config, flags: ControllerFlags): Promise<number> {
  if (flags.demo && file.identity !== 'embedded') throw new UsageError(DEMO_NEEDS_USERS);
  const log = pino(
    { name: 'controller', level: process.env.PORTWARD_LOG_LEVEL ?? 'info' },
    pino.destination({ dest: 2, sync: true }),
  );
  const config: Config = {
    ...file,
    data_dir: flags.dataDir ?? file.data_dir,
    listen: flags.listen ?? file.listen,
    ...(flags.socket !== undefined && { socket: flags.socket }),
  };
  // The store's files, like the credentials, are for their owner's eyes only.
  process.umask(0o077);
  makeFolder(config.data_dir);
  if (process.getuid?.() === 0) {
    // Everything is loaded by now: the code may lie where only root can read it.
    const user = serviceUser(flags.user);
    const barred = barredFolder(config.data_dir, user);
    if (barred !== undefined) {
      log.warn(
        `runs as root: uid ${user.uid} may not pass through ${barred}; give --data-dir a folder that it can reach`,
      );
    } else if (giveFolder(config.data_dir, user)) {
      becomeUser(user);
    } else {
      log.warn(`runs as root: ${config.data_dir} holds other files; give --data-dir a folder of its own`);
    }
  }
  const adminPassword = process.env.PORTWARD_ADMIN_PASSWORD;
  delete process.env.PORTWARD_ADMIN_PASSWORD;
  const controller = await startController({ config, log, adminPassword, demo: flags.demo ?? false });
  log.info({ url: controller.url, socket: controller.socket, uid: process.getuid?.() }, 'listening');
  process.send?.({ ready: controller.url });
  const why = await untilStopped();
  log.info({ why }, 'stopping');
  await controller.stop();
  return 0;
}

/** Makes the data directory when it is missing; throws a sentence when that cannot be. */
function makeFolder(path: string): void {
  try {
    // Folder by folder: some file systems make a recursive call go on for ever.
    if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
    if (!statSync(path).isDirectory()) throw new Error('it is no folder');
  } catch (error) {
    throw new Error(
      `The data directory ${path} cannot be made (${(error as Error).message}); give --data-dir another.`,
    );
  }
}
