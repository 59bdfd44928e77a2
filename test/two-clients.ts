import assert from 'node:assert/strict';
import type { DIFFERENCES } from '@portward/cli/client/differences.ts';
import { runClient } from '@portward/cli/client/run.ts';
import type { ApiCloud, CloudName } from './api-cloud.ts';

/** Names of the intended differences. */
export type DifferenceName = (typeof DIFFERENCES)[number]['name'];

/** A row in which the two clients print different things on purpose. */
export interface Exception {
  readonly name: DifferenceName;
  /** The commands it is about, as the steps spell them. */
  readonly commands: RegExp;
  /** Rows or columns that only one of them has, or that differ; all the others have to be the same. */
  readonly keys?: readonly string[];
  /** What each of them says instead. */
  readonly says?: { readonly openstack: RegExp; readonly portward: RegExp };
  /** Undoes what only `portward` did, told what it printed. */
  readonly undo?: (said: string) => readonly string[];
}

/** The exceptions, each by its difference. */
export const EXCEPTIONS: readonly Exception[] = [
  { name: 'location', commands: /^(quota|extension) show/, keys: ['location'] },
  { name: 'updated', commands: /^extension list .*--long/, keys: ['Updated'] },
  { name: 'whole-numbers', commands: /^flavor list .*--long/, keys: ['RXTX Factor'] },
  {
    name: 'port-ranges',
    commands: /^floating ip port forwarding create .*90:95/,
    says: { openstack: /invalid int value: '90:95'$/, portward: /^The relation between internal and external ports/ },
  },
  {
    name: 'protocol-case',
    commands: /^floating ip port forwarding create .* TCP/,
    says: { openstack: /TCP is not in valid_values\.$/, portward: /\| protocol +\| tcp / },
    undo: (said) => {
      const id = /\| id +\| (\S+)/.exec(said)?.[1] ?? '';
      return ['floating', 'ip', 'port', 'forwarding', 'delete', '203.0.113.20', id];
    },
  },
  {
    name: 'port-ranges',
    commands: /^floating ip port forwarding (create|show)/,
    keys: ['external_port_range', 'internal_port_range'],
  },
  {
    name: 'filters',
    commands: /^port list --security-group/,
    says: { openstack: /^Invalid query params: security_groups$/, portward: /\| one +\|/ },
  },
  {
    name: 'filters',
    commands: /^subnet list --service-type/,
    says: { openstack: /^Invalid query params: service_types$/, portward: /service_types/ },
  },
];

const BLOCK_DEVICES =
  '--image-property --volume --snapshot --boot-from-volume --block-device-mapping --block-device --swap --ephemeral';

/** Options of openstack that are left out, by command. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  'endpoint list': '--endpoint',
  'keypair create': '--type',
  'keypair list': '--project --project-domain',
  'quota list': '--volume',
  'quota set': '--backups --backup-gigabytes --gigabytes --per-volume-gigabytes --snapshots --volumes --volume-type',
  'server create': `${BLOCK_DEVICES} --file --config-drive --trusted-image-cert`,
};

/** Carries out one command of ours in this process; answers all that it printed, errors too, and its exit code. */
export async function portward(
  cloud: ApiCloud,
  name: CloudName,
  words: readonly string[],
): Promise<{ code: number; said: string }> {
  let said = '';
  const sink = {
    write: (text: string) => {
      said += text;
    },
  };
  const code = await runClient(words, {
    ...{ stdout: sink, stderr: sink, isTTY: false, columns: 0, cwd: cloud.directory },
    env: { ...cloud.environment(name), HOME: cloud.directory },
  });
  return { code, said: said.trimEnd() };
}

/** What two clouds cannot have in common, replaced by words of the same width; lines of a list in one order. */
export function folded(said: string): string {
  return said
    .replaceAll(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<id>'.padEnd(36, '.'))
    .replaceAll(/\b[0-9a-f]{32}\b/g, '<id>'.padEnd(32, '.'))
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/g, '<time>'.padEnd(19, '.'))
    .replaceAll(/\binstance-[0-9a-f]{8}\b/g, 'instance-<number>')
    .replaceAll(/fa:16:3e:..:..:../g, '<mac>'.padEnd(17, '.'))
    .replaceAll(/127\.0\.0\.1:\d+/g, '<address>')
    .replaceAll(/("(?:id|secret|adminPass|hostId)": )"[^"<]+"/g, '$1"<secret>"')
    .split('\n')
    .toSorted()
    .join('\n');
}

/** The request of an error is another one for each client. */
export const withoutRequest = (said: string): string => said.replaceAll(/req-[0-9a-f-]{36}/g, '<request>');

/** Both refuse the command line, and give the same reason for it. */
export function sameReason(openstack: string, ours: string): boolean {
  if (!openstack.includes('usage: ') || !ours.startsWith('usage: ')) return false;
  const reason = (said: string): string => said.slice(said.indexOf(': error: ')).split('\nDid you mean')[0] ?? '';
  assert.equal(reason(ours), reason(openstack));
  return true;
}
