import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseConfig } from './config.ts';
import { configurationDocument } from './configuration-document.ts';

test('docs/configuration.md is what the definition says (npm run docs)', () => {
  const path = new URL('../../../docs/configuration.md', import.meta.url);
  assert.equal(readFileSync(path, 'utf8'), configurationDocument());
});

test('a wrong key is named, with where it stands', () => {
  assert.throws(() => parseConfig({ agent: { nat_backend: 'ipfw' } }), /agent\.nat_backend/);
  assert.throws(() => parseConfig({ listen: 'x' }), /listen/);
  assert.throws(() => parseConfig({ agent: { bridge_mappings: ['public'] } }), /public:br-ex/);
  assert.throws(() => parseConfig({ identity: 'ldap' }), /identity: expected embedded, or keystone/);
  const keystone = { url: 'http://127.0.0.1:5000/v3', credentials: 'keystone.yaml' };
  for (const [wrong, key] of [
    [{ keystone: { ...keystone, url: 'http://user:secret@host' } }, /identity\.keystone\.url/],
    [{ keystone: { ...keystone, cache_seconds: -1 } }, /identity\.keystone\.cache_seconds/],
    [{ keystone: { url: keystone.url } }, /identity\.keystone\.credentials/],
    [{ keystone: { ...keystone, password: 'secret' } }, /identity\.keystone: .*"password"/],
  ] as const) {
    assert.throws(
      () => parseConfig({ identity: wrong }),
      (error: Error) => key.test(error.message) && !error.message.includes('secret'),
    );
  }
  assert.equal(parseConfig({}).identity, 'embedded');
  assert.deepEqual(parseConfig({ identity: { keystone } }).identity, {
    keystone: { ...keystone, admin_role: 'admin', cache_seconds: 60, timeout_seconds: 5 },
  });
});
