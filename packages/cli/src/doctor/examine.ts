import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { ControllerConnection, RefusedError } from '@portward/agent/feed/connection.ts';
import { readToken } from '@portward/agent/feed/credentials.ts';
import { inNetns, listNetns } from '@portward/agent/kernel/netns.ts';
import { type HostCheck, hostChecks } from '@portward/agent/kernel/requirements.ts';
import { readSysctl } from '@portward/agent/kernel/sysctl.ts';
import type { AgentConfig } from '@portward/model/config.ts';
import {
  type ConnectionTracking,
  type Finding,
  judgeAgent,
  judgeBridgeFilter,
  judgeConnectionTracking,
  judgeOpenFiles,
  judgeSkew,
  judgeSpace,
  type KnownAgent,
} from './finding.ts';

/** Milliseconds that a controller may take to answer. */
const PATIENCE = 3000;
const OF_ROUTERS = /^(qrouter|snat)-/;
const AS_ROOT = 'Run this as root to find out';

/** Something to be found out. */
export interface Examination {
  readonly name: string;
  run(): Promise<Finding[]> | Finding[];
}

/** All that is to be examined for an agent with this configuration. Finding out changes nothing on the host. */
export function examinations(config: AgentConfig & { host: string }): Examination[] {
  const bridges = config.bridge_mappings.map((mapping) => mapping.slice(mapping.indexOf(':') + 1));
  const checks = hostChecks({ bridges, natBackend: config.nat_backend, commands: ['dnsmasq'] });
  return [
    ...checks.map((check) => ({ name: check.name, run: () => ofHost(check) })),
    one('bridged packets', () => judgeBridgeFilter(readSysctl('net/bridge/bridge-nf-call-iptables'))),
    { name: 'connection tracking', run: ofConnectionTracking },
    one('open files', () => judgeOpenFiles(openFiles())),
    one('state directory', () => judgeSpace(spaceAt(config.state_dir), config.state_dir)),
    { name: 'controller', run: () => ofController(config) },
  ];
}

const one = (name: string, judge: () => Omit<Finding, 'name'>): Examination => ({
  name,
  run: () => [{ name, ...judge() }],
});

const isRoot = (): boolean => process.getuid?.() === 0;

async function ofHost({ name, asRoot, run, detail }: HostCheck): Promise<Finding[]> {
  if (asRoot && !isRoot()) return [{ name, status: 'unknown', found: 'not tried', mend: AS_ROOT }];
  try {
    const found = await run();
    const more = await detail?.().catch(() => undefined);
    return [{ name, status: 'ok', found: more === undefined ? found : `${more} (${found})` }];
  } catch (error) {
    // A sentence that says what is missing, and after a semicolon how to mend it.
    const [found = '', ...mend] = (error as Error).message.split('; ');
    return [{ name, status: 'error', found, ...(mend.length > 0 && { mend: capitalised(mend.join('; ')) }) }];
  }
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function ofConnectionTracking(): Finding[] {
  const name = 'connection tracking';
  const value = (parameter: string): number => Number(readSysctl(`net/netfilter/${parameter}`) ?? Number.NaN);
  const max = value('nf_conntrack_max');
  if (Number.isNaN(max)) {
    return [{ name, status: 'unknown', found: 'not in use yet', mend: 'The agent’s first rules bring it in' }];
  }
  const count = (namespace: string): number => inNetns(namespace, () => value('nf_conntrack_count'));
  const namespaces = isRoot() ? listNetns().filter((namespace) => OF_ROUTERS.test(namespace)) : [];
  const counts = new Map(['', ...namespaces].map((namespace) => [namespace, count(namespace)]));
  const tracking: ConnectionTracking = { max, buckets: value('nf_conntrack_buckets'), counts };
  return [{ name, ...judgeConnectionTracking(tracking) }];
}

/** How many files a process started like this one may have open. */
function openFiles(): number {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}

function spaceAt(directory: string): number {
  let there = directory;
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize } = statfsSync(there);
  return bavail * bsize;
}

async function ofController(config: AgentConfig & { host: string }): Promise<Finding[]> {
  const name = `controller ${config.controller}`;
  let connection: ControllerConnection;
  let token: string;
  try {
    connection = new ControllerConnection(config.controller);
  } catch (error) {
    return [{ name, status: 'error', found: (error as Error).message }];
  }
  if (config.credentials === undefined) {
    const mend = 'Give --credentials FILE: agent.yaml of the controller’s data directory';
    return [{ name, status: 'unknown', found: 'no credentials to ask it with', mend }];
  }
  try {
    token = await readToken(config.credentials);
  } catch (error) {
    const mend = 'Copy agent.yaml of the controller’s data directory here, readable for root only';
    return [{ name: 'credentials', status: 'error', found: (error as Error).message, mend }];
  }
  const path = `/portward/v1/agents/${encodeURIComponent(config.host)}`;
  try {
    const asked = Date.now();
    const answer = await connection.open({ method: 'GET', path, token, timeoutMs: PATIENCE });
    const now = (asked + Date.now()) / 2;
    const { agent } = (await jsonOf(answer)) as { agent: KnownAgent | null };
    return [
      { name, status: 'ok', found: 'answers, and takes the credentials' },
      { name: 'clock', ...judgeSkew(skewOf(answer.headers.date, now)) },
      { name: `agent of ${config.host}`, ...judgeAgent(agent ?? undefined, config.host) },
    ];
  } catch (error) {
    return [{ name, status: 'error', ...whyNot(error as Error, config) }];
  } finally {
    connection.close();
  }
}

function whyNot(error: Error, { credentials }: AgentConfig): { found: string; mend: string } {
  if (error instanceof RefusedError && error.status === 401) {
    return {
      found: 'refuses the credentials',
      mend: `${credentials} is not the agent.yaml that this controller wrote`,
    };
  }
  if (error instanceof RefusedError) {
    return { found: error.message, mend: 'Look into the controller’s log; is it of the same version?' };
  }
  return {
    found: `does not answer (${error.message})`,
    mend: 'Is it started, and is this its address (--controller)?',
  };
}

/** Seconds that this host is ahead; within the second that the header is rounded to there is no difference. */
function skewOf(date: string | undefined, now: number): number {
  const there = Date.parse(date ?? '');
  if (Number.isNaN(there)) return 0;
  const ahead = (now - there) / 1000;
  return ahead >= 0 && ahead < 1.5 ? 0 : ahead;
}

async function jsonOf(answer: AsyncIterable<Buffer>): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString());
}
