import { readFile } from 'node:fs/promises';

/**
 * The agent's token from its credentials file: lines `key: value`, of which only `token` counts, and comments. Throws
 * an Error that names the file and what is wrong with it.
 */
export async function readToken(file: string): Promise<string> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`The agent's credentials cannot be read: ${(error as Error).message}`);
  }
  return parseToken(content, file);
}

/** As readToken, of a file already read. */
export function parseToken(content: string, file: string): string {
  let token: string | undefined;
  for (const [index, line] of content.split('\n').entries()) {
    const where = `Credentials file ${file}, line ${index + 1}`;
    if (/^\s*(#.*)?\r?$/.test(line)) continue;
    const parts = /^([a-z_]+):[ \t]+(.*?)[ \t]*\r?$/.exec(line);
    if (!parts) throw new Error(`${where}: expected 'key: value'`);
    if (parts[1] !== 'token') continue;
    if (token !== undefined) throw new Error(`${where}: a second token`);
    token = unquoted(parts[2] ?? '');
    // Whatever else stood there could not be sent in an HTTP header.
    if (!/^[\x21-\x7e]+$/.test(token)) throw new Error(`${where}: a token has printable characters without spaces`);
  }
  if (token === undefined) throw new Error(`Credentials file ${file} has no line 'token: …'`);
  return token;
}

const unquoted = (value: string): string => /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
