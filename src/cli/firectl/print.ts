/** A resource or a list of them, as firectl prints it. */
import type { Output } from '../host.ts';
import { type Message, toFlagText } from './message.ts';
import type { Flag } from './operation.ts';

/** Fields that come first, in this order; the others follow as they came. */
const FIRST = ['name', 'displayName', 'createTime', 'expireTime', 'createdBy', 'state', 'status', 'model', 'inputDatasetId'];
const THEN = ['outputDatasetId', 'inferenceParameters', 'updateTime', 'precision', 'jobProgress', 'continuedFromJobName'];
const ORDER = [...FIRST, ...THEN];

export type Format = 'text' | 'json' | 'flag';

/** Prints one resource; `flags` are those that make it. */
export function printResource(
  out: Output,
  resource: object,
  { format, flags }: { readonly format: Format; readonly flags: readonly Flag[] },
): void {
  const message = { ...resource };
  if (format === 'json') out.write(`${JSON.stringify(message, null, 2)}\n`);
  else if (format === 'flag') out.write(`${toFlagText(flags, message)}\n`);
  else out.write(toText(message));
}

/** A column: its heading, and the cell of a resource. */
export type Column<T> = readonly [heading: string, cell: (resource: T) => string];

/** Prints a table: a heading, and a line for each resource. */
export function printTable<T>(out: Output, resources: readonly T[], columns: readonly Column<T>[]): void {
  const rows = [
    columns.map(([heading]) => heading),
    ...resources.map((resource) => columns.map(([, cell]) => cell(resource) || '-')),
  ];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  for (const row of rows)
    out.write(
      `${row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    );
}

/** `Title Case Label: value`, a line for each field that is set; what is inside others is indented by two. */
export function toText(message: Message, indent = ''): string {
  return Object.entries(message)
    .filter(([, value]) => !isEmpty(value))
    .toSorted(([a], [b]) => rank(a) - rank(b))
    .map(([name, value]) => toLines(titleCase(name), value, indent))
    .join('');
}

function toLines(label: string, value: unknown, indent: string): string {
  if (isStatus(value)) return `${indent}${label}: ${value.message === '' ? value.code : `${value.code}: ${value.message}`}\n`;
  if (Array.isArray(value))
    return `${indent}${label}: ${value.map((entry) => (isMessage(entry) ? JSON.stringify(entry) : String(entry))).join(', ')}\n`;
  if (isMessage(value)) return `${indent}${label}:\n${toText(value, `${indent}  `)}`;
  return `${indent}${label}: ${String(value)}\n`;
}

const rank = (field: string): number => (ORDER.includes(field) ? ORDER.indexOf(field) : ORDER.length);

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  (Array.isArray(value) && value.length === 0) ||
  (isMessage(value) && Object.values(value).every(isEmpty));

const isMessage = (value: unknown): value is Message => typeof value === 'object' && value !== null && !Array.isArray(value);

const isStatus = (value: unknown): value is { readonly code: string; readonly message: string } =>
  isMessage(value) &&
  Object.keys(value).length === 2 &&
  typeof value['code'] === 'string' &&
  typeof value['message'] === 'string';

/** `inputDatasetId` as `Input Dataset Id`. */
const titleCase = (name: string): string => name.replace(/[A-Z]/g, ' $&').replace(/^./, (letter) => letter.toUpperCase());
