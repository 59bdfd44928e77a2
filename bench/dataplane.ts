/** npm run bench -- dataplane: what a forwarding costs a packet. See README.md beside this file. */
import { mkdtempSync } from 'node:fs';
import { withHost } from '../test/test-host.ts';
import { median } from './api/timing.ts';
import { buildRouters } from './dataplane/bench-host.ts';
import { compileLoad, Load } from './dataplane/load.ts';
import { firstFloatingAddress, target } from './dataplane/routers.ts';

const program = compileLoad(mkdtempSync('/tmp/pw-load-'));
await withHost(async (host) => {
  const routers = [0, 1, 1000].map((forwardings, index) => ({
    label: `r${forwardings}`,
    number: index + 1,
    protocol: 'tcp' as const,
    forwardings,
  }));
  const t = performance.now();
  const paths = await buildRouters(host, 'nftables', 'refuse', routers);
  process.stderr.write(`built ${performance.now() - t}\n`);
  const ns = paths[0]!.router;
  await host.run(['nft', '-f', '-'], {
    namespace: ns,
    input: `flush ruleset
   table ip one { chain prerouting { type nat hook prerouting priority dstnat; ip daddr ${firstFloatingAddress(1)} tcp dport 1024 dnat to ${target(0)}:8080; }; }`,
  });
  const dev = (await host.run(['ip', '-br', 'link'], { namespace: ns })).match(/qg-\S+?(?=@)/)![0];
  await host.ip([`addr add ${firstFloatingAddress(1)}/32 dev ${dev}`], ns);
  const load = await Load.start(
    host,
    program,
    1,
    paths.map((p) => ({ ...p, forwardings: p.forwardings || 1 })),
  );
  const rates: Record<string, number[]> = {};
  for (let round = 0; round < 9; round++) {
    for (const p of paths) {
      const s = await load.slice('tcp', p.label, 300);
      if (round < 2) process.stderr.write(`${p.label} ${JSON.stringify(s)}\n`);
      (rates[p.label] ??= []).push(s.done / s.cpu);
    }
  }
  for (const [label, r] of Object.entries(rates))
    console.log(label, median(r).toFixed(0), median(r.map((x, i) => x / rates.r0![i]!)).toFixed(3));
});
