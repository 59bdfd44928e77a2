import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Writes a file that only its owner may read, whole or not at all. */
export function writePrivateFile(path: string, content: string): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, 'w', 0o600);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
}

/** The agents' token: from DIR/agent.yaml, which is written when it is not there yet. */
export function agentToken(dataDir: string): string {
  const path = join(dataDir, 'agent.yaml');
  if (existsSync(path)) {
    const match = /^token: ([\w-]{20,})$/m.exec(readFileSync(path, 'utf8'));
    if (match?.[1] === undefined) throw new Error(`${path} holds no token; delete it to have a new one made.`);
    return match[1];
  }
  const token = randomBytes(32).toString('base64url');
  writePrivateFile(
    path,
    `# What agents show to the controller: portward agent --credentials ${path}\ntoken: ${token}\n`,
  );
  return token;
}

/** One cloud of a clouds.yaml. */
export interface CloudEntry {
  name: string;
  authUrl: string;
  username: string;
  password: string;
  project: string;
}

/** How a clouds.yaml begins; entries follow. */
export const CLOUDS_HEADER = `# Written by the portward controller. Every OpenStack client reads it: openstack --os-cloud portward-admin …
clouds:
`;

/** One entry of a clouds.yaml, as every OpenStack client reads it. JSON strings are YAML strings. */
export const cloudEntry = (cloud: CloudEntry): string => `  ${cloud.name}:
    auth:
      auth_url: ${JSON.stringify(cloud.authUrl)}
      username: ${JSON.stringify(cloud.username)}
      password: ${JSON.stringify(cloud.password)}
      project_name: ${JSON.stringify(cloud.project)}
      user_domain_id: default
      project_domain_id: default
    region_name: RegionOne
    interface: public
    identity_api_version: 3
`;
