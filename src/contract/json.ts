/** How values travel in JSON: proto3's mapping, lenient inwards (both casings, null for absent), strict outwards. */
import { z } from 'zod';

const WHOLE = 'expected a whole number, such as "12"';
const WHOLE_32 = 'expected a whole number of 32 bits';
const FRACTION = 'expected a number';

/** 64-bit integers travel as strings; numbers are accepted too. */
export const Int64 = z
  .union([z.string().regex(/^-?\d+$/, WHOLE), z.int()], { error: WHOLE })
  .transform(Number)
  .refine(Number.isSafeInteger, 'expected a whole number below 2^53')
  .meta({ type: 'string', format: 'int64' });

/** 32-bit integers travel as numbers; strings of digits are accepted too. */
export const Int32 = z
  .union([z.int32(), z.string().regex(/^-?\d{1,10}$/, WHOLE_32)], { error: WHOLE_32 })
  .transform(Number)
  .pipe(z.int32())
  .meta({ type: 'integer', format: 'int32' });

/** Fractions travel as numbers; strings of them are accepted too. */
export const Float = z
  .union([z.number(), z.string().regex(/^-?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?$/, FRACTION)], { error: FRACTION })
  .transform(Number)
  .pipe(z.number())
  .meta({ type: 'number', format: 'float' });

const SECONDS_IN = { s: 1, m: 60, h: 3600 } as const;

/** A duration as whole seconds, rounded up: `86400s`, `1.5s`; `24h` and Go's `48h0m0s` are accepted too. */
export const Duration = z
  .string()
  .regex(/^(\d{1,15}(\.\d{1,9})?[smh]){1,3}$/, 'expected a duration such as "86400s" or "24h"')
  .transform((text) => Math.ceil(text.matchAll(/([\d.]+)([smh])/g).reduce((sum, part) => sum + secondsIn(part), 0)))
  .meta({ type: 'string', format: 'duration' });

const secondsIn = ([, count, unit]: RegExpExecArray): number => Number(count) * SECONDS_IN[unit as keyof typeof SECONDS_IN]; // The pattern holds the unit.

/** `86400` seconds as `86400s`. */
export const toDuration = (seconds: number): string => `${seconds}s`;

/** RFC 3339, UTC. */
export const Timestamp = z.string().meta({ format: 'date-time' });

/** A moment as its sender writes it: RFC 3339 with an offset, from 1970 to 9999. */
export const Moment = z.iso
  .datetime({ offset: true, error: 'expected a time such as "2026-01-05T02:00:00Z"' })
  .transform((text) => new Date(text))
  .refine((at) => at.getTime() >= 0, 'expected a time from 1970 on')
  .meta({ type: 'string', format: 'date-time' });

/** True or false in a query, as Go and Python write it, too; set without a value means true. */
export const Flag = z
  .string()
  .regex(/^(true|True|TRUE|t|T|1|false|False|FALSE|f|F|0|)$/, 'expected true or false')
  .transform((text) => !/^[fF0]/.test(text))
  .meta({ type: 'boolean' });

/** Fields that only the server sets: accepted in a request and ignored. */
export const readOnly = <Name extends string>(...names: readonly Name[]): Record<Name, z.ZodOptional<z.ZodUnknown>> =>
  // Object.fromEntries forgets the key type.
  Object.fromEntries(
    names.map((name) => [name, z.unknown().meta({ readOnly: true, description: 'Set by the server; ignored' }).optional()]),
  ) as Record<Name, z.ZodOptional<z.ZodUnknown>>;

/** A body that doesn't fit: the sentence for its sender. */
interface Misfit {
  readonly message: string;
  /** Path of the field, in the wire's casing; empty for the body as a whole. */
  readonly field: string;
}

/** What was read, or why it could not be. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly misfit: Misfit };

/** Reads a value by its schema: snake_case field names become camelCase, null means absent, an unknown field is a misfit. */
export const parseWire = <Schema extends z.ZodType>(schema: Schema, value: unknown): Parsed<z.output<Schema>> => {
  const sent = toCamelCase(schema, value);
  const result = schema.safeParse(sent);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, misfit: toMisfit(result.error.issues[0], sent) };
};

/** Renames only what the schema knows, so that free-form maps keep their keys. */
const toCamelCase = (schema: unknown, value: unknown): unknown => {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray && Array.isArray(value)) return value.map((entry) => toCamelCase(inner.element, entry));
  if (!(inner instanceof z.ZodObject) || !isRecord(value)) return value;
  const shape: Readonly<Record<string, unknown>> = inner.shape;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([key, field]) => {
        const name = Object.hasOwn(shape, key) ? key : camelCase(key);
        return Object.hasOwn(shape, name) ? [name, toCamelCase(shape[name], field)] : [key, field];
      }),
  );
};

const unwrap = (schema: unknown): unknown =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault
    ? unwrap(schema.unwrap())
    : schema;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `max_tokens` as `maxTokens`. */
export const camelCase = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const toMisfit = (issue: z.core.$ZodIssue | undefined, sent: unknown): Misfit => {
  const field = issue?.path.join('.') ?? '';
  if (issue?.code === 'unrecognized_keys') {
    const unknown = [field, issue.keys[0]].filter(Boolean).join('.');
    return { field: unknown, message: `unknown field "${unknown}"` };
  }
  const what = field === '' ? 'the body' : `field "${field}"`;
  const isMissing = field !== '' && issue !== undefined && valueAt(sent, issue.path) === undefined;
  const why = issue?.message.replace(/^Invalid input: |, received undefined$/g, '') ?? 'unknown fault';
  return { field, message: `${what} ${isMissing ? 'is missing' : "can't be read"}: ${why}` };
};

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((inner, key) => (Object(inner) === inner ? Reflect.get(Object(inner), key) : undefined), value);
