import { z } from 'zod';
import { malformed } from './errors.ts';

type RawIssue = {
  code?: string;
  input?: unknown;
  message?: string;
  expected?: unknown;
  maximum?: unknown;
  path?: PropertyKey[];
};

/** Values are never part of the text: they may be secrets. */
function describe(issue: RawIssue): string {
  // Keystone names fields from within the object that wraps them: `name`, not `user/name`.
  const whole = (issue.path ?? []).map(String);
  const path = whole.length > 1 ? whole.slice(1) : whole;
  if (issue.input === undefined && issue.code === 'invalid_type') {
    const within = path.slice(0, -1).join('/');
    const missing = `'${path.at(-1) ?? 'body'}' is a required property`;
    return within === '' ? missing : `Invalid input for field '${within}': ${missing}`;
  }
  const reason =
    issue.code === 'invalid_type'
      ? `not of type '${String(issue.expected)}'`
      : issue.code === 'too_small'
        ? 'too short'
        : issue.code === 'too_big'
          ? `longer than ${String(issue.maximum)}`
          : (issue.message ?? 'not valid');
  return `Invalid input for field '${path.join('/') || 'body'}': ${reason}`;
}

/** A body as the schema reads it. Throws Keystone's 400 with the first thing that is wrong. */
export function readBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const outcome = schema.safeParse(body ?? {}, { reportInput: true });
  if (outcome.success) return outcome.data;
  throw malformed(describe(outcome.error.issues[0] as RawIssue));
}

/** As `readBody`, for a change: throws 400 of one that names nothing to change, too. */
export function readChange<T extends object>(schema: z.ZodType<T>, body: unknown): T {
  const change = readBody(schema, body);
  for (const key of Object.keys(change)) {
    const given = (body as Record<string, unknown>)[key];
    if (typeof given === 'object' && given !== null && Object.keys(given).length === 0) {
      throw malformed('{} does not have enough properties');
    }
  }
  return change;
}

/** Throws 400 of an attribute that stays as it was made, unless it is given as it is. `what`: Keystone's name of it. */
export function requireSame(given: string | null | undefined, current: string | null, what: string): void {
  if (given !== undefined && given !== current) throw malformed(`Cannot change ${what}`);
}

/** A name of a project, user, role or domain: Keystone allows 64 characters, 255 of users. */
export const nameOf = (max: number): z.ZodType<string> =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => value.trim() !== '', 'must not be blank');

/** Longest password that is taken; bounds the work of a hash. */
export const LONGEST_PASSWORD = 4096;

export const passwordText: z.ZodType<string> = z.string().min(1).max(LONGEST_PASSWORD);

/** Free text. */
export const descriptionText: z.ZodType<string> = z.string().max(65_535);

/** An id or a reference to one, as text. */
export const idText: z.ZodType<string> = z.string().min(1).max(64);

/**
 * Resource options: none are offered, and to pretend otherwise would leave, say, an immutable project unprotected. To
 * say that one shall be off is harmless, and Horizon says so of every user's `lock_password`.
 */
export const noOptions: z.ZodType<Record<string, unknown>> = z
  .record(z.string(), z.unknown())
  .refine(
    (value) => Object.values(value).every((item) => item === null || item === false),
    'resource options are not supported',
  );

/** A query parameter as text; of several the last counts. */
export function queryText(query: unknown, name: string): string | undefined {
  if (typeof query !== 'object' || query === null || !Object.hasOwn(query, name)) return undefined;
  const value: unknown = (query as Record<string, unknown>)[name];
  const last: unknown = Array.isArray(value) ? value.at(-1) : value;
  return typeof last === 'string' ? last : undefined;
}

/** A flag of the query: present, and not 0 or false. */
export function queryFlag(query: unknown, name: string): boolean | undefined {
  const value = queryText(query, name)?.toLowerCase();
  return value === undefined ? undefined : value !== '0' && value !== 'false';
}
