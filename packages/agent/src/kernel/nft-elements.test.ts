import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TestHost, withHost } from '@portward/test/test-host.ts';
import { isPlainElement, type NftElement } from './nft-elements.ts';

const RULESET = `
table ip portward {
  map forwardings { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
  map floating-ips { type ipv4_addr : ipv4_addr; }
  set silent { type ipv4_addr; }
}
`;

const forwarding = (port: number, target = '192.168.2.79 . 22', protocol = 'tcp'): NftElement => ({
  set: 'forwardings',
  element: `10.11.7.4 . ${protocol} . ${port}`,
  data: target,
});

/** Deletes and adds elements; gives the name of the error that the kernel answered with, or nothing. */
const change = (host: TestHost, gone: readonly NftElement[], wanted: readonly NftElement[]): Promise<string | null> =>
  host.evaluate(
    `const { NftElements } = await import(input.module);
    const elements = new NftElements('');
    try {
      await elements.change('portward', input.gone, input.wanted);
    } catch (error) {
      return error.message;
    } finally {
      elements.close();
    }`,
    { module: import.meta.resolve('./nft-elements.ts'), gone, wanted },
  );

/** What nft lists of a set, so that what was written is read by somebody else. */
async function listed(host: TestHost, set: string): Promise<string[]> {
  const text = await host.run(['nft', '-n', 'list', 'map', 'ip', 'portward', set]).catch(() => '');
  const elements = /elements = \{([^}]*)\}/.exec(
    text || (await host.run(['nft', 'list', 'set', 'ip', 'portward', set])),
  );
  return (elements?.[1] ?? '')
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '')
    .sort();
}

test('elements go and come in the kernel as nft writes them, all of a change or nothing', async () => {
  await withHost(async (host) => {
    await host.run(['nft', '-f', '-'], { input: RULESET });
    const made = [
      forwarding(2222),
      forwarding(53, '192.168.2.80 . 5353', 'udp'),
      forwarding(9, '192.168.2.81 . 9', 'sctp'),
      { set: 'floating-ips', element: '10.11.7.5', data: '192.168.2.82' },
      { set: 'silent', element: '10.11.7.6', data: null },
    ];
    assert.equal(await change(host, [], made), null);
    const [ssh, dns, sctp] = [
      '10.11.7.4 . 6 . 2222 : 192.168.2.79 . 22',
      '10.11.7.4 . 17 . 53 : 192.168.2.80 . 5353',
      '10.11.7.4 . 132 . 9 : 192.168.2.81 . 9',
    ];
    assert.deepEqual(await listed(host, 'forwardings'), [sctp, dns, ssh]);
    assert.deepEqual(await listed(host, 'floating-ips'), ['10.11.7.5 : 192.168.2.82']);
    assert.deepEqual(await listed(host, 'silent'), ['10.11.7.6']);
    // To another VM, in one step.
    assert.equal(await change(host, [forwarding(2222)], [forwarding(2222, '192.168.2.80 . 22')]), null);
    const moved = '10.11.7.4 . 6 . 2222 : 192.168.2.80 . 22';
    assert.deepEqual(await listed(host, 'forwardings'), [sctp, dns, moved]);
    // What is there already is no error; with another target it is, and nothing of the change remains.
    assert.equal(await change(host, [], [forwarding(2222, '192.168.2.80 . 22')]), null);
    assert.match((await change(host, [], [forwarding(80), forwarding(2222)])) ?? '', /File exists/);
    assert.match((await change(host, [forwarding(53, '', 'udp'), forwarding(7)], [])) ?? '', /No such file/);
    assert.match((await change(host, [], [{ ...forwarding(80), set: 'none' }])) ?? '', /No such file/);
    assert.deepEqual(await listed(host, 'forwardings'), [sctp, dns, moved]);
    // More than one message, and more than one transaction, has room for.
    for (const [name, count] of [
      ['wanted', 5003],
      ['gone', 3],
    ] as const) {
      await host.evaluate(
        `const { NftElements } = await import(input.module);
        const elements = new NftElements('');
        const many = Array.from({ length: 5000 }, (_, index) => (
          { ...input.sample, element: '10.11.7.4 . tcp . ' + (10000 + index) }
        ));
        await elements.change('portward', input.name === 'gone' ? many : [], input.name === 'gone' ? [] : many);
        elements.close();`,
        { module: import.meta.resolve('./nft-elements.ts'), sample: forwarding(0), name },
      );
      assert.equal((await listed(host, 'forwardings')).length, count);
    }
    assert.deepEqual(await listed(host, 'forwardings'), [sctp, dns, moved]);
  });
});

test('what is none of addresses, protocols and ports is left to nft', () => {
  assert.ok(isPlainElement(forwarding(22)));
  assert.ok(isPlainElement({ set: 'silent', element: '10.0.0.1', data: null }));
  for (const element of ['"tap1"', '10.0.0.0/8', 'fd00::1', '10.0.0.1 . 33 . 22', '10.0.0.1-10.0.0.9']) {
    assert.ok(!isPlainElement({ set: 's', element, data: null }), element);
  }
  assert.ok(!isPlainElement({ set: 's', element: '10.0.0.1', data: 'accept' }));
});
