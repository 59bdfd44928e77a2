import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argumentsOf, endProcesses, isInNetns, readPid } from './proc.ts';
import { run } from './run.ts';

const GRACE_MS = 2000;
const NOBODY = 65_534;

/**
 * dnsmasq processes of one purpose, each with a directory of its own, named by its id, and in a network namespace that
 * follows from the id. They live on without the agent, which finds them again by their pid files.
 */
export class DnsmasqProcesses {
  readonly #directory: string;
  readonly #namespaceOf: (id: string) => string;

  constructor(directory: string, namespaceOf: (id: string) => string) {
    this.#directory = directory;
    this.#namespaceOf = namespaceOf;
  }

  /**
   * Id → digest of the settings that each process has. Where files are left of one that is gone, or that is in another
   * namespace than it should be, the digest is empty.
   */
  async running(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    if (!existsSync(this.#directory)) return found;
    for (const id of readdirSync(this.#directory)) {
      const pid = this.pid(id);
      found.set(id, pid !== undefined && isInNetns(pid, this.#namespaceOf(id)) ? this.read(id, 'digest') : '');
    }
    return found;
  }

  /** Makes the directory of one. */
  prepare(id: string): void {
    mkdirSync(join(this.#directory, id), { recursive: true, mode: 0o755 });
  }

  /** Arguments as the process gets them: those of the layout, and where its files are. */
  arguments(id: string, argv: readonly string[], files: Readonly<Record<string, string>>): string[] {
    return [
      ...argv,
      // dnsmasq gives its privileges up, if then it can still read its files again and there is somebody to become.
      ...(isOpenToAll(join(this.#directory, id)) && hasNobody() ? [] : ['--user=root']),
      `--pid-file=${this.file(id, 'pid')}`,
      ...Object.entries(files).map(([option, name]) => `--${option}=${this.file(id, name)}`),
    ];
  }

  /** Whether the process runs with just these arguments in the namespace where it should be. */
  runsWith(id: string, argv: readonly string[]): boolean {
    const pid = this.pid(id);
    const current = pid === undefined ? undefined : argumentsOf(pid);
    return (
      pid !== undefined &&
      current !== undefined &&
      isInNetns(pid, this.#namespaceOf(id)) &&
      current.length === argv.length &&
      argv.every((argument, index) => argument === current[index])
    );
  }

  /** Process id of one, known by the pid file in its arguments; undefined when it does not run. */
  pid(id: string): number | undefined {
    const pid = readPid(this.file(id, 'pid'));
    return pid !== undefined && argumentsOf(pid)?.includes(`--pid-file=${this.file(id, 'pid')}`) ? pid : undefined;
  }

  /** Starts one and waits until it serves. Throws an Error with what it complains of. */
  async start(id: string, argv: readonly string[]): Promise<void> {
    await run(argv, { namespace: this.#namespaceOf(id) });
  }

  /** Ends one and waits until it is gone; one that does not run is no error. */
  async end(id: string): Promise<void> {
    const pid = this.pid(id);
    if (pid !== undefined) await endProcesses([pid], GRACE_MS);
  }

  /** Ends one and deletes its files. */
  async remove(id: string): Promise<void> {
    await this.end(id);
    rmSync(join(this.#directory, id), { recursive: true, force: true });
  }

  namespaceOf(id: string): string {
    return this.#namespaceOf(id);
  }

  /** Content of a file; empty when there is none. */
  read(id: string, name: string): string {
    try {
      return readFileSync(this.file(id, name), 'utf8');
    } catch {
      return '';
    }
  }

  /** Replaces a file at once, so that nobody reads half of it. */
  write(id: string, name: string, content: string): void {
    const temporary = this.file(id, `${name}.new`);
    writeFileSync(temporary, content, { mode: 0o644 });
    renameSync(temporary, this.file(id, name));
  }

  file(id: string, name: string): string {
    return join(this.#directory, id, name);
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
