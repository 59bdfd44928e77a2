import { authSettings } from './client/auth.ts';
import { cloudNames } from './client/cloud-names.ts';
import { completions } from './client/complete.ts';
import { takeGlobalOptions } from './client/global-options.ts';
import { Session } from './client/session.ts';
import { completionScript } from './completion-script.ts';

/** Nobody waits longer for a completion. */
const PATIENCE_MS = 2000;

/**
 * `portward complete bash|zsh|fish` prints a script for that shell; `portward __complete WORD…` is what the scripts
 * call: it prints what the last word can become, one candidate a line, never an error, within two seconds.
 */
export async function runComplete([word, ...words]: readonly string[]): Promise<number> {
  if (word === 'complete') {
    const script = words.length === 1 ? completionScript(words[0] ?? '') : undefined;
    if (script === undefined) {
      process.stderr.write('usage: portward complete bash|zsh|fish\n');
      return 2;
    }
    process.stdout.write(script);
    return 0;
  }
  const connect = async (): Promise<Session> => {
    // The cloud is the one that the command will be sent to.
    const { auth, insecure } = takeGlobalOptions(words.slice(0, -1));
    return Session.connect(await authSettings({ options: auth, insecure, env: process.env, cwd: process.cwd() }));
  };
  const late = setTimeout(() => process.exit(0), PATIENCE_MS);
  const found = await completions(words, cloudNames(connect)).catch((): readonly string[] => []);
  clearTimeout(late);
  process.stdout.write(found.map((candidate) => `${candidate}\n`).join(''));
  return 0;
}
