import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { firewallItems } from './firewall.ts';
import type { Item } from './item.ts';
import { forwardingNat, routerNat } from './nat.ts';

const PAGE = readFileSync(new URL('../../../../docs/packet-walk.md', import.meta.url), 'utf8');

/** Rows of the page's tables of hooks whose chain is in one of the tables: `hook priority chain`. */
const rows = (tables: string): string[] =>
  [...PAGE.matchAll(/^\| (?:bridge )?([a-z]+) \| (-?\d+) \| `(\w+) (\w+)(?: (\w+))?` \|/gm)]
    .filter(([, , , table]) => tables.split(' ').includes(table ?? ''))
    .map(([, hook, priority, ...chain]) => `${hook} ${priority} ${chain.filter(Boolean).join(' ')}`)
    .sort();

const baseChains = (items: readonly Item[]): string[] =>
  items
    .flatMap((item) =>
      item.type === 'nft-chain' && item.hook !== null
        ? [`${item.hook.hook} ${item.hook.priority} ${item.family} portward ${item.name}`]
        : [],
    )
    .sort();

const GATEWAY = { device: 'qg-1', address: '10.11.7.3', enableSnat: true, misses: 'refuse' as const };

test('the walk of a packet names each chain that is hooked, with its place', () => {
  assert.deepEqual(rows('ip'), baseChains(routerNat('nftables', 'ns', GATEWAY)));
  assert.deepEqual(rows('inet bridge'), baseChains(firewallItems()));
});

test('the walk of a packet names the chains of iptables', () => {
  const items = [
    ...routerNat('iptables', 'ns', GATEWAY),
    ...forwardingNat('iptables', 'ns', {
      id: '0011665d-0000-4000-8000-000000000000',
      protocol: 'tcp',
      externalAddress: '10.11.7.4',
      externalFirst: 2222,
      externalLast: 2222,
      internalAddress: '192.168.2.79',
      internalFirst: 22,
      internalLast: 22,
    }),
  ];
  const builtIn = new Set<string>();
  for (const item of items) {
    if (item.type === 'iptables-rule' && /^[A-Z]+$/.test(item.chain)) builtIn.add(`${item.table} ${item.chain}`);
  }
  assert.deepEqual(
    rows('nat mangle')
      .map((row) => row.replace(/^\w+ -?\d+ /, ''))
      .sort(),
    [...builtIn].sort(),
  );
  for (const item of items) {
    if (item.type !== 'iptables-chain') continue;
    const name = item.chain.replace('0011665d', "<8 characters of the forwarding's id>");
    assert.ok(PAGE.includes(`\`${name}\``), name);
  }
});
