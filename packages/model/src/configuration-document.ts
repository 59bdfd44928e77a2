import { z } from 'zod';
import { configSchema } from './config.ts';

interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
}

/** The reference of the configuration file, in Markdown, from the definition that reads the file. */
export function configurationDocument(): string {
  const rows = rowsOf(z.toJSONSchema(configSchema, { io: 'input' }) as JsonSchema, '');
  return `# Configuration

One YAML file for every role: \`--config FILE\`. Flags override it; unknown keys are refused. This page is made from the
definition that reads the file (\`npm run docs\`).

| key | meaning | default |
|---|---|---|
${rows.join('\n')}
`;
}

function rowsOf(schema: JsonSchema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    if (value.properties !== undefined) return rowsOf(value, `${prefix}${key}.`);
    const choices = value.enum === undefined ? '' : ` (${value.enum.map((choice) => `\`${choice}\``).join(', ')})`;
    const fallback =
      value.default === undefined ? '' : `\`${JSON.stringify(value.default).replace(/^"(.*)"$/, '$1')}\``;
    const row = `| \`${prefix}${key}\` | ${value.description ?? ''}${choices} | ${fallback} |`;
    return [row, ...(value.anyOf ?? []).flatMap((choice) => rowsOf(choice, `${prefix}${key}.`))];
  });
}
