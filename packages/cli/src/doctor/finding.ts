/** How one thing stands. `unknown`: it could not be found out. */
export type FindingStatus = 'ok' | 'warning' | 'error' | 'unknown';

/** What was found of one thing. */
export interface Finding {
  readonly name: string;
  readonly status: FindingStatus;
  /** What is there, in a few words or one sentence. */
  readonly found: string;
  /** What to do about it, where there is something to do. */
  readonly mend?: string;
}

type Judgement = Omit<Finding, 'name'>;

const ok = (found: string): Judgement => ({ status: 'ok', found });

/** Connection tracking of this host: its limits are one for all namespaces, its counts each namespace's own. */
export interface ConnectionTracking {
  readonly max: number;
  readonly buckets: number;
  /** Entries by namespace; the host's own under the empty name. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Entries to a bucket from which on a look-up is noticeably slow. */
const CROWDED = 8;

/** A full table loses new connections without a word but in the kernel's log. */
export function judgeConnectionTracking({ max, buckets, counts }: ConnectionTracking): Judgement {
  const [[where, most] = ['', 0]] = [...counts].toSorted((a, b) => b[1] - a[1]);
  const found = `${most} of ${max} connections${where === '' ? '' : ` in ${where}`}, ${buckets} buckets`;
  const raise = `sysctl -w net.netfilter.nf_conntrack_max=${2 * max}, and keep it in /etc/sysctl.d`;
  if (max > 0 && most >= 0.95 * max) return { status: 'error', found, mend: `New connections are lost: ${raise}` };
  if (max > 0 && most >= 0.75 * max) return { status: 'warning', found, mend: raise };
  if (max > CROWDED * buckets) {
    const mend = `echo ${Math.ceil(max / 4)} >/sys/module/nf_conntrack/parameters/hashsize: with so few buckets look-ups are slow when the table fills`;
    return { status: 'warning', found, mend };
  }
  return ok(found);
}

/** Seconds by which this host's clock may differ from the controller's: heartbeats and tokens have times in them. */
const SKEW = { warning: 5, error: 60 } as const;

/** `seconds`: how far this host's clock is ahead of the controller's; Date headers tell whole seconds. */
export function judgeSkew(seconds: number): Judgement {
  const size = Math.abs(seconds);
  const found = `${size.toFixed(0)} s ${seconds < 0 ? 'behind' : 'ahead of'} the controller’s`;
  const mend = 'Let both hosts keep their time by NTP (Debian’s package systemd-timesyncd or chrony)';
  if (size >= SKEW.error) return { status: 'error', found, mend };
  return size >= SKEW.warning ? { status: 'warning', found, mend } : ok('as the controller’s');
}

/** What a controller knows of this host's agent. */
export interface KnownAgent {
  readonly alive: boolean;
  /** UTC, `YYYY-MM-DD hh:mm:ss`. */
  readonly heartbeat_timestamp: string;
  /** Number of the last change that the agent carried out, and of the last that there is. */
  readonly applied_seq: number;
  readonly position: number;
  /** Things that the agent found otherwise than it had left them. */
  readonly drift: number;
}

/** `undefined`: no agent of this host has reported. */
export function judgeAgent(agent: KnownAgent | undefined, host: string): Judgement {
  if (agent === undefined) {
    const mend = `Start 'portward agent'; if it runs, see that its --host is ${host}`;
    return { status: 'warning', found: `no agent of host ${host} has reported yet`, mend };
  }
  const { alive, heartbeat_timestamp: heartbeat, applied_seq: applied, position, drift } = agent;
  if (!alive) {
    const mend = "Start it ('portward agent'), or look into its log for why it does not reach the controller";
    return { status: 'error', found: `silent since ${heartbeat} UTC`, mend };
  }
  const behind = position - applied;
  if (behind > 0) {
    const mend = 'If this does not pass within seconds: its log says what it cannot do';
    return { status: 'warning', found: `alive, ${behind} changes behind`, mend };
  }
  if (drift > 0) {
    const found = `alive; since its start ${drift} things of its own were changed by somebody else, and mended`;
    return { status: 'warning', found, mend: 'Its log names them; find out who changes them' };
  }
  return ok('alive, all changes carried out');
}

/** Bytes free where the agent keeps files. */
export function judgeSpace(bytes: number, directory: string): Judgement {
  const found = `${Math.floor(bytes / 1e6)} MB free for ${directory}`;
  const mend = 'Make room there, or give the agent another --state-dir: DHCP cannot be served without';
  if (bytes < 1e6) return { status: 'error', found, mend };
  return bytes < 50e6 ? { status: 'warning', found, mend } : ok(found);
}

/** Files that the agent may have open: some for each router, network and VM. */
export function judgeOpenFiles(limit: number): Judgement {
  const found = limit === Number.POSITIVE_INFINITY ? 'any number' : `${limit} open files`;
  const mend = 'Raise it where the agent is started (systemd: LimitNOFILE=65536): each router needs about ten';
  return limit < 4096 ? { status: 'warning', found, mend } : ok(found);
}

/** Whether bridged packets cross the rules of security groups; undefined: the kernel has no such parameter. */
export function judgeBridgeFilter(value: string | undefined): Judgement {
  if (value === undefined) return { status: 'error', found: 'not there', mend: 'modprobe br_netfilter' };
  if (value === '1') return ok('on');
  const mend = 'The agent switches it on when it starts, and again within a second: find out who switches it off';
  return { status: 'warning', found: 'off: security groups do not hold', mend };
}
