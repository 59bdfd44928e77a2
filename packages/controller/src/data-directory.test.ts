import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { takeDataDirectory } from './data-directory.ts';

test('a data directory has one controller at a time', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portward-data-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const first = takeDataDirectory(join(folder, 'data'));
  assert.throws(() => takeDataDirectory(join(folder, 'data')), /Another controller runs on .*data; stop it/);
  first.release();
  takeDataDirectory(join(folder, 'data')).release();
  writeFileSync(join(folder, 'file'), '');
  assert.throws(() => takeDataDirectory(join(folder, 'file')), /file/);
});
