import { writeFile } from 'node:fs/promises';
import { ApiError, libraryLine } from '../api-error.ts';
import type { JsonObject } from '../cell.ts';
import { isObject } from '../cell.ts';
import type { Call, Column, Command, Field, Option, Outcome } from '../command.ts';
import { ClientError, MissingError } from '../errors.ts';
import { deleteEach, listOutput, showOutput } from '../execute.ts';
import { findInDomain, keypair, user } from '../other-resources.ts';
import { listAll, objectPath, unwrapped, versionOf } from '../resolve.ts';
import { readTextFile } from '../text-file.ts';

const KEY = { name: 'key', help: 'Key (name)' };

const OF_USER: readonly Option[] = [
  { flag: '--user', metavar: '<user>', help: 'Of this user (administrators; compute API 2.10 or newer)' },
  { flag: '--user-domain', metavar: '<domain>', help: 'Domain of that user (name or ID)' },
];

/** The user named, as the compute API wants him. */
async function ownerQuery(call: Call): Promise<{ user_id?: string }> {
  const name = call.values.text('--user');
  if (name === undefined) return {};
  if (Number(call.session.auth.computeVersion.split('.')[1]) < 10) {
    throw new ClientError('--os-compute-api-version 2.10 or greater is required to support the --user option');
  }
  return { user_id: await findInDomain(call, user, name, '--user-domain') };
}

const columns: readonly Column[] = [
  { title: 'Name', attr: 'name' },
  { title: 'Fingerprint', attr: 'fingerprint' },
  { title: 'Type', attr: 'type' },
];

const FIELDS = ['created_at', 'fingerprint', 'id', 'is_deleted', 'name', 'type', 'user_id'].map((attr) => ({
  name: attr,
  attr,
}));

/** A key pair's name is its id; a kind that the API does not tell is `ssh`. */
/** The cloud does not keep it, and `show` says so. */
const PRIVATE_KEY: Field = { name: 'private_key', attr: 'private_key' };

/** `more`: fields beside the usual ones. */
function shown(key: JsonObject, more: readonly Field[] = []): Outcome {
  return showOutput([...FIELDS, ...more], {
    ...key,
    id: key.name ?? null,
    is_deleted: key.deleted ?? null,
    type: key.type ?? 'ssh',
  });
}

/** One request about a key, its refusal in the words that openstack has for it. */
async function askKey(call: Call, method: 'GET' | 'DELETE', name: string): Promise<JsonObject> {
  const query = await ownerQuery(call);
  try {
    const parts = { ...versionOf(call.session, keypair), query };
    const { body } = await call.session.request('compute', method, objectPath(keypair, name), parts);
    return unwrapped(keypair, body);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404 && method === 'GET') throw new MissingError(`No Keypair found for ${name}`);
    throw new ClientError(libraryLine(error));
  }
}

async function createKey(call: Call): Promise<Outcome> {
  const { values, session, progress } = call;
  const publicFile = values.text('--public-key');
  const privateFile = values.text('--private-key');
  const given = publicFile === undefined ? {} : { public_key: await readTextFile(publicFile) };
  const body = { keypair: { name: values.text('name') ?? '', ...given, ...(await ownerQuery(call)) } };
  const answer = await session.request('compute', 'POST', keypair.collection, { ...versionOf(session, keypair), body });
  const created = unwrapped(keypair, answer.body);
  const secret = typeof created.private_key === 'string' ? created.private_key : '';
  if (privateFile !== undefined) {
    try {
      // Whoever can read the key is its owner.
      await writeFile(privateFile, secret, { mode: 0o600 });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ClientError(`Key file ${privateFile} can not be saved: ${reason}`);
    }
  }
  if (publicFile !== undefined || privateFile !== undefined) return shown(created);
  progress(secret);
  return undefined;
}

async function listKeys(call: Call): Promise<Outcome> {
  const { values } = call;
  const query = { ...(await ownerQuery(call)), marker: values.text('--marker'), limit: values.text('--limit') };
  const items = await listAll(call.session, keypair, query);
  return listOutput(
    columns,
    items.map((item) => (isObject(item.keypair ?? null) ? (item.keypair as JsonObject) : item)),
  );
}

/** `keypair …` */
export const commands: readonly Command[] = [
  {
    words: 'keypair create',
    help: 'Create an SSH key pair, or take a public key over; prints the private key where no file is given',
    example: 'keypair create --public-key ~/.ssh/id_ed25519.pub mine',
    arguments: [{ name: 'name', help: 'Name' }],
    options: [
      { flag: '--public-key', metavar: '<file>', help: 'File of the public key to take over', group: 'file' },
      { flag: '--private-key', metavar: '<file>', help: 'File to write the private key to', group: 'file' },
      ...OF_USER,
    ],
    action: { do: 'call', output: 'show', run: createKey },
  },
  {
    words: 'keypair list',
    help: 'List SSH keys',
    example: 'keypair list',
    options: [
      ...OF_USER,
      { flag: '--marker', metavar: '<key>', help: 'Begin after this key (compute API 2.35 or newer)' },
      { flag: '--limit', metavar: '<count>', integer: true, help: 'At most so many (compute API 2.35 or newer)' },
    ],
    action: { do: 'call', output: 'list', run: listKeys },
  },
  {
    words: 'keypair show',
    help: 'Show an SSH key',
    example: 'keypair show --public-key mine',
    arguments: [KEY],
    options: [{ flag: '--public-key', help: 'The public key itself' }, ...OF_USER],
    action: {
      do: 'call',
      output: 'show',
      run: async (call) => {
        const { values, progress } = call;
        const found = await askKey(call, 'GET', values.text('key') ?? '');
        if (!values.has('--public-key')) return shown(found, [PRIVATE_KEY]);
        progress(typeof found.public_key === 'string' ? found.public_key : '');
        return undefined;
      },
    },
  },
  {
    words: 'keypair delete',
    help: 'Delete SSH keys',
    example: 'keypair delete mine',
    arguments: [{ ...KEY, many: true }],
    options: OF_USER,
    action: {
      do: 'call',
      output: 'none',
      run: async (call) => {
        await deleteEach(keypair, call.values.texts('key'), call, async (name) => {
          await askKey(call, 'DELETE', name);
        });
        return undefined;
      },
    },
  },
];
