import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Item } from '../layout/item.ts';
import { iptablesRule, nftChain, nftElement } from '../layout/make-item.ts';
import { flowsOf } from './connections.ts';

const flows = (...items: Item[]) =>
  flowsOf(items.map((item) => ({ action: 'remove', item, scope: 'host:' }))).get('ns') ?? [];
const element = (port: number) => nftElement('ns', 'ip', 'forwardings', `10.0.0.1 . udp . ${port}`, '10.1.0.1 . 1');
const rule = (text: string) => iptablesRule('ns', 'nat', 'neutron-l3-agent-pf-1', text);

test('a few ports are looked at each, many as one address', () => {
  const ledTo = { address: '10.1.0.1', port: 1 };
  assert.deepEqual(flows(element(1), element(2)), [
    { address: '10.0.0.1', protocol: 17, port: 1, ledTo },
    { address: '10.0.0.1', protocol: 17, port: 2, ledTo },
  ]);
  assert.deepEqual(flows(...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(element)), [{ address: '10.0.0.1' }]);
  assert.deepEqual(flows(element(1), nftElement('ns', 'ip', 'floating-ips', '10.0.0.1', '10.1.0.1')), [
    { address: '10.0.0.1' },
  ]);
});

test('what was led elsewhere is what a change concerns; what nothing led, what something new does', () => {
  const flow = { address: '10.0.0.1', protocol: 17, port: 1 };
  const before = nftElement('ns', 'ip', 'forwardings', '10.0.0.1 . udp . 1', '10.1.0.2 . 7');
  const scope = 'host:';
  assert.deepEqual(flowsOf([{ action: 'change', item: element(1), before, scope }]).get('ns'), [
    { ...flow, ledTo: { address: '10.1.0.2', port: 7 } },
  ]);
  assert.deepEqual(flowsOf([{ action: 'add', item: element(1), scope }]).get('ns'), [
    { ...flow, ledTo: { address: '10.0.0.1', port: 1 } },
  ]);
  const moved = [
    {
      action: 'remove',
      item: rule('-d 10.0.0.1/32 -p udp -m udp --dport 1 -j DNAT --to-destination 10.1.0.2:7'),
      scope,
    },
    { action: 'add', item: rule('-d 10.0.0.1/32 -p udp -m udp --dport 1 -j DNAT --to-destination 10.1.0.1:1'), scope },
  ] as const;
  assert.deepEqual(flowsOf(moved).get('ns'), [
    { ...flow, ledTo: { address: '10.1.0.2', port: 7 } },
    { ...flow, ledTo: { address: '10.0.0.1', port: 1 } },
  ]);
});

test('rules of iptables concern the same connections', () => {
  const to = '-j DNAT --to-destination 10.1.0.1:22';
  assert.deepEqual(flows(rule(`-d 10.0.0.1/32 -p tcp -m tcp --dport 2222 ${to}`)), [
    { address: '10.0.0.1', protocol: 6, port: 2222, ledTo: { address: '10.1.0.1', port: 22 } },
  ]);
  assert.deepEqual(flows(rule(`-d 10.0.0.1/32 -p tcp -m tcp --dport 1:65535 ${to}`)), [{ address: '10.0.0.1' }]);
  assert.deepEqual(flows(rule('-d 10.0.0.1/32 -j DNAT --to-destination 10.1.0.1')), [{ address: '10.0.0.1' }]);
  assert.deepEqual(flows(rule('-s 10.1.0.1/32 -j SNAT --to-source 10.0.0.1 --random-fully')), []);
});

test('what decides the way out of a router concerns all of its connections', () => {
  const chain = (namespace: string) => nftChain(namespace, 'ip', 'postrouting', []);
  assert.deepEqual(flows(element(1), chain('ns')), [{}]);
  assert.deepEqual(flows(element(1), chain('other')), [
    { address: '10.0.0.1', protocol: 17, port: 1, ledTo: { address: '10.1.0.1', port: 1 } },
  ]);
  const gateway = '-o qg-1 -j SNAT --to-source 10.0.0.9 --random-fully';
  assert.deepEqual(flows(iptablesRule('ns', 'nat', 'neutron-l3-agent-snat', gateway)), [{}]);
});

test('very many addresses are looked at as one namespace', () => {
  const floatingIps = Array.from({ length: 40 }, (_, last) =>
    nftElement('ns', 'ip', 'floating-ips', `10.0.0.${last}`, '10.1.0.1'),
  );
  assert.equal(flows(...floatingIps.slice(0, 30)).length, 30);
  assert.deepEqual(flows(...floatingIps), [{}]);
});
