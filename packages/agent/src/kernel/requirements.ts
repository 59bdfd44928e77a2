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

/**
 * Checks that this host can do what the agent needs, and changes nothing. Throws an Error with one sentence that names
 * the first thing missing and how to mend it.
 */
export async function checkHost({ bridges, natBackend, commands = [] }: Requirements): Promise<void> {
  checkPrivileges();
  const needed = [
    'ip',
    'nsenter',
    ...(natBackend === 'iptables' ? ['iptables-save', 'iptables-restore'] : []),
    ...commands,
  ];
  for (const command of needed) if (!isInstalled(command)) throw new Error(missingCommand(command));
  libnftables();
  if (natBackend === 'nftables' && isOlderLinux(release())) {
    throw new Error(
      `This kernel is Linux ${release()}, and the rules need ${OLDEST_LINUX.join('.')}; install a newer one, or set nat_backend to iptables`,
    );
  }
  await checkKernel();
  await checkBridgeFilter();
  for (const bridge of bridges) {
    if (!/^[\w.@+-]{1,15}$/.test(bridge)) throw new Error(`'${bridge}' cannot be the name of a bridge`);
    if (deviceIndex('', bridge) === undefined) {
      throw new Error(
        `The bridge '${bridge}' of the bridge mapping is not there; make it, for example with 'ip link add ${bridge} type bridge'`,
      );
    }
  }
}

/** Whether a kernel's release (uname -r) is too old for the NAT back end nftables. */
export function isOlderLinux(release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  const [oldestMajor, oldestMinor] = OLDEST_LINUX;
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}

function checkPrivileges(): void {
  const effective = BigInt(
    `0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`,
  );
  for (const [name, bit] of Object.entries(CAPABILITIES)) {
    if ((effective & (1n << BigInt(bit))) === 0n) {
      throw new Error(`The agent lacks the privilege ${name}; start it as root`);
    }
  }
}

export function isInstalled(command: string): boolean {
  return COMMAND_PATH.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Tries in namespaces that are gone afterwards. */
async function checkKernel(): Promise<void> {
  const nftables = inScratchNetns(() => new Nftables(''));
  try {
    await nftables.run(TRIAL);
  } catch (error) {
    throw new Error(
      `This kernel cannot do what the rules need (nf_tables with NAT, maps and bridge tables): ${(error as Error).message}`,
    );
  } finally {
    nftables.close();
  }
  for (const [kind, line] of [
    ['bridges (module bridge)', 'link add pwtrial type bridge'],
    ['veth pairs (module veth)', 'link add pwtrial type veth peer name pwtrial2'],
  ] as const) {
    try {
      await run(['unshare', '--net', 'ip', '-batch', '-'], { input: `${line}\n` });
    } catch {
      throw new Error(`This kernel has no ${kind}; load the module or install a kernel that has it`);
    }
  }
}

async function checkBridgeFilter(): Promise<void> {
  if (existsSync(BRIDGE_FILTER)) return;
  try {
    await run(['modprobe', 'br_netfilter']);
  } catch {
    // The sentence below says what is wrong whether modprobe is missing or the module.
  }
  if (!existsSync(BRIDGE_FILTER)) {
    throw new Error(
      'This kernel has no bridge netfilter (net.bridge.bridge-nf-call-iptables), without which security groups cannot hold; load the module br_netfilter',
    );
  }
}
