import { isUuid } from '@portward/model/attribute.ts';
import { ipVersion, parseCidr } from '@portward/model/ip-address.ts';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { OpenApiDocument, OperationObject } from './document.ts';

/** A JSON Schema validator that knows the formats of our definitions. */
export function definitionsAjv(): Ajv2020 {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: false });
  ajv.addFormat('uuid', isUuid);
  ajv.addFormat('ipv4', (text: string) => ipVersion(text) === 4);
  ajv.addFormat('ipv6', (text: string) => ipVersion(text) === 6);
  ajv.addFormat('cidr', (text: string) => parseCidr(text) !== undefined);
  ajv.addFormat('mac', true);
  ajv.addFormat('dns-name', true);
  ajv.addFormat('port-range', true);
  ajv.addFormat('date-time', (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text));
  ajv.addVocabulary(['components']);
  return ajv;
}

/** Holds answers of the API against the OpenAPI document, for tests. */
export class AnswerCheck {
  readonly #document: OpenApiDocument;
  readonly #ajv = definitionsAjv();
  readonly #paths: { pattern: RegExp; item: Readonly<Record<string, OperationObject>> }[];
  /** Operations that were answered with success, as `GET /identity/v3`. */
  readonly succeeded = new Set<string>();

  constructor(document: OpenApiDocument) {
    this.#document = document;
    this.#ajv.addSchema({ $id: 'document', components: document.components as object }, 'document');
    const fixedFirst = Object.entries(document.paths).sort(([a], [b]) => a.split('{').length - b.split('{').length);
    this.#paths = fixedFirst.map(([path, item]) => ({
      pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}/*$`),
      item,
    }));
  }

  /** What of the answer the document does not say, or undefined. */
  problem(method: string, url: string, status: number, body: unknown): string | undefined {
    const path = (url.split('?')[0] as string).replace(/\/{2,}/g, '/');
    const found = this.#paths.find(({ pattern }) => pattern.test(path));
    const operation = found?.item[method.toLowerCase()];
    if (operation === undefined) return status < 400 ? `${method} ${url} is not in the document` : undefined;
    if (status < 400) this.succeeded.add(operation.operationId);
    const { responses } = operation;
    const success = status < 400 ? (responses['2XX'] ?? undefined) : responses.default;
    const response = responses[String(status)] ?? success;
    if (response === undefined) return `${operation.operationId} answers ${status}, which is not in the document`;
    const schema = response.content?.['application/json']?.schema;
    if (schema === undefined) return undefined;
    const validate = this.#validator(schema);
    const partly = /[?&]fields(=|&|$)/.test(url);
    if (validate(body)) return undefined;
    const [error] = validate.errors ?? [];
    if (partly && error?.keyword === 'required') return undefined;
    return `${operation.operationId} ${status}: ${error?.instancePath} ${error?.message} ${JSON.stringify(error?.params)}`;
  }

  /** Ids of all operations. */
  get operationIds(): string[] {
    return Object.values(this.#document.paths).flatMap((item) =>
      Object.values(item).map(({ operationId }) => operationId),
    );
  }

  readonly #validators = new Map<object, ValidateFunction>();

  #validator(schema: object): ValidateFunction {
    const known = this.#validators.get(schema);
    if (known !== undefined) return known;
    const text = JSON.stringify(schema).replaceAll('"#/', '"document#/');
    const made = this.#ajv.compile(JSON.parse(text));
    this.#validators.set(schema, made);
    return made;
  }
}
