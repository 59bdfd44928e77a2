import { CommandError, run } from './run.ts';

/** A device as `ip -j address` tells it. */
export interface LinkState {
  ifname: string;
  ifindex: number;
  mtu: number;
  address?: string;
  ifalias?: string;
  /** `default`, a number, or a name from /etc/iproute2/group. */
  group?: string;
  master?: string;
  flags: string[];
  linkinfo?: { info_kind?: string };
  addr_info?: { family: string; local: string; prefixlen: number; scope: string }[];
}

/** A route as `ip -j route show table all` tells it. */
export interface RouteState {
  dst: string;
  gateway?: string;
  dev?: string;
  protocol?: string;
  table?: string;
  type?: string;
  flags?: string[];
}

/** A rule as `ip -j rule` tells it. */
export interface RuleState {
  priority: number;
  src?: string;
  srclen?: number;
  table?: string;
}

/** What there is of links, addresses, routes and rules in a namespace. */
export interface NetworkState {
  links: LinkState[];
  /** Of both families. */
  routes: RouteState[];
  rules: RuleState[];
}

const namespaceOption = (namespace: string): { namespace?: string } => (namespace === '' ? {} : { namespace });

/**
 * Runs lines of `ip` in one process and goes on after one that fails. Gives the reason of each failed line by its
 * place, from 0.
 */
export async function runIpLines(namespace: string, lines: readonly string[]): Promise<Map<number, string>> {
  const failed = new Map<number, string>();
  if (lines.length === 0) return failed;
  try {
    await run(['ip', '-force', '-batch', '-'], { input: `${lines.join('\n')}\n`, ...namespaceOption(namespace) });
  } catch (error) {
    if (!(error instanceof CommandError) || !error.stderr.includes('Command failed -:')) throw error;
    let reason = '';
    for (const line of error.stderr.split('\n')) {
      const place = /^Command failed -:(\d+)/.exec(line)?.[1];
      if (place === undefined)
        reason = `${reason}${reason === '' ? '' : ' '}${line.replace(/^(RTNETLINK answers|Error): /, '')}`;
      else {
        failed.set(Number(place) - 1, reason);
        reason = '';
      }
    }
  }
  return failed;
}

/** Reads the links of a namespace with their addresses. */
export async function readLinks(namespace: string): Promise<LinkState[]> {
  return parseLists(await run(['ip', '-j', '-d', 'address', 'show'], namespaceOption(namespace)))[0] as LinkState[];
}

/** Reads links, addresses, routes and rules of a namespace. */
export async function readNetwork(namespace: string): Promise<NetworkState> {
  const output = await run(['ip', '-j', '-d', '-batch', '-'], {
    input: 'address show\nroute show table all\nrule show\n',
    ...namespaceOption(namespace),
  });
  const [links = [], routes = [], rules = []] = parseLists(output);
  return { links: links as LinkState[], routes: routes as RouteState[], rules: rules as RuleState[] };
}

/** `ip -batch -j` writes one JSON list after the other; an empty answer may be none at all. */
function parseLists(output: string): unknown[][] {
  const lists: unknown[][] = [];
  let start = -1;
  let depth = 0;
  let inText = false;
  for (let i = 0; i < output.length; i++) {
    const character = output[i];
    if (inText) {
      if (character === '\\') i++;
      else if (character === '"') inText = false;
    } else if (character === '"') inText = true;
    else if (character === '[' || character === '{') {
      if (depth++ === 0) start = i;
    } else if (character === ']' || character === '}') {
      if (--depth === 0) lists.push(JSON.parse(output.slice(start, i + 1)) as unknown[]);
    }
  }
  return lists;
}
