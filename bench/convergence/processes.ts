import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConvergenceCloud } from './cloud.ts';
import { LineProcess } from './lines.ts';

const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'];

const file = (name: string): string => fileURLToPath(new URL(`./${name}.ts`, import.meta.url));

let floors = 0;

/** Starts the client's process, and the one in the router's namespace that makes the floor's edits for it. */
export async function startProber(cloud: ConvergenceCloud): Promise<LineProcess> {
  floors += 1;
  const socket = join(cloud.host.directory, `floor-${floors}.sock`);
  const { host, namespace } = cloud;
  await LineProcess.over(host.spawn([...NODE, file('floor'), socket], { namespace }), 'the floor');
  const argv = [...NODE, file('prober'), cloud.socket, cloud.token, socket];
  return LineProcess.over(host.spawn(argv, { namespace: 'client' }), 'the prober');
}

/** Starts what answers in the VM. */
export async function startEcho(cloud: ConvergenceCloud, address: string, ports: readonly number[]): Promise<void> {
  const argv = [...NODE, file('echo'), address, ...ports.map(String)];
  await LineProcess.over(cloud.host.spawn(argv, { namespace: 'vm' }), 'the VM');
}
