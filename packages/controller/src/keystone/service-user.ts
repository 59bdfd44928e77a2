import { readFileSync } from 'node:fs';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';

const text = z.string().min(1);

/** The names are those of an `auth` section in clouds.yaml and of the options of every OpenStack service. */
const credentialsSchema = z.strictObject({
  username: text.optional(),
  user_id: text.optional(),
  user_domain_name: text.optional(),
  user_domain_id: text.optional(),
  password: text.optional(),
  project_name: text.optional(),
  project_id: text.optional(),
  project_domain_name: text.optional(),
  project_domain_id: text.optional(),
  application_credential_id: text.optional(),
  application_credential_name: text.optional(),
  application_credential_secret: text.optional(),
});

type Credentials = z.output<typeof credentialsSchema>;

/**
 * The body with which the service user of a credentials file signs in. Throws a sentence that says what is wrong with
 * the file; it never holds what stands in there.
 */
export function readServiceUser(path: string): Record<string, unknown> {
  const credentials = readCredentials(path);
  const missing = (what: string) => new Error(`${path} holds no ${what}.`);
  if (credentials.application_credential_secret !== undefined) return withApplicationCredential(credentials, missing);
  const { password } = credentials;
  if (password === undefined) throw missing('password and no application_credential_secret');
  const { project_id: id, project_name: name } = credentials;
  if (id === undefined && name === undefined) throw missing('project_name or project_id');
  const domain = domainOf(credentials.project_domain_id, credentials.project_domain_name);
  return {
    auth: {
      identity: { methods: ['password'], password: { user: { ...userOf(credentials, missing), password } } },
      scope: { project: id === undefined ? { name, domain } : { id } },
    },
  };
}

function readCredentials(path: string): Credentials {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`The credentials for Keystone cannot be read (${(error as Error).message}).`);
  }
  let document: unknown;
  try {
    document = parse(content);
  } catch (error) {
    // Its message quotes the line, which may be the one with the password.
    const line = error instanceof YAMLParseError ? error.linePos?.[0].line : undefined;
    throw new Error(`${path} is no YAML file${line === undefined ? '' : `: see line ${line}`}.`);
  }
  const outcome = credentialsSchema.safeParse(document);
  if (outcome.success) return outcome.data;
  const problems = outcome.error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`);
  throw new Error(`${path} is wrong: ${problems.join('; ')}.`);
}

type Missing = (what: string) => Error;

function withApplicationCredential(credentials: Credentials, missing: Missing): Record<string, unknown> {
  const {
    application_credential_id: id,
    application_credential_name: name,
    application_credential_secret: secret,
  } = credentials;
  if (id === undefined && name === undefined) throw missing('application_credential_id or application_credential_name');
  const which = id === undefined ? { name, user: userOf(credentials, missing) } : { id };
  return {
    auth: {
      identity: { methods: ['application_credential'], application_credential: { ...which, secret } },
    },
  };
}

function userOf(credentials: Credentials, missing: Missing): Record<string, unknown> {
  const { user_id: id, username: name, user_domain_id: domainId, user_domain_name: domainName } = credentials;
  if (id !== undefined) return { id };
  if (name === undefined) throw missing('username or user_id');
  return { name, domain: domainOf(domainId, domainName) };
}

/** Users and projects whose domain is not said are in the one that every Keystone begins with. */
const domainOf = (id: string | undefined, name: string | undefined): Record<string, unknown> =>
  id === undefined && name !== undefined ? { name } : { id: id ?? 'default' };
