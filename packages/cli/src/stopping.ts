/**
 * Resolves when the process is told to stop: by SIGINT or SIGTERM, or because the program that started it with a
 * message channel (`portward up`) is gone. The channel is closed then: an open one would keep the process alive.
 */
export function untilStopped(): Promise<string> {
  return new Promise((resolve) => {
    const stop = (why: string): void => {
      if (process.connected) process.disconnect?.();
      resolve(why);
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(signal));
    if (process.send !== undefined) process.once('disconnect', () => resolve('parent gone'));
  });
}
