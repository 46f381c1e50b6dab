/** Request messages out of flags, and flags out of resources: each flag says which field it is. */
import type { Flag, FlagValues } from './operation.ts';

/** The last part of a full name. */
export const idOf = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

/** A JSON object. */
export type Message = Readonly<Record<string, unknown>>;

/** The message that the given flags make. */
export function toMessage(flags: readonly Flag[], values: FlagValues): Message {
  const message: Record<string, unknown> = {};
  for (const { field, flags: spelling } of flags) {
    const value = values[attributeOf(spelling)];
    if (field !== undefined && value !== undefined) setField(message, field.split('.'), value);
  }
  return message;
}

/** The flags that would make this resource, in one line: `--model=… --max-tokens=256`. */
export function toFlagText(flags: readonly Flag[], resource: Message): string {
  return flags
    .flatMap(({ field, flags: spelling }) => {
      const found = field === undefined ? undefined : getField(resource, field.split('.'));
      const value = field === 'name' && typeof found === 'string' ? idOf(found) : found;
      return isSet(value)
        ? [`--${longName(spelling)}=${quote(typeof value === 'object' ? JSON.stringify(value) : String(value))}`]
        : [];
    })
    .join(' ');
}

const longName = (spelling: string): string => /--([\w-]+)/.exec(spelling)?.[1] ?? '';

/** As commander names it: `--input-dataset-id <id>` is `inputDatasetId`. */
const attributeOf = (spelling: string): string =>
  longName(spelling)
    .replace(/^no-/, '')
    .replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

function setField(message: Record<string, unknown>, [first = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length > 0) {
    const inner: Record<string, unknown> = { ...(message[first] ?? {}) };
    setField(inner, rest, value);
    message[first] = inner;
  } else message[first] = value;
}

const getField = (resource: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, name) => (isMessage(value) ? value[name] : undefined), resource);

/** Protobuf's idea of a field that was never set; `{}` is what an empty `extraBody` looks like. */
const isSet = (value: unknown): boolean =>
  ![undefined, null, '', false, 0, '{}'].some((unset) => unset === value) && !String(value).endsWith('_UNSPECIFIED');

const isMessage = (value: unknown): value is Message => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Single quotes, as every POSIX shell reads them. */
const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
