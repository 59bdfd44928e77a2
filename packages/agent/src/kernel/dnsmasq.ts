import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dhcpNamespace } from '@portward/model/device-names.ts';
import type { DhcpService } from '../layout/dhcp.ts';
import { argumentsOf, endProcesses, isInNetns, readPid, signalTo } from './proc.ts';
import { run } from './run.ts';

export interface DnsmasqOptions {
  /** The agent's directory; each network has one of its own below `dhcp` in it. */
  stateDir: string;
}

const GRACE_MS = 2000;
const NOBODY = 65_534;

/**
 * DHCP servers of this host: a dnsmasq for each network, in the network's DHCP namespace. They live on without the
 * agent, which finds them again by their pid files.
 */
export class Dnsmasq {
  readonly #directory: string;

  constructor(options: DnsmasqOptions) {
    this.#directory = join(options.stateDir, 'dhcp');
  }

  /**
   * Network → digest of the service that its dnsmasq has. Where files are left of one that is gone, or that is in
   * another namespace than it should be, the digest is empty.
   */
  async running(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    if (!existsSync(this.#directory)) return found;
    for (const id of readdirSync(this.#directory)) {
      const pid = this.#process(id);
      const digest = pid !== undefined && isInNetns(pid, dhcpNamespace(id)) ? readOr(this.#file(id, 'digest'), '') : '';
      found.set(id, digest);
    }
    return found;
  }

  /**
   * Starts a network's dnsmasq or has it take over what changed. Its namespace must be there. Throws an Error when
   * dnsmasq does not take it.
   */
  async apply(service: DhcpService): Promise<void> {
    const { id } = service;
    mkdirSync(join(this.#directory, id), { recursive: true, mode: 0o755 });
    this.#write(id, 'hosts', service.hosts);
    this.#write(id, 'options', service.options);
    this.#write(id, 'names', service.names);
    const argv = this.#argv(service);
    const pid = this.#process(id);
    if (pid !== undefined && this.#canReload(service, pid, argv)) signalTo(pid, 'SIGHUP');
    else {
      if (pid !== undefined) await endProcesses([pid], GRACE_MS);
      this.#pruneLeases(service);
      await run(argv, { namespace: service.namespace });
    }
    // Last: an agent that is killed on the way does it all again.
    this.#write(id, 'digest', service.digest);
  }

  /** Ends a network's dnsmasq and deletes its files. */
  async remove(networkId: string): Promise<void> {
    const pid = this.#process(networkId);
    if (pid !== undefined) await endProcesses([pid], GRACE_MS);
    rmSync(join(this.#directory, networkId), { recursive: true, force: true });
  }

  namespaceOf(networkId: string): string {
    return dhcpNamespace(networkId);
  }

  #canReload(service: DhcpService, pid: number, argv: readonly string[]): boolean {
    const current = argumentsOf(pid) ?? [];
    return (
      isInNetns(pid, service.namespace) &&
      current.length === argv.length &&
      argv.every((argument, index) => argument === current[index]) &&
      // dnsmasq gives no address for which it remembers another client's lease, even when that client is gone.
      !this.#leases(service.id).some((lease) => (service.leases[lease.address] ?? lease.mac) !== lease.mac)
    );
  }

  /** dnsmasq's process for a network, known by the pid file in its arguments. */
  #process(id: string): number | undefined {
    const pid = readPid(this.#file(id, 'pid'));
    return pid !== undefined && argumentsOf(pid)?.includes(`--pid-file=${this.#file(id, 'pid')}`) ? pid : undefined;
  }

  #argv(service: DhcpService): string[] {
    const file = (name: string) => this.#file(service.id, name);
    return [
      ...service.argv,
      // dnsmasq gives its privileges up, if then it can still read its files again and there is somebody to become.
      ...(isOpenToAll(dirname(file('hosts'))) && hasNobody() ? [] : ['--user=root']),
      `--pid-file=${file('pid')}`,
      `--dhcp-hostsfile=${file('hosts')}`,
      `--dhcp-optsfile=${file('options')}`,
      `--addn-hosts=${file('names')}`,
      `--dhcp-leasefile=${file('leases')}`,
    ];
  }

  #leases(id: string): { line: string; mac: string; address: string }[] {
    // dnsmasq's file: expiry, MAC address, IP address, name, client id. Lines of other forms are for IPv6.
    return readOr(this.#file(id, 'leases'), '')
      .split('\n')
      .flatMap((line) => {
        const [, mac = '', address = ''] = line.split(' ');
        return address === '' || mac === '' ? [] : [{ line, mac, address }];
      });
  }

  /** Takes leases out of a stopped dnsmasq's file that are for nobody any more, or for somebody else. */
  #pruneLeases(service: DhcpService): void {
    if (!existsSync(this.#file(service.id, 'leases'))) return;
    const kept = this.#leases(service.id).filter(({ mac, address }) => service.leases[address] === mac);
    // In place, for the file belongs to the user that dnsmasq becomes.
    writeFileSync(this.#file(service.id, 'leases'), kept.map(({ line }) => `${line}\n`).join(''));
  }

  #write(id: string, name: string, content: string): void {
    const temporary = this.#file(id, `${name}.new`);
    writeFileSync(temporary, content, { mode: 0o644 });
    renameSync(temporary, this.#file(id, name));
  }

  #file(id: string, name: string): string {
    return join(this.#directory, id, name);
  }
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
}

/** Whether any user gets to the files of a directory. */
function isOpenToAll(directory: string): boolean {
  for (let path = directory; ; path = dirname(path)) {
    if ((statSync(path).mode & 0o001) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/** Whether this user namespace has the user that dnsmasq becomes, `nobody`: one made without help has only root. */
function hasNobody(): boolean {
  const ranges = readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n');
  return ranges.some((range) => {
    const [first = 0, , count = 0] = range.trim().split(/\s+/).map(Number);
    return first <= NOBODY && NOBODY < first + count;
  });
}
