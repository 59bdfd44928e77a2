import { createHash, generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

/** A public key in the form of `authorized_keys`. */
export interface SshPublicKey {
  /** Type, base64 and comment, on one line. */
  readonly line: string;
  /** MD5 of the key, `aa:bb:…`: the form that Nova shows. */
  readonly fingerprint: string;
}

/** A new key pair. */
export interface SshKeyPair extends SshPublicKey {
  /** The private key, in OpenSSH's own format. */
  readonly privateKey: string;
}

const KEY_TYPE =
  /^(ssh-(rsa|dss|ed25519)|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)$/;
const ED25519 = 'ssh-ed25519';
const ED25519_BYTES = 32;
/** Shortest key that is one: an ed25519's type and 32 bytes, each with a length before it. */
const SHORTEST_KEY = 4 + ED25519.length + 4 + ED25519_BYTES;

/** Reads a public key of one line; undefined when it is none. */
export function readPublicKey(text: string): SshPublicKey | undefined {
  const line = text.trim();
  // The line goes into a file of authorised keys: one that holds a second line would authorise more than it shows.
  if (/[\p{Cc}\u2028\u2029]/u.test(line)) return undefined;
  const [type, base64] = line.split(/ +/);
  if (type === undefined || base64 === undefined || !KEY_TYPE.test(type)) return undefined;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const blob = Buffer.from(base64, 'base64');
  if (blob.length < SHORTEST_KEY || blob.readUInt32BE(0) !== type.length) return undefined;
  if (blob.subarray(4, 4 + type.length).toString('latin1') !== type) return undefined;
  return { line, fingerprint: fingerprintOf(blob) };
}

/** Makes an ed25519 key pair. */
export async function generateSshKey(comment: string): Promise<SshKeyPair> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ed25519');
  const point = fromBase64Url(publicKey.export({ format: 'jwk' }).x);
  const seed = fromBase64Url(privateKey.export({ format: 'jwk' }).d);
  const blob = Buffer.concat([sized(ED25519), sized(point)]);
  return {
    line: `${ED25519} ${blob.toString('base64')} ${comment}`,
    fingerprint: fingerprintOf(blob),
    privateKey: privateKeyFile(blob, point, seed, comment),
  };
}

const fromBase64Url = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');

const fingerprintOf = (blob: Buffer): string =>
  [...createHash('md5').update(blob).digest()].map((byte) => byte.toString(16).padStart(2, '0')).join(':');

/** A value with its length before it, as SSH's binary formats have them (RFC 4251, section 5). */
function sized(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const CIPHER_BLOCK = 8;

/** The file that ssh(1) reads: OpenSSH's "openssh-key-v1", unencrypted, with one key. */
function privateKeyFile(blob: Buffer, point: Buffer, seed: Buffer, comment: string): string {
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    sized(ED25519),
    sized(point),
    sized(Buffer.concat([seed, point])),
    sized(comment),
  ]);
  const missing = (CIPHER_BLOCK - (secret.length % CIPHER_BLOCK)) % CIPHER_BLOCK;
  const padding = Buffer.from(Array.from({ length: missing }, (_, index) => index + 1));
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    sized('none'),
    sized('none'),
    sized(''),
    uint32(1),
    sized(blob),
    sized(Buffer.concat([secret, padding])),
  ]);
  const lines = file.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}
