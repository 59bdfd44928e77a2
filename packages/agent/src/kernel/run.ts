import { spawn } from 'node:child_process';
import { addHand } from './netlink-hands.ts';

export interface RunOptions {
  /** Text for the command's standard input; nothing unless given. */
  input?: string;
  /** Name of a network namespace under /run/netns in which the command runs; the agent's own unless given. */
  namespace?: string;
  /** Milliseconds after which the command is killed; 30,000 unless given. */
  timeoutMs?: number;
}

/** A command that could not be started, failed, or was killed. */
export class CommandError extends Error {
  readonly argv: readonly string[];
  /** Exit code; null when it was killed or never started. */
  readonly code: number | null;
  readonly stderr: string;

  constructor(message: string, argv: readonly string[], code: number | null, stderr: string) {
    super(message);
    this.name = 'CommandError';
    this.argv = argv;
    this.code = code;
    this.stderr = stderr;
  }
}

/** Debian package of each command the agent uses. */
export const PACKAGE_OF: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nsenter: 'util-linux',
  nft: 'nftables',
  iptables: 'iptables',
  'iptables-save': 'iptables',
  'iptables-restore': 'iptables',
  conntrack: 'conntrack',
  dnsmasq: 'dnsmasq-base',
  busybox: 'busybox',
  dropbear: 'dropbear-bin',
  dropbearkey: 'dropbear-bin',
};

/** One sentence for a command that is not installed. */
export function missingCommand(command: string): string {
  const debian = PACKAGE_OF[command];
  return `The command '${command}' is not installed${debian === undefined ? '' : `; Debian's package ${debian} brings it`}`;
}

/** Where Debian keeps administrators' commands, which an unprivileged PATH leaves out. */
export const COMMAND_PATH = `${process.env.PATH ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`;

/** argv with what enters a network namespace in front of it. */
export function inNamespace(argv: readonly string[], namespace: string | undefined): string[] {
  return namespace === undefined ? [...argv] : ['nsenter', `--net=/run/netns/${namespace}`, '--', ...argv];
}

/**
 * Runs a command without a shell and gives its standard output. Throws CommandError, which names the command and what
 * it wrote to standard error, on any exit code but 0.
 */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const [command = '', ...rest] = inNamespace(argv, options.namespace);
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, PATH: COMMAND_PATH, LC_ALL: 'C' },
    });
    const ended = addHand(child.pid);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, options.timeoutMs ?? 30_000);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    // The command may end without having read its input; its exit code tells what matters.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const message = error.code === 'ENOENT' ? missingCommand(command) : `${command}: ${error.message}`;
      reject(new CommandError(message, argv, null, ''));
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      ended();
      if (code === 0) return resolve(Buffer.concat(out).toString());
      const stderr = Buffer.concat(err).toString().trim();
      const missing = /^nsenter: failed to execute (\S+): No such file/.exec(stderr)?.[1];
      const how = timedOut ? 'took too long and was killed' : code === null ? 'was killed' : `failed with ${code}`;
      const text = missing
        ? missingCommand(missing)
        : `'${argv.join(' ')}' ${how}${stderr === '' ? '' : `: ${stderr.slice(0, 2000)}`}`;
      reject(new CommandError(text, argv, code, stderr));
    });
  });
}
