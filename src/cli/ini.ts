/** Files of `key = value` lines under `[sections]`, as firectl keeps its keys and settings. */

/** Values by key, by section; what stands before the first section is in `''`. */
export type Ini = ReadonlyMap<string, ReadonlyMap<string, string>>;

const SECTION = /^\s*\[([^\]]*)\]\s*$/;
const ENTRY = /^\s*([\w.-]+)\s*[=:]\s*(.*?)\s*$/;

/** Reads what can be read; comments begin with `#` or `;`, values may stand in quotes. */
export function parseIni(text: string): Ini {
  const sections = new Map<string, Map<string, string>>([['', new Map()]]);
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    const [, name] = SECTION.exec(line) ?? [];
    if (name !== undefined) section = name.trim();
    const [, key, value] = ENTRY.exec(line) ?? [];
    if (!sections.has(section)) sections.set(section, new Map());
    if (key !== undefined && value !== undefined) sections.get(section)?.set(key, unquote(value));
  }
  return sections;
}

/** The text with these entries set in a section; everything else in it stays as it is. */
export function setInIni(text: string, section: string, entries: Readonly<Record<string, string>>): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const begin = section === '' ? 0 : lines.findIndex((line) => SECTION.exec(line)?.[1]?.trim() === section) + 1;
  const isNew = section !== '' && begin === 0;
  if (isNew) lines.push(...(lines.length === 0 ? [] : ['']), `[${section}]`);
  const start = isNew ? lines.length : begin;
  for (const [key, value] of Object.entries(entries)) setLine(lines, start, { key, line: `${key} = ${value}` });
  return `${lines.join('\n')}\n`;
}

function setLine(lines: string[], start: number, { key, line }: { readonly key: string; readonly line: string }): void {
  const next = lines.findIndex((text, at) => at >= start && SECTION.test(text));
  const end = next === -1 ? lines.length : next;
  const at = lines.findIndex((text, index) => index >= start && index < end && ENTRY.exec(text)?.[1] === key);
  if (at === -1) lines.splice(lastFilled(lines, start, end), 0, line);
  else lines[at] = line;
}

/** Behind the last line of a section that isn't blank. */
function lastFilled(lines: readonly string[], start: number, end: number): number {
  const blanks = lines
    .slice(start, end)
    .toReversed()
    .findIndex((text) => text.trim() !== '');
  return blanks === -1 ? start : end - blanks;
}

const unquote = (value: string): string => /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
