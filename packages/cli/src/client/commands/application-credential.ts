import type { Json, JsonObject } from '../cell.ts';
import { isObject, pythonText } from '../cell.ts';
import type { Call, Column, Command, Resource } from '../command.ts';
import { ClientError } from '../errors.ts';
import { deleteEach, listOutput, showOutput } from '../execute.ts';
import type { ShowOutput } from '../format.ts';
import { findInDomain, user } from '../other-resources.ts';
import { find, idOf, listAll, objectPath, unwrapped } from '../resolve.ts';
import { readTextFile } from '../text-file.ts';

const CREDENTIAL = { name: 'application-credential', help: 'Application credential (name or ID)' };

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
  { title: 'Project ID', attr: 'project_id' },
  { title: 'Description', attr: 'description' },
  { title: 'Expires At', attr: 'expires_at' },
];

/** A user's application credentials: they live below him. */
function credentialsOf(userId: string): Resource {
  return {
    service: 'identity',
    label: 'applicationcredential',
    plainName: 'application credential',
    collection: `/users/${encodeURIComponent(userId)}/application_credentials`,
    one: 'application_credential',
    many: 'application_credentials',
  };
}

const own = ({ session }: Call): Resource => credentialsOf(session.userId ?? '');

/** Role names instead of the roles. */
function shown(credential: JsonObject): ShowOutput {
  const roles = Array.isArray(credential.roles) ? credential.roles.filter(isObject) : [];
  return showOutput(undefined, { ...credential, roles: roles.map(({ name }) => pythonText(name ?? '')).join(' ') });
}

/** The id of a role of one's own token: a credential has no other. Unknown names are left for the API to refuse. */
function ownRole({ session }: Call, text: string): JsonObject {
  const roles = Array.isArray(session.tokenBody.roles) ? session.tokenBody.roles.filter(isObject) : [];
  return { id: roles.find(({ name }) => name === text)?.id ?? text };
}

async function accessRules(text: string): Promise<Json> {
  for (const read of [async () => text, () => readTextFile(text)]) {
    try {
      return JSON.parse(await read()) as Json;
    } catch {
      // Neither JSON nor, next, a file of it.
    }
  }
  throw new ClientError('Access rules is not valid JSON string or file does not exist.');
}

function expiry(text: string): string {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text)) {
    throw new ClientError(`time data '${text}' does not match format '%Y-%m-%dT%H:%M:%S'`);
  }
  return `${text}.000000`;
}

async function createCredential(call: Call): Promise<ShowOutput> {
  const { values, session } = call;
  const secret = values.text('--secret');
  const expires = values.text('--expiration');
  const description = values.text('--description');
  const rules = values.text('--access-rules');
  const roles = values.texts('--role').map((text) => ownRole(call, text));
  const body = {
    application_credential: {
      name: values.text('name') ?? '',
      unrestricted: values.has('--unrestricted') && !values.has('--restricted'),
      ...(secret === undefined ? {} : { secret }),
      ...(expires === undefined ? {} : { expires_at: expiry(expires) }),
      ...(description === undefined ? {} : { description }),
      ...(roles.length === 0 ? {} : { roles }),
      ...(rules === undefined ? {} : { access_rules: await accessRules(rules) }),
    },
  };
  const answer = await session.request('identity', 'POST', own(call).collection, { body });
  return shown(unwrapped(own(call), answer.body));
}

async function listCredentials(call: Call): Promise<ReturnType<typeof listOutput>> {
  const name = call.values.text('--user');
  const resource =
    name === undefined ? own(call) : credentialsOf(await findInDomain(call, user, name, '--user-domain'));
  return listOutput(columns, await listAll(call.session, resource, {}), '');
}

/** `application credential …` */
export const commands: readonly Command[] = [
  {
    words: 'application credential create',
    help: 'Create a credential for a program: it signs in as you, in this project, with some of your roles',
    example: 'application credential create --role member robot',
    arguments: [{ name: 'name', help: 'Name' }],
    options: [
      { flag: '--secret', metavar: '<secret>', help: 'Its secret (one is made if not given)' },
      {
        flag: '--role',
        metavar: '<role>',
        repeat: true,
        help: 'Role it has (may be repeated; all of yours if not given)',
      },
      { flag: '--expiration', metavar: '<time>', help: 'When it ends: YYYY-mm-ddTHH:MM:SS, UTC' },
      { flag: '--description', metavar: '<text>', help: 'Description' },
      { flag: '--unrestricted', help: 'It may make and delete credentials itself' },
      { flag: '--restricted', help: 'It may not (default)' },
      { flag: '--access-rules', metavar: '<rules>', help: 'Requests it may make, as JSON or a file of it' },
    ],
    action: { do: 'call', output: 'show', run: createCredential },
  },
  {
    words: 'application credential list',
    help: 'List application credentials',
    example: 'application credential list',
    options: [
      { flag: '--user', metavar: '<user>', help: 'Of this user (name or ID)' },
      { flag: '--user-domain', metavar: '<domain>', help: 'Domain of that user (name or ID)' },
    ],
    action: { do: 'call', output: 'list', run: listCredentials },
  },
  {
    words: 'application credential show',
    help: 'Show an application credential',
    example: 'application credential show robot',
    arguments: [CREDENTIAL],
    action: {
      do: 'call',
      output: 'show',
      run: async (call) => shown(await find(call.session, own(call), call.values.text(CREDENTIAL.name) ?? '')),
    },
  },
  {
    words: 'application credential delete',
    help: 'Delete application credentials',
    example: 'application credential delete robot',
    arguments: [{ ...CREDENTIAL, many: true }],
    action: {
      do: 'call',
      output: 'none',
      run: async (call) => {
        const resource = own(call);
        await deleteEach(resource, call.values.texts(CREDENTIAL.name), call, async (name) => {
          const path = objectPath(resource, idOf(await find(call.session, resource, name)));
          await call.session.request('identity', 'DELETE', path);
        });
        return undefined;
      },
    },
  },
];
