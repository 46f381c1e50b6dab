/** The reference of the API as one page, made from its document. */
import { bodyOf, type Document, operationsOf, type Parameter, type PlacedOperation, type Reply } from './document.ts';
import { toCurl } from './example.ts';
import { fieldList, schemaLink, typeOf } from './fields.ts';
import { type Html, html, prose } from './html.ts';

/** The page as text. */
export const toPage = (document: Document): string => {
  const { title, version, description } = document.info;
  const groups = (document.tags ?? []).filter(({ name }) => operationsOf(document, name).length > 0);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/style.css">
<script src="/docs/filter.js" defer></script>
</head>
<body>
<nav aria-label="Operations">
<p class="brand"><a href="#top">${title}</a> <span>${version}</span></p>
<input id="filter" type="search" placeholder="Filter operations" aria-label="Filter operations" autocomplete="off">
${groups.map(({ name }) => navGroup(document, name))}
<section><h2><a href="#schemas">Shapes</a></h2></section>
</nav>
<main id="top">
<header>
<h1>${title} API</h1>
<p>${description}</p>
${INTRODUCTION}
</header>
${groups.map((group) => groupSection(document, group))}
<section class="group" id="schemas">
<h2>Shapes</h2>
${Object.keys(document.components.schemas)
  .toSorted()
  .map((name) => schemaSection(document, name))}
</section>
</main>
</body>
</html>
`.text;
};

const INTRODUCTION = html`
<ul class="rules">
<li><b>Keys.</b> Every call carries <code>Authorization: Bearer …</code>; links to files carry their own permission.</li>
<li><b>Names.</b> <code>accounts/{account}/{collection}/{id}</code>. In a path, <code>-</code> and <code>me</code> mean your own account.</li>
<li><b>Lists</b> have pages of 50, at most 200: <code>pageSize</code>, <code>pageToken</code>, <code>filter</code>, <code>orderBy</code>, <code>readMask</code>.</li>
<li><b>Refusals</b> say what was expected, what came and what to do; <code>details[0].reason</code> is for programs.</li>
<li><b>Programs</b> read <a href="/openapi.json">openapi.json</a>, from which this page is made.</li>
</ul>`;

const navGroup = (document: Document, tag: string): Html => html`
<section><h2><a href="#${toAnchor(tag)}">${tag}</a></h2>
<ul>${operationsOf(document, tag).map(
  ({ method, operationId, path }) =>
    html`<li data-words="${`${operationId} ${method} ${path} ${tag}`.toLowerCase()}"><a href="#${operationId}">${badge(method)} ${operationId}</a></li>`,
)}</ul></section>`;

const groupSection = (
  document: Document,
  { name, description }: { readonly name: string; readonly description?: string },
): Html => html`
<section class="group" id="${toAnchor(name)}">
<h2>${name}</h2>
<p>${description}</p>
${operationsOf(document, name).map((operation) => operationSection(document, operation))}
</section>`;

const operationSection = (document: Document, operation: PlacedOperation): Html => {
  const { operationId, method, path, summary, description } = operation;
  return html`
<article id="${operationId}">
<h3><a href="#${operationId}">${summary}</a></h3>
<p class="path">${badge(method)} <code>${path}</code></p>
<p class="note"><code>${operationId}</code>${description && html` · ${prose(description)}`}</p>
<pre><code>${toCurl(document, operation)}</code></pre>
${parameterList(operation)}
${bodySection(operation)}
${replySection(operation)}
${refusalSection(operation)}
</article>`;
};

const parameterList = ({ parameters = [] }: PlacedOperation): Html | undefined =>
  parameters.length === 0 ? undefined : html`<h4>Parameters</h4><dl class="fields">${parameters.map(parameterRow)}</dl>`;

const parameterRow = ({ name, in: where, required, description, schema }: Parameter): Html => html`
  <dt><code>${name}</code> <span class="type">${where} · ${schema && typeOf(schema)}</span>${required ? html` <span class="required">required</span>` : undefined}</dt>
  <dd>${description && prose(description)}</dd>`;

const bodySection = ({ requestBody }: PlacedOperation): Html | undefined => {
  const body = bodyOf(requestBody?.content);
  return body && html`<h4>Body</h4><p>${typeOf(body.schema)} <span class="type">${body.type}</span></p>`;
};

const replySection = ({ responses }: PlacedOperation): Html | undefined => {
  const reply = bodyOf(responses['200']?.content);
  return reply && html`<h4>Reply</h4><p>${typeOf(reply.schema)} <span class="type">${reply.type}</span></p>`;
};

const refusalSection = ({ responses }: PlacedOperation): Html | undefined => {
  const refusals = Object.entries(responses).filter(([status, { content }]) => status !== '200' && bodyOf(content) !== undefined);
  return refusals.length === 0 ? undefined : html`<h4>Refusals</h4><dl class="fields">${refusals.map(refusalRow)}</dl>`;
};

const refusalRow = ([status, { description, content }]: readonly [string, Reply]): Html => {
  const schema = bodyOf(content)?.schema;
  return html`
  <dt><code>${status === 'default' ? 'else' : status}</code> <span class="type">${schema && typeOf(schema)}</span></dt>
  <dd>${description}</dd>`;
};

const schemaSection = (document: Document, name: string): Html | undefined => {
  const schema = document.components.schemas[name];
  return (
    schema &&
    html`
<article id="schema-${name}">
<h3>${schemaLink(name)}</h3>
<p>${schema.description && prose(schema.description)}</p>
${fieldList(schema, { sent: /Request$|Input$/.test(name) })}
</article>`
  );
};

const badge = (method: string): Html => html`<b class="method ${method.toLowerCase()}">${method}</b>`;
const toAnchor = (tag: string): string => `group-${tag.toLowerCase().replaceAll(' ', '-')}`;
