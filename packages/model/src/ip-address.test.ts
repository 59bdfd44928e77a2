import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  cidrContains,
  cidrsOverlap,
  formatCidr,
  formatIp,
  ipVersion,
  normalizeIp,
  parseCidr,
  parseIp,
} from './ip-address.ts';

test('addresses go to numbers and back', () => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), (value) => parseIp(formatIp(value, 4)) === value));
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (value) => parseIp(formatIp(value, 6)) === value),
  );
  fc.assert(
    fc.property(fc.ipV6(), (text) => ipVersion(text) === 6 && normalizeIp(normalizeIp(text)) === normalizeIp(text)),
  );
});

test('IPv6 text is canonical', () => {
  const cases: [string, string][] = [
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::', '::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ];
  for (const [given, wanted] of cases) assert.equal(normalizeIp(given), wanted);
});

test('what is no address is refused', () => {
  for (const text of ['', '1.2.3', '256.1.1.1', '01.2.3.4', '::1%eth0', 'x', '1.2.3.4/8']) {
    assert.equal(ipVersion(text), undefined, text);
    assert.throws(() => parseIp(text), RangeError);
  }
  for (const text of ['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'x/8', '10.0.0.0/-1'])
    assert.equal(parseCidr(text), undefined, text);
});

test('networks: masked, containing, overlapping', () => {
  const parse = (text: string) => {
    const parsed = parseCidr(text);
    assert.ok(parsed);
    return parsed;
  };
  assert.equal(formatCidr(parse('10.1.0.5/24')), '10.1.0.0/24');
  assert.equal(formatCidr(parse('fd00::1/64')), 'fd00::/64');
  assert.ok(cidrContains('10.11.7.0/24', '10.11.7.4'));
  assert.ok(!cidrContains('10.11.7.0/24', '10.11.8.4'));
  assert.ok(!cidrContains('10.11.7.0/24', '::1'));
  assert.ok(cidrsOverlap(parse('10.0.0.0/8'), parse('10.200.0.0/16')));
  assert.ok(!cidrsOverlap(parse('10.0.0.0/24'), parse('10.0.1.0/24')));
  assert.ok(!cidrsOverlap(parse('0.0.0.0/0'), parse('::/0')));
});
