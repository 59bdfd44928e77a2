import { z } from 'zod';
import { badCompute } from './errors.ts';
import { MOST_TAGS, metadataOf, nameText, readBody, tagText } from './request-body.ts';

const id = z.string().min(1).max(255);
const networks = z
  .array(
    z.object({
      uuid: id.nullish(),
      port: id.nullish(),
      fixed_ip: z.union([z.ipv4(), z.ipv6()], 'expected an IP address').nullish(),
    }),
  )
  .max(64);

/** Longest user data, in base64: Nova's bound. */
const LONGEST_USER_DATA = 65_535;
/** Most servers that one request makes. */
const MOST_AT_ONCE = 100;
const count = z
  .union(
    [
      z.int(),
      z
        .string()
        .regex(/^\d{1,4}$/)
        .transform(Number),
    ],
    'expected a number',
  )
  .refine((value) => value >= 1 && value <= MOST_AT_ONCE, `expected 1 to ${MOST_AT_ONCE}`);

const body = z.object({
  server: z.object({
    name: nameText,
    flavorRef: z.union([z.string().min(1).max(255), z.int().transform(String)], 'expected a flavor’s id'),
    imageRef: z.string().max(255).optional(),
    networks: z.union([networks, z.literal(['auto', 'none'])], 'expected networks, auto or none').optional(),
    security_groups: z
      .array(z.object({ name: z.string().min(1).max(255) }))
      .max(64)
      .optional(),
    key_name: z.string().max(255).nullish(),
    user_data: z.string().max(LONGEST_USER_DATA).nullish(),
    min_count: count.optional(),
    max_count: count.optional(),
    metadata: metadataOf.optional(),
    availability_zone: z.string().min(1).max(255).nullish(),
    description: z.string().max(255).nullish(),
    tags: z.array(tagText).max(MOST_TAGS).optional(),
    block_device_mapping: z.array(z.unknown()).optional(),
    block_device_mapping_v2: z.array(z.unknown()).optional(),
    return_reservation_id: z.boolean().optional(),
  }),
});

/** One network interface of a new server. */
export type WantedInterface =
  | { readonly port: string }
  | { readonly network: string; readonly fixedIp: string | undefined };

/** The body of `POST /servers`, checked as far as that goes without the store. */
export interface NewServers {
  readonly name: string;
  readonly flavorId: string;
  /** Null: it boots from a volume. */
  readonly imageId: string | null;
  /** `default`: on the one network that the project has, if it has one. */
  readonly interfaces: readonly WantedInterface[] | 'default' | 'auto';
  readonly securityGroups: readonly string[];
  readonly keyName: string | undefined;
  readonly userData: string | null;
  readonly count: number;
  readonly metadata: Record<string, string>;
  readonly availabilityZone: string | undefined;
  readonly description: string | null;
  readonly tags: readonly string[];
  readonly wantsReservation: boolean;
}

/** Reads the body of `POST /servers` in the given minor version. Throws 400. */
export function readNewServers(given: unknown, minor: number): NewServers {
  const { server } = readBody(body, given);
  const { min_count: min, max_count: max } = server;
  if (min !== undefined && max !== undefined && min > max) throw badCompute('min_count must be <= max_count');
  const interfaces = readInterfaces(server.networks, minor);
  const count = max ?? min ?? 1;
  refuseSharing(interfaces, count);
  return {
    name: server.name,
    flavorId: server.flavorRef,
    imageId: readImage(server),
    interfaces,
    securityGroups: [...new Set((server.security_groups ?? []).map((group) => group.name))],
    keyName: server.key_name ?? undefined,
    userData: readUserData(server.user_data ?? null),
    count,
    metadata: server.metadata ?? {},
    availabilityZone: server.availability_zone ?? undefined,
    description: server.description ?? null,
    tags: [...new Set(server.tags ?? [])],
    wantsReservation: server.return_reservation_id === true,
  };
}

type ServerBody = z.output<typeof body>['server'];

function readInterfaces(given: ServerBody['networks'], minor: number): NewServers['interfaces'] {
  if (typeof given === 'string') {
    if (minor < 37) throw badCompute(`Invalid input for field/attribute networks. Value: ${given}. It needs 2.37`);
    return given === 'none' ? [] : 'auto';
  }
  if (given === undefined && minor >= 37) {
    throw badCompute("Invalid input for field/attribute server. 'networks' is a required property");
  }
  // An empty list has always meant the same as none at all.
  if (given === undefined || given.length === 0) return 'default';
  return given.map(({ uuid, port, fixed_ip: fixedIp }) => {
    if (port !== null && port !== undefined) {
      if (fixedIp !== null && fixedIp !== undefined) {
        throw badCompute(
          `Specified Fixed IP '${fixedIp}' cannot be used with port '${port}': the two cannot be specified together.`,
        );
      }
      return { port };
    }
    if (uuid === null || uuid === undefined) {
      throw badCompute('Bad networks format: network uuid is not in proper format (None)');
    }
    return { network: uuid, fixedIp: fixedIp ?? undefined };
  });
}

/** A port or an address can be that of one server only. */
function refuseSharing(interfaces: NewServers['interfaces'], count: number): void {
  if (typeof interfaces === 'string') return;
  const ports = interfaces.flatMap((item) => ('port' in item ? [item.port] : []));
  if (new Set(ports).size < ports.length) throw badCompute('A port was given twice.');
  if (count === 1) return;
  if (ports.length > 0) {
    throw badCompute(
      'Unable to launch multiple instances with a single configured port ID. Please launch your instance one by one with different ports.',
    );
  }
  if (interfaces.some((item) => 'fixedIp' in item && item.fixedIp !== undefined)) {
    throw badCompute('Invalid fixed IP Address in request: it can be that of one server only.');
  }
}

function readImage(server: ServerBody): string | null {
  if (server.imageRef !== undefined && server.imageRef !== '') return server.imageRef;
  if (server.block_device_mapping === undefined && server.block_device_mapping_v2 === undefined) {
    throw badCompute('Invalid imageRef provided.');
  }
  return null;
}

function readUserData(text: string | null): string | null {
  if (
    text !== null &&
    !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text.replace(/\s/g, ''))
  ) {
    throw badCompute('Invalid input for field/attribute user_data. It is not base64.');
  }
  return text;
}
