import { runClient } from '@portward/cli/client/run.ts';
import type { ApiCloud, CloudName } from './api-cloud.ts';

/** Carries out one command of ours in this process; answers all that it printed, errors too, and its exit code. */
export async function portward(
  cloud: ApiCloud,
  name: CloudName,
  words: readonly string[],
): Promise<{ code: number; said: string }> {
  let said = '';
  const sink = { write: (text: string) => (said += text) };
  const code = await runClient(words, {
    stdout: sink,
    stderr: sink,
    env: { ...cloud.environment(name), HOME: cloud.directory },
    isTTY: false,
    columns: 0,
    cwd: cloud.directory,
  });
  return { code, said };
}
