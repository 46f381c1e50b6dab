/** Reads the file of a multipart/form-data body while it comes in; nothing is kept in memory. */
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { Problem } from '../base/problem.ts';

/** A file on its way in. Its body ends only when the whole request was well-formed, so what was cut off is never taken for complete. */
export interface IncomingFile {
  /** The base name as the client sent it; folders are dropped. */
  readonly filename: string;
  readonly body: AsyncIterable<Uint8Array>;
  /** The form's other fields by name, once the whole request has come: they may stand before the file or behind it. */
  readonly fields: () => Promise<FormFields>;
}

/** Fields of a form that are no files. */
export type FormFields = Readonly<Record<string, string>>;

/** What is kept of a form's other fields; nobody means more. */
const FIELD_LIMITS = { fields: 50, fieldSize: 4096, fieldNameSize: 100 };

/**
 * Hands the part `file`, or the one named `part`, to `receive`, wherever it stands among the parts, and answers what `receive` answers.
 * `receive` reads the body to its end or rejects.
 */
export async function readFilePart<T extends object>(
  request: Request,
  receive: (file: IncomingFile) => Promise<T>,
  part = 'file',
): Promise<T> {
  const parser = openParser(request.headers.get('content-type') ?? '', part);
  const fields = new Map<string, string>();
  const whole = Promise.withResolvers<void>();
  whole.promise.catch(() => {}); // Nobody waits for it when there is no file.
  const stop = new AbortController();
  const seen: { stream?: BusboyFileStream; received?: Promise<T>; broken?: Error } = {};
  const onBroken = (cause: Error) => {
    if (!stop.signal.aborted) seen.broken ??= cause;
    whole.reject(cause);
    seen.stream?.destroy(cause);
  };
  parser.on('field', (name, value) => void fields.set(name, value));
  parser.on('file', (name, stream, filename) => {
    // A reader that leaves ends the stream with an AbortError; why it left is what `receive` rejects with.
    stream.on('error', (cause) => cause.name !== 'AbortError' && onBroken(cause));
    if (name !== part) return stream.resume();
    if (seen.received !== undefined) return stop.abort(severalFiles(part));
    seen.stream = stream;
    seen.received = receive({
      filename: filename ?? '',
      body: untilTheEnd(stream, whole.promise),
      fields: () => whole.promise.then(() => Object.fromEntries(fields)),
    });
    return seen.received.catch((cause: unknown) => stop.abort(cause));
  });
  await pipeline(request.body ?? [], parser, { signal: stop.signal }).then(whole.resolve, onBroken);
  const [received] = await Promise.allSettled([seen.received]);
  if (seen.broken !== undefined) throw brokenOff(seen.broken);
  if (stop.signal.aborted) throw stop.signal.reason;
  if (received.status === 'rejected') throw received.reason;
  if (received.value === undefined) throw noFile(part);
  return received.value;
}

const openParser = (contentType: string, part: string): BusboyInstance => {
  if (!/^multipart\/form-data;.*boundary=/i.test(contentType)) throw notMultipart(part);
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      limits: FIELD_LIMITS,
      isPartAFile: (name, _, filename) => name === part || filename !== undefined,
    });
  } catch (cause) {
    // A boundary that is none, or longer than any sender's.
    throw notMultipart(part, cause);
  }
};

async function* untilTheEnd(body: AsyncIterable<Uint8Array>, whole: Promise<void>): AsyncGenerator<Uint8Array> {
  yield* body;
  await whole;
}

const notMultipart = (part: string, cause?: unknown): Problem =>
  new Problem('INVALID_ARGUMENT', `Expected a multipart/form-data body with the file in a part named "${part}".`, {
    reason: 'NOT_MULTIPART',
    cause,
  });

const severalFiles = (part: string): Problem =>
  new Problem('INVALID_ARGUMENT', `The request has several parts named "${part}"; one file is taken at a time.`, {
    reason: 'SEVERAL_FILES',
    details: { field: part },
  });

const noFile = (part: string): Problem =>
  new Problem('INVALID_ARGUMENT', `The request has no part named "${part}".`, { reason: 'NO_FILE', details: { field: part } });

const brokenOff = (cause: Error): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `The upload broke off or is not well-formed multipart/form-data: ${cause.message}. Send it again.`,
    {
      reason: 'UPLOAD_BROKEN_OFF',
      cause,
    },
  );
