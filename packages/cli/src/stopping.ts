/**
 * Resolves when the process is told to stop: by SIGINT or SIGTERM, or because the program that started it with a
 * message channel (`portward up`) is gone.
 */
export function untilStopped(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
    if (process.send !== undefined) process.once('disconnect', () => resolve('parent gone'));
  });
}
