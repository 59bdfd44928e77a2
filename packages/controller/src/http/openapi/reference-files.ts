import { readFileSync } from 'node:fs';
import { networkIpAvailability } from '@portward/model/network-ip-availability.ts';
import { quota } from '@portward/model/quota.ts';
import type { Resource } from '@portward/model/resource.ts';
import { NETWORKING_RESOURCES } from '@portward/model/resources.ts';
import { serviceProvider } from '@portward/model/service-provider.ts';
import * as errors from '../../networking/errors.ts';
import { EXTENSIONS } from '../../networking/extensions.ts';
import { ServerFixture } from '../server-fixture.ts';
import { extensionsTable, type Refusal, referencePages } from './reference-pages.ts';

/** docs/ of this repository. */
export const DOCS: URL = new URL('../../../../../docs/', import.meta.url);

const COMPATIBILITY = 'compatibility.md';
const MARKED = /(<!-- extensions: made by npm run docs -->\n)[\s\S]*?(<!-- end of extensions -->)/;

/** Every page of docs/ that is made from the API, by its path in docs/: what it should say. */
export async function referenceFiles(): Promise<Map<string, string>> {
  const server = await ServerFixture.open();
  const { body: document } = await server.request('GET', '/openapi.json');
  await server.close();
  const refusals = Object.values(errors).filter((refusal): refusal is typeof refusal & Refusal => 'type' in refusal);
  const resources: readonly Resource[] = [...NETWORKING_RESOURCES, quota, networkIpAvailability, serviceProvider];
  const pages = referencePages({ document, resources, refusals });
  const files = new Map([...pages].map(([name, text]) => [`api/${name}`, text]));
  const compatibility = readFileSync(new URL(COMPATIBILITY, DOCS), 'utf8');
  files.set(
    COMPATIBILITY,
    compatibility.replace(
      MARKED,
      (_match, start: string, end: string) => `${start}${extensionsTable(EXTENSIONS).trimEnd()}\n${end}`,
    ),
  );
  return files;
}
