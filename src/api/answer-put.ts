/**
 * The PUT of a file to its signed link, at once or piece by piece, the latter as in Google Cloud Storage's resumable uploads
 * (https://cloud.google.com/storage/docs/performing-resumable-uploads). No key: the link is the permission. `total` is the announced size.
 *
 * - At once: a PUT without `Content-Range` brings the whole file. 200 says that it is there. What is cut off leaves nothing.
 * - A piece: `Content-Range: bytes FIRST-LAST/total` (LAST counts). The first piece begins at 0, each other where the last reply says. A piece may be
 *   as long as the sender likes, the whole file too; what came before a cut stays, in full or up to the last 64 MiB where the server died with it.
 *   A piece at 0 begins the file anew.
 * - Asking: an empty PUT with `Content-Range: bytes *` + `/total`, after a cut or at any time.
 *
 * The last two are answered alike. 200: the whole file is there. 308 (without `Location`): not yet, go on after the last byte that
 * `Range: bytes=0-LAST` names; without `Range`, at 0. A piece that begins anywhere else is answered 308 and not read, maybe before it was sent.
 *
 * A link that has expired is refused with 403 `LINK_EXPIRED`: a new link to the same file and size goes on where the old one was. What has arrived of
 * a file that is not finished is kept for a week after it was begun, and lives on when the server starts anew. Announcing another size begins anew.
 * A `total` or `Content-Length` that doesn't fit is refused with 400.
 */
import type { Context } from 'hono';
import type { Upload } from '../actions/resume-upload.ts';
import { Problem } from '../base/problem.ts';
import type { ApiEnv } from './api-context.ts';

/** Answers a PUT to a link. */
export async function answerPut(c: Context<ApiEnv>, { bytes, receive, resume }: Upload): Promise<Response> {
  const body = c.req.raw.body ?? NOTHING;
  const range = readContentRange(c.req.header('content-range'), bytes);
  const expected = range === undefined ? bytes : range === 'ask' ? 0 : range.end - range.start;
  checkLength(c.req.header('content-length'), expected);
  if (range === undefined) {
    await receive(body);
    return c.body(null, 200);
  }
  const arrived = await resume(range === 'ask' ? undefined : { ...range, body });
  if (arrived === bytes) return c.body(null, 200);
  // Hono's types know no status 308 without a location.
  return new Response(null, { status: 308, headers: arrived === 0 ? {} : { range: `bytes=0-${arrived - 1}` } });
}

/** Undefined when the file comes at once; `ask` when nothing comes. */
const readContentRange = (header: string | undefined, bytes: number) => {
  if (header === undefined) return undefined;
  const [, first = '', last = '', total = ''] = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/.exec(header.trim()) ?? [];
  if (total === '' || (total !== '*' && Number(total) !== bytes)) throw badRange(header, bytes);
  if (first === '') return 'ask';
  const [start, end] = [Number(first), Number(last) + 1];
  if (start < end && end <= bytes) return { start, end };
  throw badRange(header, bytes);
};

const checkLength = (header: string | undefined, expected: number): void => {
  if (header === undefined || Number(header) === expected) return;
  throw new Problem(
    'INVALID_ARGUMENT',
    `Expected ${expected} bytes to come, as announced, but content-length says ${header.slice(0, 20)}. Ask :getUploadEndpoint with the right size.`,
    { reason: 'UPLOAD_SIZE_MISMATCH', details: { announced: expected } },
  );
};

const badRange = (header: string, bytes: number): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `content-range must be "bytes FIRST-LAST/${bytes}" within the announced ${bytes} bytes, or "bytes */${bytes}" to ask how much has arrived, got "${header.slice(0, 100)}".`,
    { reason: 'INVALID_CONTENT_RANGE', details: { announced: bytes } },
  );

const NOTHING: AsyncIterable<Uint8Array> = {
  async *[Symbol.asyncIterator]() {
    // A request without a body.
  },
};
