/** The log: one JSON object a line on stderr or in a file; for people, a line of text. */
import { pino } from 'pino';

type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

type Write = (facts: Readonly<Record<string, unknown>>, message: string) => void;

/** What rooms may log with. Facts are ids, counts and causes, never a prompt, an answer or a secret. */
export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** A line of text for a terminal in place of JSON. */
  readonly pretty?: boolean;
  /** A file to append to, or any sink; default is stderr. */
  readonly to?: string | { write(line: string): void };
}

/** Names under which a prompt, an answer or a secret travels; they are blanked if one slips into the facts after all. */
const SECRET = ['apiKey', 'authorization', 'password', 'secret', 'token', 'body', 'content', 'messages', 'prompt', 'line'];
const DEPTHS = ['', '*.', '*.*.', '*.*.*.'];

/** Makes a log. */
export function makeLog({ level, pretty = false, to = process.stderr }: LogOptions): Log {
  const sink = typeof to === 'string' ? openFile(to) : to;
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { cause: pino.stdSerializers.err, error: pino.stdSerializers.err },
    redact: { paths: DEPTHS.flatMap((depth) => SECRET.map((name) => depth + name)), censor: '[hidden]' },
  };
  return pino(options, pretty ? { write: (line) => sink.write(toText(line)) } : sink);
}

/** A log that can't be written, as on a full disk, must not end the program. */
const openFile = (dest: string) => pino.destination({ dest, mkdir: true, sync: true }).on('error', () => undefined);

/** `12:30:01 warn  commit failed, trying again  jobUid=abc`. */
function toText(line: string): string {
  const { time, level, msg, ...facts } = JSON.parse(line);
  const shown = Object.entries(facts).map(([name, value]) => `${name}=${toShort(value)}`);
  return `${[String(time).slice(11, 19), String(level).padEnd(5), msg, ...shown].join('  ')}\n`;
}

const toShort = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'message' in value ? String(value.message) : JSON.stringify(value);
