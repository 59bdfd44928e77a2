import { z } from 'zod';
import { badCompute } from './errors.ts';

/** A body as the schema reads it. Throws 400 with the first thing that is wrong; values are never part of the text. */
export function readBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const outcome = schema.safeParse(body ?? {}, { reportInput: true });
  if (outcome.success) return outcome.data;
  const issue = outcome.error.issues[0] as z.core.$ZodIssue;
  const path = issue.path.map(String);
  if (issue.code === 'invalid_type' && issue.input === undefined) {
    throw badCompute(
      `Invalid input for field/attribute ${path.at(-2) ?? 'body'}. '${path.at(-1) ?? 'body'}' is a required property`,
    );
  }
  throw badCompute(`Invalid input for field/attribute ${path.join('.') || 'body'}. ${issue.message}`);
}

/** A name: printable, and not blank at either end. */
export const nameText: z.ZodType<string> = z
  .string()
  .min(1)
  .max(255)
  .refine((value) => value.trim() === value && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value), 'not a printable name');

const metadataText = z.string().max(255);

/** Most items of metadata that a server has. */
export const MOST_METADATA = 128;

/** A server's metadata. */
export const metadataOf: z.ZodType<Record<string, string>> = z
  .record(z.string().min(1).max(255), metadataText)
  .refine((value) => Object.keys(value).length <= MOST_METADATA, `more than ${MOST_METADATA} items`);

/** One item of metadata, in an object of its own. */
export const metadataItem: z.ZodType<string> = metadataText;

/** Most tags of a server, and the longest. */
export const MOST_TAGS = 50;
export const tagText: z.ZodType<string> = z
  .string()
  .min(1)
  .max(60)
  .regex(/^[^,/]*$/, 'must not contain , or /');
