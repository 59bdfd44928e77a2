import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { machineNamespace } from '@portward/model/device-names.ts';
import { addNetns, deleteNetns, isNetns } from '../kernel/netns.ts';
import { argumentsOf, endProcesses, isInNetns, processesIn, readPid } from '../kernel/proc.ts';
import { COMMAND_PATH, inNamespace, missingCommand, run } from '../kernel/run.ts';
import type { Machine, MachineCard } from './machine.ts';
import { DHCP_EVENT, MACHINE_INIT } from './machine-programs.ts';

export interface MachinesOptions {
  /** The agent's directory; each machine has one of its own below `machines` in it. */
  stateDir: string;
}

/**
 * Machines of this host: network namespaces that play VMs, each with a DHCP client for every card and an SSH server.
 * They live on without the agent, which finds them again by pid file and namespace. They are for demonstrations and
 * tests, and guard the host from its users no more than a user namespace around the agent does.
 */
export class Machines {
  readonly #directory: string;

  constructor(options: MachinesOptions) {
    this.#directory = join(options.stateDir, 'machines');
  }

  /** Server → digest of the machine that plays it. Where one is dead or incomplete, the digest is empty. */
  async running(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    if (!existsSync(this.#directory)) return found;
    const devices = devicesOfHost();
    for (const id of readdirSync(this.#directory)) {
      const state = this.#state(id);
      const whole = this.#process(id) !== undefined && state?.taps.every((tap) => devices.has(tap));
      found.set(id, (whole && state?.digest) || '');
    }
    return found;
  }

  /**
   * Starts a machine or changes it: its processes start anew, its cards stay as they are where they may. Throws an
   * Error when a part of it does not start.
   */
  async apply(machine: Machine): Promise<void> {
    const { id, namespace } = machine;
    mkdirSync(join(this.#directory, id), { recursive: true, mode: 0o700 });
    this.#write(id, 'state', JSON.stringify({ digest: '', taps: [] } satisfies State));
    await this.#endProcesses(id);
    if (addNetns(namespace, () => undefined)) await run(['ip', 'link', 'set', 'lo', 'up'], { namespace });
    const cards = await this.#plug(machine);
    await this.#writeFiles(machine);
    await this.#start(machine, cards);
    // Last: an agent that is killed on the way does it all again.
    const taps = machine.cards.map((card) => card.tap);
    this.#write(id, 'state', JSON.stringify({ digest: machine.digest, taps } satisfies State));
  }

  /** Ends a machine: its processes, its cards, its namespace and its files. */
  async remove(serverId: string): Promise<void> {
    const namespace = machineNamespace(serverId);
    await this.#endProcesses(serverId);
    // The namespace is taken apart only when nobody looks into it any more; the host's ends shall go now.
    for (const { tap } of await cardsIn(namespace)) await unplug(tap);
    deleteNetns(namespace);
    rmSync(join(this.#directory, serverId), { recursive: true, force: true });
  }

  namespaceOf(serverId: string): string {
    return machineNamespace(serverId);
  }

  /** Makes the machine's cards what they should be. Gives their names inside. */
  async #plug({ namespace, cards }: Machine): Promise<string[]> {
    const present = await cardsIn(namespace);
    const wanted = new Map(cards.map((card) => [card.tap, card]));
    for (const { tap } of present) if (!wanted.has(tap)) await unplug(tap);
    const kept = present.filter(({ tap }) => wanted.has(tap));
    const taken = new Set(kept.map(({ name }) => name));
    for (const card of cards) {
      let name = kept.find(({ tap }) => tap === card.tap)?.name;
      if (name === undefined) {
        name = firstFree(taken);
        taken.add(name);
        if (devicesOfHost().has(card.tap)) await unplug(card.tap);
        await makeCard(card, name, namespace);
      }
      const lines = [`link set ${name} address ${card.mac} mtu ${card.mtu}`, `link set ${name} up`];
      await run(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n`, namespace });
      await run(['ip', 'link', 'set', card.tap, 'mtu', String(card.mtu), 'addrgenmode', 'none', 'up']);
    }
    return [...taken].sort();
  }

  async #writeFiles({ id, hostName, publicKey }: Machine): Promise<void> {
    this.#write(id, 'authorized_keys', publicKey === null ? '' : `${publicKey}\n`);
    this.#write(id, 'motd', `Welcome to ${hostName}, a machine that Portward plays with a network namespace.\n`);
    this.#write(id, 'hosts', `127.0.0.1 localhost\n::1 localhost\n127.0.1.1 ${hostName}\n`);
    this.#write(id, 'resolv.conf', '');
    this.#write(id, 'dhcp-event', DHCP_EVENT);
    const hostKey = this.#file(id, 'host-key');
    if (!existsSync(hostKey)) await run(['dropbearkey', '-t', 'ed25519', '-f', hostKey]);
  }

  async #start({ id, namespace, hostName }: Machine, cards: readonly string[]): Promise<void> {
    const isolate = ['unshare', '--mount', '--uts', '--pid', '--fork', '--kill-child', '--'];
    const init = ['sh', '-c', MACHINE_INIT, `portward-machine-${id}`, hostName, ...cards];
    const [command = '', ...rest] = inNamespace([...isolate, ...init], namespace);
    // A session of its own: the machine shall live when the agent is told, or made, to end.
    const child = spawn(command, rest, {
      cwd: join(this.#directory, id),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: COMMAND_PATH, LC_ALL: 'C' },
    });
    await readiness(child);
    child.unref();
  }

  /** The machine's first process, if it is there and in the namespace that it should be in. */
  #process(id: string): number | undefined {
    const pid = readPid(this.#file(id, 'pid'));
    return pid !== undefined && argumentsOf(pid) !== undefined && isInNetns(pid, machineNamespace(id))
      ? pid
      : undefined;
  }

  /** Ends all processes of a machine, also those that its user, or an interrupted start, left there. */
  async #endProcesses(id: string): Promise<void> {
    const first = this.#process(id);
    // With the first one the kernel ends all others of its process namespace.
    if (first !== undefined) await endProcesses([first], 0);
    await endProcesses(processesIn(machineNamespace(id)), 0);
    rmSync(this.#file(id, 'pid'), { force: true });
  }

  #state(id: string): State | undefined {
    try {
      return JSON.parse(readFileSync(this.#file(id, 'state'), 'utf8')) as State;
    } catch {
      return undefined;
    }
  }

  #write(id: string, name: string, content: string): void {
    writeFileSync(this.#file(id, name), content);
  }

  #file(id: string, name: string): string {
    return join(this.#directory, id, name);
  }
}

/** What the driver remembers of a machine. */
interface State {
  digest: string;
  taps: string[];
}

/** Waits for the word of the first process that all is started. Throws an Error with what it complained of. */
async function readiness(child: ChildProcess): Promise<void> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('A machine was started without pipes');
  const complaint = text(stderr).catch(() => '');
  const failed = once(child, 'error').then(([error]) => {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(code === 'ENOENT' ? missingCommand('nsenter') : message);
  });
  const ended = once(child, 'exit').then(async () => {
    const said = (await complaint).trim();
    const missing = /: (\S+): not found/.exec(said)?.[1];
    throw new Error(missing ? missingCommand(missing) : `The machine does not start: ${said}`);
  });
  for (const promise of [failed, ended]) promise.catch(() => undefined);
  try {
    await Promise.race([once(stdout, 'data'), failed, ended]);
  } finally {
    stdout.destroy();
    stderr.destroy();
  }
}

interface CardInPlace {
  name: string;
  tap: string;
}

/** Cards that a machine's namespace has: eth0, …, each with the host's end, whichever names they go by. */
async function cardsIn(namespace: string): Promise<CardInPlace[]> {
  if (!isNetns(namespace)) return [];
  const [inside, outside] = await Promise.all([veths(namespace), veths(undefined)]);
  return inside.flatMap(({ ifname, link_index }) => {
    const tap = outside.find(({ ifindex }) => ifindex === link_index)?.ifname;
    return tap === undefined ? [] : [{ name: ifname, tap }];
  });
}

interface VethState {
  ifname: string;
  ifindex: number;
  /** Index of the other end in its namespace. */
  link_index?: number;
}

async function veths(namespace: string | undefined): Promise<VethState[]> {
  const listed = await run(['ip', '-j', 'link', 'show', 'type', 'veth'], namespace === undefined ? {} : { namespace });
  return JSON.parse(listed || '[]') as VethState[];
}

async function makeCard({ tap, mac, mtu }: MachineCard, name: string, namespace: string): Promise<void> {
  const peer = ['peer', 'name', name, 'netns', namespace, 'address', mac, 'mtu', String(mtu)];
  await run(['ip', 'link', 'add', tap, 'mtu', String(mtu), 'type', 'veth', ...peer]);
}

/** Deletes a card by the host's end; one that is not there is no error. */
async function unplug(tap: string): Promise<void> {
  if (devicesOfHost().has(tap)) await run(['ip', 'link', 'del', tap]);
}

/** Names of the devices in the agent's network namespace. */
function devicesOfHost(): Set<string> {
  const lines = readFileSync('/proc/self/net/dev', 'utf8').split('\n').slice(2);
  return new Set(lines.map((line) => line.split(':')[0]?.trim() ?? ''));
}

function firstFree(taken: ReadonlySet<string>): string {
  let number = 0;
  while (taken.has(`eth${number}`)) number++;
  return `eth${number}`;
}
