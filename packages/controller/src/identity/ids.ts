import { createHash, randomUUID } from 'node:crypto';

/** A new id of a user, project or role: 32 hexadecimal digits. */
export const newId = (): string => randomUUID().replaceAll('-', '');

/** The id of something built in, the same in every installation. */
export const fixedId = (name: string): string =>
  createHash('sha256').update(`portward:${name}`).digest('hex').slice(0, 32);
