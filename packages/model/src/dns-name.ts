import type { z } from 'zod';
import { checkedBy, pythonText } from './attribute.ts';

const LONGEST_NAME = 255;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** A host or domain name, empty for none; kept in lower case. A name that ends with a dot is a full one. */
export const dnsName = (): z.ZodType<string> =>
  checkedBy<string>({ type: 'string', format: 'dns-name', maxLength: LONGEST_NAME }, (value) => {
    if (typeof value !== 'string') return { reason: `'${pythonText(value)}' is not a valid string` };
    if (value.length > LONGEST_NAME) return { reason: `'${value}' exceeds the ${LONGEST_NAME} character FQDN limit` };
    const folded = value.toLowerCase();
    if (folded === '') return { value: folded };
    const labels = folded.replace(/\.$/, '').split('.');
    const wrong = labels.find((label) => !LABEL.test(label));
    if (wrong !== undefined) {
      return {
        reason: `'${value}' not a valid PQDN or FQDN. Reason: Name '${wrong}' must be 1-63 characters long, each of which can only be alphanumeric or a hyphen`,
      };
    }
    if (labels.length > 1 && /^\d+$/.test(labels.at(-1) ?? '')) {
      return { reason: `'${value}' not a valid PQDN or FQDN. Reason: TLD '${labels.at(-1)}' must not be all numeric` };
    }
    return { value: folded };
  });
