/** npm run docs: writes the pages of docs/ that are made from definitions. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cliDocument, manPage } from '@portward/cli/client/reference.ts';
import { DOCS, referenceFiles } from '@portward/controller/http/openapi/reference-files.ts';
import { configurationDocument } from '@portward/model/configuration-document.ts';

writeFileSync(new URL('configuration.md', DOCS), configurationDocument());
writeFileSync(new URL('cli.md', DOCS), await cliDocument());
mkdirSync(new URL('man/', DOCS), { recursive: true });
writeFileSync(new URL('man/portward.1', DOCS), await manPage());
const files = await referenceFiles();
rmSync(new URL('api/', DOCS), { recursive: true, force: true });
mkdirSync(new URL('api/', DOCS));
for (const [path, text] of files) writeFileSync(new URL(path, DOCS), text);
