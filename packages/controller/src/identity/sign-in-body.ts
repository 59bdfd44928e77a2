import { z } from 'zod';
import { expecting } from './errors.ts';
import { idText, LONGEST_PASSWORD, readBody } from './request-body.ts';

const domainReference = z.object({ id: idText.optional(), name: z.string().max(255).optional() });
const userReference = z.object({
  id: idText.optional(),
  name: z.string().max(255).optional(),
  domain: domainReference.optional(),
});
const password = z.object({ user: userReference.extend({ password: z.string().max(LONGEST_PASSWORD) }) });
const token = z.object({ id: z.string() });
const applicationCredential = z.object({
  id: idText.optional(),
  name: z.string().max(255).optional(),
  secret: z.string().max(LONGEST_PASSWORD),
  user: userReference.optional(),
});
const scope = z.object({
  project: z
    .object({ id: idText.optional(), name: z.string().max(255).optional(), domain: domainReference.optional() })
    .optional(),
  domain: domainReference.optional(),
  system: z.object({ all: z.literal(true) }).optional(),
  unscoped: z.unknown().optional(),
});
const signIn = z.object({
  auth: z.object({
    identity: z.object({
      methods: z.array(z.string().max(64)).max(8),
      password: password.optional(),
      token: token.optional(),
      application_credential: applicationCredential.optional(),
    }),
    scope: z.union([z.literal('unscoped'), scope], 'expected a scope').optional(),
  }),
});

export type SignInBody = z.output<typeof signIn>['auth'];
export type WantedScope = z.output<typeof scope>;
/** A domain by id or by name. */
export type DomainReference = { readonly id: string } | { readonly name: string };
/** A user or project by id, or by name within a domain. */
export type Reference = { readonly id: string } | { readonly name: string; readonly domain: DomainReference };

/** The body of `POST /v3/auth/tokens`. Throws the 400 of what is missing or makes no sense. */
export const readSignIn = (body: unknown): SignInBody => readBody(signIn, body).auth;

/** Throws 400 unless id or name is there. */
export function domainOf(given: z.output<typeof domainReference>, target: string): DomainReference {
  if (given.id !== undefined) return { id: given.id };
  if (given.name !== undefined) return { name: given.name };
  throw expecting('id or name', target);
}

/** Throws 400 unless there is an id, or a name and its domain. */
export function referenceOf(given: z.output<typeof userReference>, target: string): Reference {
  if (given.id !== undefined) return { id: given.id };
  if (given.name === undefined) throw expecting('id or name', target);
  if (given.domain === undefined) throw expecting('domain', target);
  return { name: given.name, domain: domainOf(given.domain, 'domain') };
}
