import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { delimiter, join } from 'node:path';
import type { NatBackend } from '@portward/model/feed.ts';
import { inScratchNetns } from './netns.ts';
import { libnftables, Nftables } from './nftables.ts';
import { deviceIndex } from './rtnetlink.ts';
import { COMMAND_PATH, missingCommand, run } from './run.ts';

export interface Requirements {
  /** Bridges of the operator's that must be there. */
  bridges: readonly string[];
  natBackend: NatBackend;
  /** Further commands that are going to be needed. */
  commands?: readonly string[];
}

/** linux/capability.h */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 } as const;
const BRIDGE_FILTER = '/proc/sys/net/bridge/bridge-nf-call-iptables';

/** First version whose postrouting hook tells rules of nftables where a packet came in; no trial of rules shows it. */
const OLDEST_LINUX = [5, 5] as const;

/** What the rules need of the kernel, as small as it goes. */
const TRIAL = `
add table ip portward-trial
add map ip portward-trial m { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
add chain ip portward-trial c { type nat hook prerouting priority -100; policy accept; }
add rule ip portward-trial c dnat ip to ip daddr . meta l4proto . th dport map @m
add table inet portward-trial
add map inet portward-trial z { typeof meta mark : ct zone; }
add chain inet portward-trial c { type filter hook prerouting priority -300; policy accept; }
add rule inet portward-trial c ct zone set meta mark map @z
add table bridge portward-trial
add chain bridge portward-trial c { type filter hook prerouting priority -310; policy accept; }
add rule bridge portward-trial c meta mark set 1
`;

/** One thing that the agent needs of its host. */
export interface HostCheck {
  readonly name: string;
  /** Whether only root can find out. */
  readonly asRoot: boolean;
  /** Throws an Error with one sentence that names what is missing and how to mend it; else says what was found. */
  run(): Promise<string> | string;
  /** More of what was found, which takes longer. */
  detail?(): Promise<string>;
  /** Mends by itself what it can, before the check; only where the agent is about to start. */
  prepare?(): Promise<void>;
}

/** Everything that the agent needs of this host, what is most basic first. Finding out changes nothing. */
export function hostChecks({ bridges, natBackend, commands = [] }: Requirements): HostCheck[] {
  const needed = [
    'ip',
    'nsenter',
    ...(natBackend === 'iptables' ? ['iptables-save', 'iptables-restore'] : []),
    ...commands,
  ];
  return [
    { name: 'privileges', asRoot: false, run: checkPrivileges },
    ...needed.map((command) => ({
      name: command,
      asRoot: false,
      run: () => checkCommand(command),
      detail: () => versionOf(command),
    })),
    { name: 'libnftables', asRoot: false, run: checkLibrary },
    { name: 'Linux', asRoot: false, run: () => checkLinux(natBackend) },
    { name: 'nf_tables', asRoot: true, run: checkNftables },
    ...DEVICES.map(([name, what, line]) => ({ name, asRoot: true, run: () => checkDevice(what, line) })),
    { name: 'bridge netfilter', asRoot: false, run: checkBridgeFilter, prepare: loadBridgeFilter },
    ...bridges.map((bridge) => ({ name: `bridge ${bridge}`, asRoot: false, run: () => checkBridge(bridge) })),
  ];
}

/**
 * Checks that this host can do what the agent needs, and changes nothing but to load a kernel module. Throws an Error
 * with one sentence that names the first thing missing and how to mend it.
 */
export async function checkHost(requirements: Requirements): Promise<void> {
  for (const check of hostChecks(requirements)) {
    await check.prepare?.();
    await check.run();
  }
}

/** Devices that the agent makes, with what makes one for a trial. */
const DEVICES = [
  ['bridges', 'bridges (module bridge)', 'link add pwtrial type bridge'],
  ['veth pairs', 'veth pairs (module veth)', 'link add pwtrial type veth peer name pwtrial2'],
] as const;

function checkLinux(natBackend: NatBackend): string {
  if (natBackend === 'nftables' && isOlderLinux(release())) {
    throw new Error(
      `This kernel is Linux ${release()}, and the rules need ${OLDEST_LINUX.join('.')}; install a newer one, or set nat_backend to iptables`,
    );
  }
  return release();
}

function checkCommand(command: string): string {
  const path = pathOf(command);
  if (path === undefined) throw new Error(missingCommand(command));
  return path;
}

/** What a command says of its version: the first line, without what follows in a column of its own. */
async function versionOf(command: string): Promise<string> {
  const [line = ''] = (await run([command, command === 'ip' ? '-V' : '--version'])).split(/\n| {2}/);
  return line;
}

function checkLibrary(): string {
  libnftables();
  return 'installed';
}

function checkBridge(bridge: string): string {
  if (!/^[\w.@+-]{1,15}$/.test(bridge)) throw new Error(`'${bridge}' cannot be the name of a bridge`);
  if (deviceIndex('', bridge) === undefined) {
    throw new Error(
      `The bridge '${bridge}' of the bridge mapping is not there; make it, for example with 'ip link add ${bridge} type bridge'`,
    );
  }
  return 'there';
}

/** Whether a kernel's release (uname -r) is too old for the NAT back end nftables. */
export function isOlderLinux(release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  const [oldestMajor, oldestMinor] = OLDEST_LINUX;
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}

function checkPrivileges(): string {
  const effective = BigInt(
    `0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`,
  );
  for (const [name, bit] of Object.entries(CAPABILITIES)) {
    if ((effective & (1n << BigInt(bit))) === 0n) {
      throw new Error(`The agent lacks the privilege ${name}; start it as root`);
    }
  }
  return Object.keys(CAPABILITIES).join(', ');
}

function pathOf(command: string): string | undefined {
  return COMMAND_PATH.split(delimiter)
    .map((directory) => join(directory, command))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Tried in a namespace that is gone afterwards. */
async function checkNftables(): Promise<string> {
  const nftables = inScratchNetns(() => new Nftables(''));
  try {
    await nftables.run(TRIAL);
    return 'NAT, maps and bridge tables work';
  } catch (error) {
    throw new Error(
      `This kernel cannot do what the rules need (nf_tables with NAT, maps and bridge tables): ${(error as Error).message}`,
    );
  } finally {
    nftables.close();
  }
}

async function checkDevice(what: string, line: string): Promise<string> {
  try {
    await run(['unshare', '--net', 'ip', '-batch', '-'], { input: `${line}\n` });
    return 'can be made';
  } catch {
    throw new Error(`This kernel has no ${what}; load the module or install a kernel that has it`);
  }
}

async function loadBridgeFilter(): Promise<void> {
  // The check says what is wrong whether modprobe is missing or the module.
  if (!existsSync(BRIDGE_FILTER)) await run(['modprobe', 'br_netfilter']).catch(() => undefined);
}

function checkBridgeFilter(): string {
  if (existsSync(BRIDGE_FILTER)) return 'there';
  throw new Error(
    'This kernel has no bridge netfilter (net.bridge.bridge-nf-call-iptables), without which security groups cannot hold; load the module br_netfilter',
  );
}
