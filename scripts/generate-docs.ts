/** npm run docs: writes the pages of docs/ that are made from definitions. */
import { writeFileSync } from 'node:fs';
import { configurationDocument } from '@portward/model/configuration-document.ts';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationDocument());
