/**
 * Resolves once everything that has arrived at the process has been heard: what takes long lets other requests have
 * their turn between its parts.
 */
export const otherRequestsTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
