/** Reads the file of a multipart/form-data body while it comes in; nothing is kept in memory. */
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { Problem } from '../base/problem.ts';

/** A file on its way in. Its body ends only when the whole request was well-formed, so what was cut off is never taken for complete. */
export interface IncomingFile {
  /** The base name as the client sent it; folders are dropped. */
  readonly filename: string;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Hands the part `file` to `receive`, wherever it stands among the parts, and answers what `receive` answers.
 * `receive` reads the body to its end or rejects.
 */
export async function readFilePart<T extends object>(request: Request, receive: (file: IncomingFile) => Promise<T>): Promise<T> {
  const parser = openParser(request.headers.get('content-type') ?? '');
  const whole = Promise.withResolvers<void>();
  whole.promise.catch(() => {}); // Nobody waits for it when there is no file.
  const stop = new AbortController();
  const seen: { stream?: BusboyFileStream; received?: Promise<T>; broken?: Error } = {};
  const onBroken = (cause: Error) => {
    if (!stop.signal.aborted) seen.broken ??= cause;
    whole.reject(cause);
    seen.stream?.destroy(cause);
  };
  parser.on('file', (name, stream, filename) => {
    // A reader that leaves ends the stream with an AbortError; why it left is what `receive` rejects with.
    stream.on('error', (cause) => cause.name !== 'AbortError' && onBroken(cause));
    if (name !== 'file') return stream.resume();
    if (seen.received !== undefined) return stop.abort(severalFiles());
    seen.stream = stream;
    seen.received = receive({ filename, body: untilTheEnd(stream, whole.promise) });
    return seen.received.catch((cause: unknown) => stop.abort(cause));
  });
  await pipeline(request.body ?? [], parser, { signal: stop.signal }).then(whole.resolve, onBroken);
  const [received] = await Promise.allSettled([seen.received]);
  if (seen.broken !== undefined) throw brokenOff(seen.broken);
  if (stop.signal.aborted) throw stop.signal.reason;
  if (received.status === 'rejected') throw received.reason;
  if (received.value === undefined) throw noFile();
  return received.value;
}

const openParser = (contentType: string): BusboyInstance => {
  if (!/^multipart\/form-data;.*boundary=/i.test(contentType)) throw notMultipart();
  return new Busboy({
    headers: { 'content-type': contentType },
    isPartAFile: (name, _, filename) => name === 'file' || filename !== undefined,
  });
};

async function* untilTheEnd(body: AsyncIterable<Uint8Array>, whole: Promise<void>): AsyncGenerator<Uint8Array> {
  yield* body;
  await whole;
}

const notMultipart = (): Problem =>
  new Problem('INVALID_ARGUMENT', 'Expected a multipart/form-data body with the file in a part named "file".', {
    reason: 'NOT_MULTIPART',
  });

const severalFiles = (): Problem =>
  new Problem('INVALID_ARGUMENT', 'The request has several parts named "file"; a dataset is uploaded as one file.', {
    reason: 'SEVERAL_FILES',
  });

const noFile = (): Problem => new Problem('INVALID_ARGUMENT', 'The request has no part named "file".', { reason: 'NO_FILE' });

const brokenOff = (cause: Error): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `The upload broke off or is not well-formed multipart/form-data: ${cause.message}. Send it again.`,
    {
      reason: 'UPLOAD_BROKEN_OFF',
      cause,
    },
  );
