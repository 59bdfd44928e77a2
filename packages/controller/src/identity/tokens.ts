import { randomBytes } from 'node:crypto';
import type { SigningKeys } from './signing-keys.ts';

/** What a token speaks for. */
export type Scope =
  | { readonly type: 'none' }
  | { readonly type: 'project'; readonly id: string }
  | { readonly type: 'domain'; readonly id: string }
  | { readonly type: 'system' };

/** What a token says, and its signature vouches for. */
export interface Claims {
  readonly userId: string;
  /** Generation of the user when the token was made; an older one than the user's own voids the token. */
  readonly generation: number;
  readonly scope: Scope;
  /** Roles granted in the scope; what they imply is added when the token is read. */
  readonly roleIds: readonly string[];
  /** How its owner proved who it is, e.g. `["token", "password"]`. */
  readonly methods: readonly string[];
  /** Its own audit id, and that of the token it was made from. */
  readonly auditIds: readonly string[];
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Application credential it was made with. */
  readonly credentialId?: string;
}

/** Longest text that can be a token of ours; more is not looked at. */
const LONGEST_TOKEN = 4096;
const VERSION = 1;

type Fields = [
  version: number,
  userId: string,
  generation: number,
  scopeType: string,
  scopeId: string,
  roleIds: string[],
  methods: string[],
  auditIds: string[],
  issuedAt: number,
  expiresAt: number,
  credentialId: string,
];

/** A random audit id: 22 URL-safe characters. */
export const newAuditId = (): string => randomBytes(16).toString('base64url');

/** The token's text: `key id.claims.signature`, URL-safe and some 400 characters long. */
export function encodeToken(claims: Claims, keys: SigningKeys): string {
  const fields: Fields = [
    VERSION,
    claims.userId,
    claims.generation,
    claims.scope.type,
    'id' in claims.scope ? claims.scope.id : '',
    [...claims.roleIds],
    [...claims.methods],
    [...claims.auditIds],
    claims.issuedAt,
    claims.expiresAt,
    claims.credentialId ?? '',
  ];
  const text = Buffer.from(JSON.stringify(fields)).toString('base64url');
  const { keyId, mac } = keys.sign(text);
  return `${keyId}.${text}.${mac}`;
}

/** The claims of a token that one of the keys signed, or undefined. Says nothing of its time or its user. */
export function decodeToken(token: string, keys: SigningKeys): Claims | undefined {
  if (token.length > LONGEST_TOKEN) return undefined;
  const [keyId, text, mac, ...rest] = token.split('.');
  if (keyId === undefined || text === undefined || mac === undefined || rest.length > 0) return undefined;
  if (!keys.verify(text, { keyId, mac })) return undefined;
  const fields = JSON.parse(Buffer.from(text, 'base64url').toString()) as Fields;
  if (fields[0] !== VERSION) return undefined;
  const [, userId, generation, scopeType, scopeId, roleIds, methods, auditIds, issuedAt, expiresAt, credentialId] =
    fields;
  return {
    userId,
    generation,
    scope: readScope(scopeType, scopeId),
    roleIds,
    methods,
    auditIds,
    issuedAt,
    expiresAt,
    ...(credentialId !== '' && { credentialId }),
  };
}

function readScope(type: string, id: string): Scope {
  if (type === 'project' || type === 'domain') return { type, id };
  return type === 'system' ? { type } : { type: 'none' };
}
