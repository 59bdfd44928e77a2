import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TestHost, withHost } from '@portward/test/test-host.ts';

interface Entry {
  readonly protocol: 'tcp' | 'udp';
  readonly client: number;
  /** Port of 10.11.7.4 that the client spoke to. */
  readonly port: number;
  /** Where it was led. */
  readonly target: string;
  readonly targetPort: number;
}

/** Enters a connection as the kernel would follow it. */
const enter = (host: TestHost, { protocol, client, port, target, targetPort }: Entry): Promise<string> =>
  host.run([
    ...['conntrack', '-I', '-p', protocol, '-s', '10.11.7.100', '-d', '10.11.7.4', '--sport', String(client)],
    ...['--dport', String(port), '-r', target, '-q', '10.11.7.100', '--reply-port-src', String(targetPort)],
    ...['--reply-port-dst', String(client), '--timeout', '100'],
    ...(protocol === 'tcp' ? ['--state', 'ESTABLISHED'] : []),
  ]);

/** The clients' ports of the connections that are left. */
const left = async (host: TestHost): Promise<number[]> =>
  [...(await host.run(['conntrack', '-L'])).matchAll(/src=10\.11\.7\.100 dst=10\.11\.7\.4 sport=(\d+)/g)]
    .map(([, port]) => Number(port))
    .sort();

test('of the connections to a place only those go that were led to the other one', async () => {
  await withHost(async (host) => {
    const vm1 = { target: '192.168.2.79', targetPort: 22 };
    const entries: Entry[] = [
      { protocol: 'tcp', client: 1001, port: 2222, ...vm1 },
      { protocol: 'tcp', client: 1002, port: 2222, ...vm1 },
      // To another VM, to another port of it, by way of another port, of another protocol, untranslated.
      { protocol: 'tcp', client: 1003, port: 2222, target: '192.168.2.80', targetPort: 22 },
      { protocol: 'tcp', client: 1004, port: 2222, target: '192.168.2.79', targetPort: 23 },
      { protocol: 'tcp', client: 1005, port: 2223, ...vm1 },
      { protocol: 'udp', client: 1006, port: 2222, ...vm1 },
      { protocol: 'tcp', client: 1007, port: 2222, target: '10.11.7.4', targetPort: 2222 },
    ];
    for (const entry of entries) await enter(host, entry);
    assert.deepEqual(await left(host), [1001, 1002, 1003, 1004, 1005, 1006, 1007]);
    const deleteLed = (to: { address: string; port: number }) =>
      host.evaluate<boolean>(
        `const { Conntrack } = await import(input.module);
        const conntrack = new Conntrack('');
        const done = await conntrack.deleteLed(6, { address: '10.11.7.4', port: 2222 }, input.to);
        conntrack.close();
        return done;`,
        { module: import.meta.resolve('./conntrack.ts'), to },
      );
    // A kernel before 6.8 says that it cannot, and has done nothing.
    if (!(await deleteLed({ address: '192.168.2.79', port: 22 }))) return assert.equal((await left(host)).length, 7);
    assert.deepEqual(await left(host), [1003, 1004, 1005, 1006, 1007]);
    await deleteLed({ address: '10.11.7.4', port: 2222 });
    assert.deepEqual(await left(host), [1003, 1004, 1005, 1006]);
  });
});
