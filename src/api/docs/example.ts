/** A call as somebody would type it. */
import { bodyOf, type Document, type PlacedOperation, refName, type Schema } from './document.ts';

/** How deep an example goes into what it is made of. */
const MOST_DEPTH = 4;

/** A curl command for an operation. `-` is the caller's own account. */
export const toCurl = (document: Document, operation: PlacedOperation): string => {
  const { method, path, security } = operation;
  const query = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query' && parameter.required);
  const search = query
    .map(({ name, schema }) => `${name}=${schema?.format === 'date-time' ? '2026-01-05T00:00:00Z' : '…'}`)
    .join('&');
  const url = `"$BOATLOAD_BASE_URL${path.replace('{account_id}', '-')}${search && `?${search}`}"`;
  const isOpen = security !== undefined && security.length === 0;
  return [
    `curl${method === 'GET' ? '' : ` -X ${method}`} ${url}`,
    ...(isOpen ? [] : ['-H "Authorization: Bearer $BOATLOAD_API_KEY"']),
    ...toData(document, operation),
  ].join(' \\\n  ');
};

const toData = (document: Document, { requestBody }: PlacedOperation): readonly string[] => {
  const body = bodyOf(requestBody?.content);
  if (body === undefined) return [];
  if (body.type === 'multipart/form-data') return ['-F file=@rows.jsonl'];
  if (body.type !== 'application/json') return ['-T file'];
  return [`-d '${JSON.stringify(toExample(document, body.schema))}'`];
};

/** The schema's own example, or a value with what is required. */
const toExample = (document: Document, schema: Schema, depth = 0): unknown => {
  if (depth > MOST_DEPTH) return {};
  if (schema.$ref !== undefined) return toExample(document, document.components.schemas[refName(schema.$ref)] ?? {}, depth + 1);
  if (schema.examples !== undefined) return schema.examples[0];
  if (schema.enum !== undefined) return schema.enum[0];
  const [first] = schema.anyOf ?? schema.allOf ?? [];
  if (first !== undefined) return toExample(document, first, depth + 1);
  if (schema.items !== undefined) return [toExample(document, schema.items, depth + 1)];
  if (typeof schema.additionalProperties === 'object')
    return { name: toExample(document, schema.additionalProperties, depth + 1) };
  if (schema.properties === undefined) return toScalar(schema);
  const required = (schema.required ?? []).map((name) => [name, toExample(document, schema.properties?.[name] ?? {}, depth + 1)]);
  return Object.fromEntries(required);
};

const SCALARS: Readonly<Record<string, unknown>> = { integer: 1, number: 1, boolean: true, object: {} };

const toScalar = ({ type, format }: Schema): unknown => {
  if (format === 'int64') return '1';
  return typeof type === 'string' && type in SCALARS ? SCALARS[type] : '…';
};
