import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '@portward/model/config.ts';
import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { CLOUDS_HEADER, type CloudEntry, cloudEntry, writePrivateFile } from './credentials.ts';
import type { Authenticator } from './http/authentication.ts';
import { Identity } from './identity/identity.ts';
import { identityRoutes } from './identity/routes.ts';
import { elsewhereRoutes } from './keystone/elsewhere-routes.ts';
import { Keystone } from './keystone/keystone.ts';
import type { Store } from './store/store.ts';

/** Who knows users and projects, and what is served at `/identity`. */
export interface IdentityService {
  readonly authenticator: Authenticator;
  readonly routes: FastifyPluginAsync;
  /** Makes what the first start makes; `url`: where the API is. */
  makeFirstUsers(url: string, options: FirstUsers): Promise<void>;
  close(): void;
}

/** What the first start is told. */
export interface FirstUsers {
  readonly dataDir: string;
  /** Of the user `admin`; random when absent. */
  readonly adminPassword: string | undefined;
  /** Also makes project and user `demo`. */
  readonly demo: boolean;
}

/** The embedded Identity or an external Keystone, as the configuration says. Throws a sentence when it cannot be used. */
export async function openIdentityService(
  config: Pick<Config, 'identity' | 'token_life'>,
  store: Store,
  log: Logger,
): Promise<IdentityService> {
  if (config.identity === 'embedded') {
    const identity = await Identity.open(store, { tokenLife: config.token_life });
    return {
      authenticator: identity,
      routes: identityRoutes(identity),
      makeFirstUsers: (url, options) => makeFirstUsers(identity, url, options),
      close: () => identity.close(),
    };
  }
  const keystone = Keystone.open(config.identity.keystone, log);
  return {
    authenticator: keystone,
    routes: elsewhereRoutes(keystone.authUrl),
    makeFirstUsers: async () => {
      log.info(`users are Keystone's (${keystone.authUrl}): none is made here, and no clouds.yaml is written`);
    },
    close: () => keystone.close(),
  };
}

/** Makes the first users; their passwords go into clouds.yaml, the only place where they stand, before they count. */
async function makeFirstUsers(
  identity: Identity,
  url: string,
  { dataDir, adminPassword, demo }: FirstUsers,
): Promise<void> {
  const path = join(dataDir, 'clouds.yaml');
  const cloud = (name: string, username: string, password: string): CloudEntry => ({
    name,
    authUrl: `${url}/identity/v3`,
    username,
    password,
    project: username,
  });
  await identity.bootstrap({
    ...(adminPassword !== undefined && { adminPassword }),
    demo,
    keep: (made) => {
      const present = made.admin === undefined && existsSync(path) ? readFileSync(path, 'utf8') : CLOUDS_HEADER;
      const clouds = [
        ...(made.admin ? [cloud('portward-admin', 'admin', made.admin.password)] : []),
        ...(made.demo ? [cloud('portward-demo', 'demo', made.demo.password)] : []),
      ];
      writePrivateFile(path, present + clouds.map(cloudEntry).join(''));
    },
  });
}
