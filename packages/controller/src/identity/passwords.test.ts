import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHEAP } from './cloud-fixture.ts';
import { DEFAULT_COST, Passwords } from './passwords.ts';

test('a password is right or wrong, whatever costs were in force when it was hashed', async () => {
  const phc = await new Passwords({ memory: 16, passes: 2, parallelism: 2 }).hash('grüße');
  assert.match(phc, /^\$argon2id\$v=19\$m=16,t=2,p=2\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  const passwords = new Passwords(CHEAP);
  assert.equal(await passwords.verify('grüße', phc), true);
  assert.equal(await passwords.verify('grusse', phc), false);
  assert.equal(await passwords.verify('', phc), false);
});

test('two hashes of one password differ', async () => {
  const passwords = new Passwords(CHEAP);
  assert.notEqual(await passwords.hash('x'), await passwords.hash('x'));
});

test('nobody has no password, and costs a hash all the same', async () => {
  const passwords = new Passwords(DEFAULT_COST);
  await passwords.verify('warm up', null);
  const phc = await passwords.hash('x');
  const time = async (hash: string | null): Promise<number> => {
    const start = performance.now();
    assert.equal(await passwords.verify('wrong', hash), false);
    return performance.now() - start;
  };
  const least = async (hash: string | null): Promise<number> =>
    Math.min(await time(hash), await time(hash), await time(hash));
  const [known, unknown] = [await least(phc), await least(null)];
  assert.ok(unknown > known / 3, `unknown ${unknown} ms, known ${known} ms`);
});

test('a burst of hashes waits its turn, and all come out right', async () => {
  const passwords = new Passwords(CHEAP, 1);
  const hashes = await Promise.all(['a', 'b', 'c', 'd'].map((password) => passwords.hash(password)));
  const checks = await Promise.all(hashes.map((hash, index) => passwords.verify('abcd'.charAt(index), hash)));
  assert.deepEqual(checks, [true, true, true, true]);
});
