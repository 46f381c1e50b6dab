/**
 * One file on its way to a signed link. A large one that breaks off goes on where the server says that it has got to: pieces are PUT with `Content-Range`,
 * and 308 means "not all is here", as in https://cloud.google.com/storage/docs/performing-resumable-uploads. A small one is sent again.
 */
import { ApiError } from './errors.ts';
import { pause, withRetries } from './retry.ts';
import { toCountedBody } from './transfer.ts';
import type { Transport } from './transport.ts';
import type { UploadFile } from './upload.ts';

/** What goes in pieces is written twice by the server: not worth it for less. */
const RESUMABLE_BYTES = 8 * 1024 * 1024;
const SETTLE_MS = 1_000;

/** A file and the way in. */
export interface Sending {
  readonly file: UploadFile;
  /** The link; a link expires, and a try may have taken long. */
  readonly askLink: (triesBefore: number) => Promise<string>;
  /** Whether to go on with what the server has already, of a call before this one. */
  readonly resume: boolean;
  readonly signal: AbortSignal | undefined;
  /** Gets how many bytes have been sent. */
  readonly onSent: (bytes: number) => void;
}

/** Sends it; as long as each try brings it further, there are more. */
export async function sendFile(transport: Transport, sending: Sending): Promise<void> {
  const { file, askLink, resume, signal, onSent } = sending;
  const { size } = file.content;
  const isResumable = size >= RESUMABLE_BYTES;
  let arrived = 0;
  let hasMoved = false;
  const attempt = async (triesBefore: number): Promise<void> => {
    hasMoved = false;
    const link = { url: await askLink(triesBefore), signal };
    if (isResumable && (resume || triesBefore > 0)) {
      const now = await askArrived(transport, link, size);
      hasMoved = now > arrived;
      arrived = now;
    }
    if (arrived < size || size === 0) await put(transport, link, { file, start: arrived, isResumable, onSent });
  };
  await withRetries(attempt, { retries: transport.retries, isRepeatable: true, hasMoved: () => hasMoved, signal });
  onSent(size);
}

interface Link {
  readonly url: string;
  readonly signal: AbortSignal | undefined;
}

/** A server hears of a cut a little later than we do, and then stores what came: what it says is true when it says so twice. */
async function askArrived(transport: Transport, link: Link, size: number): Promise<number> {
  for (let known = -1; ; ) {
    const now = await askOnce(transport, link, size);
    if (now === known || now === size) return now;
    known = now;
    await pause(SETTLE_MS, link.signal);
  }
}

/** How many bytes of the file the server has. */
async function askOnce(transport: Transport, { url, signal }: Link, size: number): Promise<number> {
  const reply = await transport.send(url, { method: 'PUT', headers: { 'content-range': `bytes */${size}` }, signal });
  await reply.body?.cancel();
  if (reply.status !== 308) return size;
  const [, last] = /^bytes=0-(\d+)$/.exec(reply.headers.get('range') ?? '') ?? [];
  return last === undefined ? 0 : Number(last) + 1;
}

interface Put {
  readonly file: UploadFile;
  readonly start: number;
  readonly isResumable: boolean;
  readonly onSent: (bytes: number) => void;
}

async function put(transport: Transport, { url, signal }: Link, { file, start, isResumable, onSent }: Put): Promise<void> {
  const { size } = file.content;
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(size - start),
    'x-goog-content-length-range': `${size},${size}`,
    ...(isResumable && { 'content-range': `bytes ${start}-${size - 1}/${size}` }),
  };
  const body = toCountedBody(start === 0 ? file.content : file.content.slice(start), (bytes) => onSent(start + bytes));
  const reply = await transport.send(url, { method: 'PUT', headers, body, signal });
  await reply.body?.cancel();
  if (reply.status === 308) throw notAll(file);
}

/** What came does not go on where the server was: it has to be asked again. */
const notAll = ({ name }: UploadFile): ApiError =>
  new ApiError(`The server has not all of "${name}" yet.`, { code: 'UNAVAILABLE', reason: 'UPLOAD_INCOMPLETE', status: 503 });
