import { z } from 'zod';
import { GREATEST_LIMIT, LIMITED_RESOURCES, UNLIMITED } from './quota.ts';
import type { Resource } from './resource.ts';

/** `physical network:bridge of the host`. */
const bridgeMapping = z.string().regex(/^[^:]+:[^:]+$/, 'expected physical network:bridge, for example public:br-ex');

const limitOf = ({ collection, quota }: Resource) =>
  z
    .int()
    .min(UNLIMITED)
    .max(GREATEST_LIMIT)
    .default(quota as number)
    .describe(`How many \`${collection}\` a project may have whose own quota was not set; -1: any number`);

/** An http or https URL without query, fragment or credentials. */
const serviceUrl = z
  .string()
  .regex(/^https?:\/\/[^/?#@\s"\\]+(\/[^?#\s"\\]*)?$/, 'expected a URL, for example http://keystone.example:5000/v3');

/** How an external Keystone is used. */
const keystoneSchema = z.strictObject({
  url: serviceUrl.describe('Keystone as the controller reaches it, for example http://keystone.example:5000/v3'),
  public_url: serviceUrl.optional().describe('Keystone as clients reach it, which answers 401 name; `url` unless set'),
  credentials: z
    .string()
    .min(1)
    .describe('File with the service user that asks Keystone about tokens; see [keystone.md](keystone.md)'),
  ca_file: z.string().min(1).optional().describe('File with the certificates that vouch for an https Keystone (PEM)'),
  admin_role: z.string().min(1).max(255).default('admin').describe('Role whose holders may do everything'),
  cache_seconds: z
    .int()
    .min(0)
    .max(3600)
    .default(60)
    .describe('Seconds that an answer about a token counts, never longer than the token lives; 0: each is asked about'),
  timeout_seconds: z.int().min(1).max(60).default(5).describe('Seconds after which Keystone counts as away'),
});

/** The configuration file of every role; flags override it. Unknown keys are refused. */
export const configSchema = z.strictObject({
  listen: z
    .string()
    .regex(/:\d{1,5}$/, 'expected host:port, for example 127.0.0.1:9696')
    .default('127.0.0.1:9696')
    .describe('Address and port of the API; loopback by default'),
  socket: z.string().optional().describe('Unix socket of the API; DATA_DIR/controller.sock unless set'),
  data_dir: z.string().default('/var/lib/portward').describe('Where the controller keeps its store and credentials'),
  store: z
    .string()
    .regex(/^(sqlite$|postgres(ql)?:\/\/)/, 'expected sqlite, or postgres://USER@HOST/DATABASE')
    .default('sqlite')
    .describe(
      'Where resources are kept: `sqlite` in the data directory, or `postgres://USER@HOST/DATABASE`, which several controllers may share',
    ),
  identity: z
    .union([z.literal('embedded'), z.strictObject({ keystone: keystoneSchema })])
    .default('embedded')
    .describe('Who knows users and projects: the controller itself, or an external Keystone, set by the keys below'),
  token_life: z.int().min(60).max(604_800).default(3600).describe('Life of a token of the embedded identity, seconds'),
  networking: z
    .strictObject({
      floating_ip_delete: z
        .enum(['cascade', 'refuse'])
        .default('cascade')
        .describe('Deleting a floating IP deletes its port forwardings, or is refused with 409 as Neutron does'),
      dns_domain: z.string().default('openstacklocal').describe('Domain of the names of ports'),
      quotas: z
        .strictObject(Object.fromEntries(LIMITED_RESOURCES.map((resource) => [resource.name, limitOf(resource)])))
        .prefault({}),
    })
    .prefault({}),
  agent: z
    .strictObject({
      controller: z.string().default('http://127.0.0.1:9696').describe('Controller to follow: a URL, or unix:PATH'),
      credentials: z
        .string()
        .optional()
        .describe('File with the agent’s token, written by the controller as DATA_DIR/agent.yaml'),
      host: z.string().min(1).max(255).optional().describe('Name of this host; its host name unless set'),
      bridge_mappings: z.array(bridgeMapping).default([]).describe('Bridge of the host for each physical network'),
      nat_backend: z
        .enum(['nftables', 'iptables'])
        .default('nftables')
        .describe('Which part of netfilter translates addresses'),
      misses: z
        .enum(['refuse', 'drop'])
        .default('refuse')
        .describe(
          'What becomes of packets to ports of a shared floating IP that are not forwarded: an answer that refuses them, ' +
            'or silence, which costs less under a scan',
        ),
      state_dir: z
        .string()
        .default('/run/portward-agent')
        .describe('Where the agent keeps what its helpers need: DHCP hosts, pid files'),
      machines: z.boolean().default(false).describe('Whether namespaces play the VMs of this host (demo, tests)'),
      audit_seconds: z
        .int()
        .min(1)
        .default(60)
        .describe('Seconds between two comparisons of the kernel with what it should be'),
    })
    .prefault({}),
});

export type Config = z.output<typeof configSchema>;
export type AgentConfig = Config['agent'];
export type KeystoneConfig = z.output<typeof keystoneSchema>;

/** Checks a parsed configuration file. Throws an Error that names each wrong key. */
export function parseConfig(document: unknown): Config {
  const outcome = configSchema.safeParse(document ?? {});
  if (outcome.success) return outcome.data;
  const problems = outcome.error.issues
    .flatMap(withinUnion)
    .map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`);
  throw new Error(`Configuration is wrong: ${problems.join('; ')}`);
}

/** What is wrong with the alternative that the value comes closest to, which says more than that none fits. */
function withinUnion(issue: z.core.$ZodIssue): { path: PropertyKey[]; message: string }[] {
  if (issue.code !== 'invalid_union') return [issue];
  const depth = (issues: readonly z.core.$ZodIssue[]): number => Math.max(...issues.map(({ path }) => path.length));
  const closest = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
  if (depth(closest) < 1) return [{ path: issue.path, message: 'expected embedded, or keystone with its settings' }];
  return closest.flatMap(withinUnion).map(({ path, message }) => ({ path: [...issue.path, ...path], message }));
}
