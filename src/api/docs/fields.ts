/** The fields of a schema as a list that a person reads. */
import { refName, type Schema } from './document.ts';
import { type Html, html, prose } from './html.ts';

/** Every field with its type and meaning; fields that only the server sets are left out of what is sent. */
export const fieldList = (schema: Schema, { sent }: { readonly sent: boolean }): Html => {
  const fields = Object.entries(schema.properties ?? {}).filter(([, field]) => !(sent && field.readOnly));
  if (fields.length === 0) return html`<p class="empty">No fields.</p>`;
  const required = sent ? (schema.required ?? []) : [];
  return html`<dl class="fields">${fields.map(([name, field]) => fieldRow(name, field, required.includes(name)))}</dl>`;
};

const fieldRow = (name: string, field: Schema, isRequired: boolean): Html => html`
  <dt><code>${name}</code> <span class="type">${typeOf(field)}</span>${isRequired ? html` <span class="required">required</span>` : undefined}</dt>
  <dd>${field.description && html`<p class="meaning">${prose(field.description)}</p>`}${inner(field)}</dd>`;

/** The fields of an object that has no name of its own, folded. */
const inner = (field: Schema): Html | undefined => {
  const schema = field.items ?? field;
  if (schema.properties === undefined) return undefined;
  return html`<details><summary>fields</summary>${fieldList(schema, { sent: false })}</details>`;
};

/** A type in a word, linked where it is described elsewhere. */
export const typeOf = (schema: Schema): Html => {
  if (schema.$ref !== undefined) return schemaLink(refName(schema.$ref));
  const [only, ...others] = schema.anyOf ?? schema.allOf ?? [];
  if (only !== undefined) return html`${typeOf(only)}${others.map((other) => html` or ${typeOf(other)}`)}`;
  if (schema.items !== undefined) return html`array of ${typeOf(schema.items)}`;
  if (typeof schema.additionalProperties === 'object') return html`map to ${typeOf(schema.additionalProperties)}`;
  return html`${[schema.type ?? 'any'].flat().join(' or ')}${schema.format && ` · ${schema.format}`}${choices(schema)}`;
};

/** The values that there are, unless the description goes through all of them. */
const choices = ({ enum: values, description = '' }: Schema): Html | undefined =>
  values && !values.every((value) => description.includes(`\`${String(value)}\``))
    ? html`: ${values.map((value, index) => html`${index > 0 ? ' | ' : ''}<code>${String(value) || '""'}</code>`)}`
    : undefined;

/** A link to the description of a schema. */
export const schemaLink = (name: string): Html => html`<a href="#schema-${name}">${name}</a>`;
