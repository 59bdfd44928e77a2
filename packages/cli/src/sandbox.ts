import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { text } from 'node:stream/consumers';

export interface SandboxOptions {
  /** Host name inside; `sandbox` unless given. */
  name?: string;
}

export interface SandboxSpawnOptions {
  /** As node:child_process takes it; pipes unless given. */
  stdio?: 'pipe' | 'ignore' | 'inherit' | readonly ('pipe' | 'ignore' | 'inherit' | number)[];
  /** Environment; this process's own unless given. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Working directory; this process's own unless given. */
  cwd?: string;
}

export interface SandboxRunOptions extends Pick<SandboxSpawnOptions, 'env' | 'cwd'> {
  /** Text for the command's standard input; nothing unless given. */
  input?: string;
  /** Milliseconds after which the command is killed; 30,000 unless given. */
  timeoutMs?: number;
}

export interface SandboxResult {
  stdout: string;
  stderr: string;
  /** Exit code; null when a signal ended the command. */
  code: number | null;
}

/** Why no sandbox could be made, in one sentence that says what to do. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
}

/** Administrators' commands are not on everyone's PATH. */
const PATH = `${process.env.PATH ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`;

/**
 * First process of a sandbox. /proc still is the parent's when it reads its own process id. /run is private, so that
 * named network namespaces, lock files and sockets of programs inside meet nothing outside. Then it waits for the end
 * of its input, which the kernel brings about however the parent dies. With SIGCHLD ignored the kernel reaps orphans.
 */
const INIT = `set -e
read -r pid _ </proc/self/stat
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run
mkdir /run/netns
mount -t proc proc /proc
mount -t sysfs sysfs /sys 2>/dev/null || true
hostname "$1"
ip link set lo up
echo "$pid"
exec env --ignore-signal=CHLD cat >/dev/null 2>&1`;

/** Holds a new user namespace still until its ids are mapped, then becomes the command that is root in it. */
const AWAIT_MAPPING = 'echo && read -r _ && exec "$@"';

/**
 * A host within the host: network, mount, process and UTS namespaces of its own (and, without root, a user namespace).
 * Files are shared with the machine, /run apart. It ends with this process, even one that is killed: everything inside
 * is killed by the kernel, and nothing is left behind.
 */
export class Sandbox implements AsyncDisposable {
  /** First process inside, as the machine numbers it: what `nsenter -t` takes. */
  readonly pid: number;
  /** Whether it has a user namespace, for want of root. */
  readonly unprivileged: boolean;
  readonly #holder: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #spawned = new Set<ChildProcess>();

  private constructor(pid: number, holder: ChildProcess, unprivileged: boolean) {
    this.pid = pid;
    this.unprivileged = unprivileged;
    this.#holder = holder;
    this.#ended = new Promise((resolve) => holder.once('exit', () => resolve()));
  }

  /** Makes a sandbox. Throws SandboxError where the machine does not allow it. */
  static async start(options: SandboxOptions = {}): Promise<Sandbox> {
    const unprivileged = process.getuid?.() !== 0;
    const isolate = ['unshare', '--net', '--mount', '--pid', '--uts', '--fork', '--kill-child', '--'];
    const init = [...isolate, 'sh', '-c', INIT, 'portward-sandbox', options.name ?? 'sandbox'];
    const user = ['unshare', '--user', '--', 'sh', '-c', AWAIT_MAPPING, 'portward-sandbox'];
    const ids = unprivileged ? { users: subordinateIds('/etc/subuid'), groups: subordinateIds('/etc/subgid') } : null;
    const [command = '', ...rest] = ids ? [...user, ...init] : init;
    // A session of its own: Ctrl-C in the terminal must reach this process first, which then takes the sandbox down.
    const holder = spawn(command, rest, {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, PATH, LC_ALL: 'C' },
    });
    const failure = new Promise<never>((_, reject) => {
      holder.once('error', (error) => reject(new SandboxError(`No sandbox: ${error.message}${packageHint(command)}`)));
      void text(holder.stderr).then((stderr) => reject(new SandboxError(explain(stderr.trim(), unprivileged))));
    });
    failure.catch(() => undefined);
    holder.stdin.on('error', () => undefined);
    const lines = linesOf(holder);
    try {
      if (ids) {
        await Promise.race([lines.next(), failure]);
        mapIds('newuidmap', holder.pid, process.getuid?.(), ids.users);
        mapIds('newgidmap', holder.pid, process.getgid?.(), ids.groups);
        holder.stdin.write('\n');
      }
      const pid = Number((await Promise.race([lines.next(), failure])).value);
      if (!Number.isInteger(pid) || pid < 1) return await failure;
      // Without this, a program that forgets its sandbox would not end.
      holder.unref();
      for (const stream of [holder.stdin, holder.stdout, holder.stderr]) (stream as { unref?(): void }).unref?.();
      return new Sandbox(pid, holder, unprivileged);
    } catch (error) {
      holder.stdin.destroy();
      holder.kill('SIGKILL');
      throw error;
    }
  }

  /** argv that runs a command inside, from anywhere on the machine, for as long as the sandbox stands. */
  command(argv: readonly string[], cwd = process.cwd()): string[] {
    const namespaces = [...(this.unprivileged ? ['--user'] : []), '--net', '--mount', '--pid', '--uts'];
    return ['nsenter', '-t', String(this.pid), ...namespaces, `--wdns=${cwd}`, '--', ...argv];
  }

  /** Starts a command inside. `kill()` of the child signals the command itself; its exit is the command's own. */
  spawn(argv: readonly string[], options: SandboxSpawnOptions = {}): ChildProcess {
    // nsenter must stay outside the process namespace and wait for a child within; that one must not outlive it.
    const mortal = ['setpriv', '--pdeathsig', 'KILL', '--', ...argv];
    const [command = '', ...rest] = this.command(mortal, options.cwd);
    const child = spawn(command, rest, {
      stdio: (options.stdio ?? 'pipe') as 'pipe',
      env: {
        ...(options.env ?? process.env),
        PATH: `${options.env?.PATH ?? ''}${options.env?.PATH ? ':' : ''}${PATH}`,
      },
    });
    this.#spawned.add(child);
    child.once('close', () => this.#spawned.delete(child));
    const killOuter = child.kill.bind(child);
    child.kill = (signal = 'SIGTERM') => {
      const [inner] = child.exitCode === null && child.signalCode === null ? childrenOf(child.pid) : [];
      if (inner === undefined) return killOuter(signal);
      try {
        process.kill(inner, signal);
      } catch {
        return false;
      }
      // nsenter stops with its child, and would then take no notice of its end.
      if (signal !== 'SIGSTOP' && signal !== 'SIGTSTP') continueStopped(child);
      return true;
    };
    return child;
  }

  /** Runs a command inside to its end. Throws an Error when it cannot be started or takes too long. */
  async run(argv: readonly string[], options: SandboxRunOptions = {}): Promise<SandboxResult> {
    const { input = '', timeoutMs = 30_000, ...rest } = options;
    const child = this.spawn(argv, rest);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    // The command may end without having read its input; its exit code tells what matters.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        // A daemon that the command left behind may hold these open for ever.
        child.stdout?.destroy();
        child.stderr?.destroy();
        reject(new Error(`'${argv.join(' ')}' took longer than ${timeoutMs} ms: ${Buffer.concat(err)}`));
      }, timeoutMs);
      child.once('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      child.once('close', (code) => {
        clearTimeout(timer);
        resolve({ stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), code });
      });
    });
  }

  /** Ends every process inside, and waits until they are gone. Further calls wait for the same. */
  async stop(): Promise<void> {
    this.#holder.ref();
    this.#holder.stdin?.destroy();
    for (const child of this.#spawned) continueStopped(child);
    const impatient = setTimeout(() => this.#holder.kill('SIGKILL'), 5000);
    await this.#ended;
    clearTimeout(impatient);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Lines of a child's output as they come. */
async function* linesOf(child: ChildProcess): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of child.stdout ?? []) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

/** Wakes a command's nsenter, outside. */
function continueStopped(child: ChildProcess): void {
  try {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(child.pid, 'SIGCONT');
  } catch {
    // It ended just now.
  }
}

/** Processes whose parent is `pid`. */
function childrenOf(pid: number | undefined): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? [] : children.split(' ').map(Number);
  } catch {
    return [];
  }
}

interface IdRange {
  first: number;
  count: number;
}

/** This user's first range in /etc/subuid or /etc/subgid: lines of `name or number:first:count`. */
function subordinateIds(file: string): IdRange {
  const names = [String(process.getuid?.())];
  try {
    names.push(userInfo().username);
  } catch {
    // A user without an entry in the user database can still be listed by number.
  }
  let lines: string[] = [];
  try {
    lines = readFileSync(file, 'utf8').split('\n');
  } catch {
    // Said below: to be absent and to say nothing of this user are one thing.
  }
  for (const line of lines) {
    const [name = '', first, count] = line.split(':');
    if (names.includes(name) && Number(count) >= 65_535) return { first: Number(first), count: Number(count) };
  }
  throw new SandboxError(
    `No sandbox: ${file} gives this user no ids for a user namespace; run as root, or have root run ` +
      `'usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${names.at(-1)}'`,
  );
}

/** Maps root inside to this user, and the ids after it to the user's subordinate ones. */
function mapIds(tool: 'newuidmap' | 'newgidmap', pid: number | undefined, own: number | undefined, ids: IdRange): void {
  const numbers = [pid, 0, own, 1, 1, ids.first, ids.count].map(String);
  const outcome = spawnSync(tool, numbers, { encoding: 'utf8', env: { ...process.env, PATH, LC_ALL: 'C' } });
  if (outcome.status === 0) return;
  const reason = outcome.error ? outcome.error.message : outcome.stderr.trim();
  throw new SandboxError(`No sandbox: ${reason}${outcome.error ? packageHint(tool) : ''}; or run as root`);
}

function packageHint(command: string): string {
  return `; Debian's package ${command.startsWith('new') ? 'uidmap' : 'util-linux'} brings '${command}'`;
}

/** Turns what `unshare` or the first process said into advice. */
function explain(stderr: string, unprivileged: boolean): string {
  const missing = /: (\S+): not found/.exec(stderr)?.[1];
  if (missing === 'ip') return `No sandbox: 'ip' is not installed; Debian's package iproute2 brings it`;
  if (missing) return `No sandbox: the command '${missing}' is not installed`;
  const said = stderr === '' ? 'it ended at once' : (stderr.split('\n').at(-1) ?? stderr);
  if (!unprivileged) {
    return `No sandbox: ${said}; this needs root with CAP_SYS_ADMIN and CAP_NET_ADMIN, which a plain container lacks`;
  }
  const blockers = [
    ['/proc/sys/kernel/apparmor_restrict_unprivileged_userns', '1', 'kernel.apparmor_restrict_unprivileged_userns=0'],
    ['/proc/sys/kernel/unprivileged_userns_clone', '0', 'kernel.unprivileged_userns_clone=1'],
    ['/proc/sys/user/max_user_namespaces', '0', 'user.max_user_namespaces=10000'],
  ] as const;
  const blocker = blockers.find(([file, value]) => settingOf(file) === value);
  const advice = blocker ? `, or have root run 'sysctl -w ${blocker[2]}'` : '';
  return `No sandbox: this machine does not let ordinary users make one (${said}); run as root${advice}`;
}

function settingOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
