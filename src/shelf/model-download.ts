/** Fetches one large file to the disk: goes on where it broke off, only to addresses of which that is allowed, and never more than may come. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { messageOf } from '../base/message-of.ts';
import { Problem } from '../base/problem.ts';
import { toWriteProblem } from '../storage/disk-problem.ts';
import { type Answer, follow, type WayOut } from './model-way-out.ts';

export interface Download {
  readonly url: string;
  /** Where it comes to lie; what came before a break stays there. */
  readonly path: string;
  /** Null where nobody says; a hub may. */
  readonly sha256: string | null;
  /** The most that may come. */
  readonly mostBytes: number;
  /** What must be free on the disk beside what is still to come, as a multiple of the whole. */
  readonly copies: number;
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: number, totalBytes: number | null) => void;
}

const MOST_TRIES = 6;
const FIRST_PAUSE_MS = 200;
const MAGIC = Buffer.from('GGUF');
const AGAIN = new Set([408, 429, 500, 502, 503, 504]);
/** What ends so is not the file that was meant, or may not be here. */
const WORTHLESS: ReadonlySet<string> = new Set(['MODEL_FILE_INVALID', 'CHECKSUM_MISMATCH', 'QUOTA_EXCEEDED']);

/**
 * Resolves when the file is whole. Only a connection that breaks off is tried again at once. What came stays for the next time, whatever ended
 * it, as a full disk, but where it is proven to be wrong or more than may be.
 */
export async function download(wayOut: WayOut, wish: Download): Promise<void> {
  await onDisk(wish, () => mkdir(dirname(wish.path), { recursive: true }));
  for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
    const before = await sizeOf(wish.path);
    const broken = await tryOnce(wayOut, wish);
    if (broken === undefined) return;
    // As long as something comes, it goes on.
    if ((await sizeOf(wish.path)) > before) tries = 1;
    if (tries === MOST_TRIES || wish.signal.aborted) throw broken;
    await delay(FIRST_PAUSE_MS * 2 ** tries, undefined, { signal: wish.signal }).catch(() => undefined);
  }
}

/** Answers why it broke off, where another try may help. */
async function tryOnce(wayOut: WayOut, wish: Download): Promise<Problem | undefined> {
  try {
    const said = await fetchRest(wayOut, wish);
    await checkSum(wish, wish.sha256 ?? said ?? null);
    return undefined;
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause;
    if (cause.reason === 'PULL_BROKEN_OFF') return cause;
    if (WORTHLESS.has(cause.reason)) await forget(wish.path);
    throw cause;
  }
}

/** Answers the checksum that the hub gave, if it did. */
async function fetchRest(wayOut: WayOut, wish: Download): Promise<string | undefined> {
  const have = await sizeOf(wish.path);
  const mark = have === 0 ? undefined : await readFile(markOf(wish.path), 'utf8').catch(() => undefined);
  const headers = mark === undefined ? {} : { range: `bytes=${have}-`, 'if-range': mark };
  const { reply, sha256 } = await ask(wayOut, wish, headers);
  const from = startOf(reply);
  const total = totalOf(reply, from);
  if (reply.statusCode === 416 && total === have && !isOther(reply, mark)) {
    await reply.body.dump();
    return sha256;
  }
  if (from === undefined || from > have || (from > 0 && isOther(reply, mark))) {
    await reply.body.dump();
    // What came is no beginning of what is there now.
    await forget(wish.path);
    throw brokenOff(wish, `it answered ${reply.statusCode}`);
  }
  try {
    await checkRoom(wish, { from, total });
    await store(reply, wish, { from, total });
  } finally {
    // What isn't read keeps its connection; that it ends so is no news.
    reply.body.on('error', () => {}).destroy();
  }
  return sha256;
}

async function ask(wayOut: WayOut, wish: Download, headers: Record<string, string>): Promise<Answer> {
  const answer = await follow(wayOut, { url: wish.url, headers, signal: wish.signal }).catch((cause: unknown) => {
    throw cause instanceof Problem ? cause : brokenOff(wish, messageOf(cause));
  });
  const { statusCode, body } = answer.reply;
  if (statusCode === 200 || statusCode === 206 || statusCode === 416) return answer;
  await body.dump();
  if (AGAIN.has(statusCode)) throw brokenOff(wish, `it answered ${statusCode}`);
  throw refused(wish, statusCode);
}

/** Where what comes belongs; undefined where it makes no sense. */
function startOf({ statusCode, headers }: Dispatcher.ResponseData): number | undefined {
  if (statusCode === 200) return 0;
  const [, start] = /^bytes (\d+)-/.exec(String(headers['content-range'])) ?? [];
  return statusCode === 206 && start !== undefined ? Number(start) : undefined;
}

function totalOf({ headers }: Dispatcher.ResponseData, from: number | undefined): number | null {
  const [, total] = /\/(\d+)$/.exec(String(headers['content-range'])) ?? [];
  if (total !== undefined) return Number(total);
  const length = headers['content-length'];
  return length === undefined ? null : (from ?? 0) + Number(length);
}

interface Extent {
  readonly from: number;
  readonly total: number | null;
}

async function checkRoom(wish: Download, { from, total }: Extent): Promise<void> {
  const { path, mostBytes, copies } = wish;
  if (total === null) return;
  if (total > mostBytes) throw tooLarge(total, mostBytes);
  const { bavail, bsize } = await onDisk(wish, () => statfs(dirname(path)));
  const needed = total - from + copies * total;
  if (needed > bavail * bsize) throw noRoom(needed, bavail * bsize);
}

/** Only with a mark that means these very bytes can a download go on later. */
async function note(path: string, { headers }: Dispatcher.ResponseData): Promise<void> {
  const { etag } = headers;
  if (typeof etag === 'string' && !etag.startsWith('W/')) await writeFile(markOf(path), etag);
  else await rm(markOf(path), { force: true });
}

/** Whether these are bytes of another file than what came before. */
const isOther = ({ headers: { etag } }: Dispatcher.ResponseData, mark: string | undefined): boolean =>
  etag !== undefined && etag !== mark;

async function store(reply: Dispatcher.ResponseData, wish: Download, { from, total }: Extent): Promise<void> {
  await using file = await onDisk(wish, () => open(wish.path, from === 0 ? 'w' : 'r+'));
  if (from === 0) await onDisk(wish, () => note(wish.path, reply));
  let at = from;
  for await (const chunk of received(reply, wish)) {
    if (at === 0 && !startsAsModel(chunk)) throw noModel(wish);
    if (at + chunk.length > Math.min(wish.mostBytes, total ?? wish.mostBytes)) throw tooLarge(at + chunk.length, wish.mostBytes);
    await onDisk(wish, () => writeAt(file, chunk, at));
    at += chunk.length;
    wish.onProgress(at, total);
  }
  if (total !== null && at < total) throw brokenOff(wish, `the connection ended after ${at} of ${total} bytes`);
}

/** What ends it early is the connection's fault. */
async function* received({ body }: Dispatcher.ResponseData, wish: Download): AsyncGenerator<Buffer> {
  try {
    yield* body as AsyncIterable<Buffer>;
  } catch (cause) {
    throw brokenOff(wish, messageOf(cause));
  }
}

/** A disk that is nearly full takes a part. */
async function writeAt(file: FileHandle, chunk: Buffer, at: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, at + done);
    done += bytesWritten;
  }
}

/** What fails here is the disk's fault: nothing of the hub's. */
async function onDisk<T>({ path }: Download, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw toWriteProblem(cause, dirname(path));
  }
}

const startsAsModel = (chunk: Buffer): boolean => MAGIC.subarray(0, chunk.length).equals(chunk.subarray(0, MAGIC.length));

async function checkSum({ path, url }: Download, expected: string | null): Promise<void> {
  if (expected === null) return;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  const came = hash.digest('hex');
  if (came !== expected) throw otherBytes(url, { expected, came });
}

const markOf = (path: string): string => `${path}.etag`;
const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

const forget = async (path: string): Promise<void> => {
  await rm(path, { force: true });
  await rm(markOf(path), { force: true });
};

const hostOf = (url: string): string => new URL(url).host;

const brokenOff = ({ url }: Download, why: string): Problem =>
  new Problem('UNAVAILABLE', `${hostOf(url)} did not give the whole file: ${why}. Ask again: it goes on where it was.`, {
    reason: 'PULL_BROKEN_OFF',
  });

const refused = ({ url }: Download, status: number): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `${hostOf(url)} answered ${status} for ${new URL(url).pathname.slice(0, 200)}. ${status === 401 || status === 403 ? 'It wants a key: BOATLOAD_HUB_TOKEN' : 'Check the address'}.`,
    { reason: 'PULL_REFUSED' },
  );

const noModel = ({ url }: Download): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `What ${hostOf(url)} sends is no GGUF model: such a file begins with "GGUF". Check the address.`,
    {
      reason: 'MODEL_FILE_INVALID',
    },
  );

const tooLarge = (bytes: number, most: number): Problem =>
  new Problem(
    'RESOURCE_EXHAUSTED',
    `The file has ${bytes} bytes or more, and ${most} are left for models. Delete one, or raise the quota.`,
    {
      reason: 'QUOTA_EXCEEDED',
    },
  );

const noRoom = (needed: number, free: number): Problem =>
  new Problem('RESOURCE_EXHAUSTED', `The file needs ${needed} bytes of disk, and ${free} are free. Make room, then ask again.`, {
    reason: 'DISK_FULL',
  });

const otherBytes = (url: string, { expected, came }: { readonly expected: string; readonly came: string }): Problem =>
  new Problem(
    'DATA_LOSS',
    `What ${hostOf(url)} gave is not the file that was meant: its SHA-256 is ${came}, expected ${expected}. It was thrown away; ask again, or check the address.`,
    { reason: 'CHECKSUM_MISMATCH' },
  );
