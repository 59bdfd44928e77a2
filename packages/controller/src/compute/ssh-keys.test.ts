import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateSshKey, readPublicKey } from './ssh-keys.ts';

/** Of OpenSSH's client, which a machine may lack. */
const SSH_KEYGEN = 'ssh-keygen';

const RSA_LINE = (() => {
  const { n = '', e = '' } = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  const sized = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const blob = [
    Buffer.from('ssh-rsa'),
    Buffer.from(e, 'base64url'),
    Buffer.concat([Buffer.of(0), Buffer.from(n, 'base64url')]),
  ];
  return `ssh-rsa ${Buffer.concat(blob.map(sized)).toString('base64')} me@host`;
})();

test('a new key is one that it reads itself', async () => {
  const key = await generateSshKey('comment');
  assert.match(key.line, /^ssh-ed25519 [A-Za-z0-9+/]+={0,2} comment$/);
  assert.deepEqual(readPublicKey(key.line), { line: key.line, fingerprint: key.fingerprint });
  assert.match(key.fingerprint, /^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
  assert.notEqual((await generateSshKey('comment')).line, key.line);
});

test('ssh-keygen reads the private key, and sees the same public key and fingerprint', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portward-keys-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const run = (...options: string[]) => execFileSync(SSH_KEYGEN, options, { encoding: 'utf8' });
  const key = await generateSshKey('comment');
  const file = join(folder, 'key');
  writeFileSync(file, key.privateKey, { mode: 0o600 });
  try {
    assert.equal(run('-y', '-P', '', '-f', file).trim(), key.line);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return t.skip('no ssh-keygen here');
    throw error;
  }
  writeFileSync(`${file}.pub`, `${key.line}\n${RSA_LINE}\n`);
  const listed = run('-l', '-E', 'md5', '-f', `${file}.pub`);
  assert.ok(listed.includes(`MD5:${key.fingerprint} `));
  assert.ok(listed.includes(`MD5:${readPublicKey(RSA_LINE)?.fingerprint} `));
});

test('what is no public key, or more than one, is refused', () => {
  assert.ok(readPublicKey(` ${RSA_LINE}\n`));
  const [type, base64] = RSA_LINE.split(' ') as [string, string];
  for (const text of [
    '',
    'ssh-rsa',
    'ssh-rsa x',
    `ssh-ed25519 ${base64}`,
    `ssh-foo ${base64}`,
    `${type} ${base64.slice(0, 12)}`,
    `${type} ${base64}!`,
    `command="x" ${RSA_LINE}`,
    `${RSA_LINE}\n${RSA_LINE}`,
    `${RSA_LINE}\r${RSA_LINE}`,
    `${type} ${'A'.repeat(80)}`,
  ]) {
    assert.equal(readPublicKey(text), undefined, text);
  }
});
