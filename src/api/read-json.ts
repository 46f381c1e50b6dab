import type { HonoRequest } from 'hono';
import { messageOf } from '../base/message-of.ts';
import { Problem } from '../base/problem.ts';

/** What a JSON body may cost; every one of them is a sentence to its sender when it is passed. */
export interface BodyLimits {
  readonly bytes: number;
  /** From the first wait to the last byte. */
  readonly ms: number;
  /** Hears of every piece as it comes, and may refuse it. */
  readonly onBytes?: (bytes: number) => void;
}

const LIMITS: BodyLimits = { bytes: 1024 * 1024, ms: 30_000 };

/** Reads a JSON body whatever its content type says; an empty one is `{}`. Size and time are limited while it comes in. */
export const readJson = async (request: HonoRequest, limits: BodyLimits = LIMITS): Promise<unknown> =>
  parseJson(await readBody(request, limits));

/** What the bytes of a JSON body say; none are `{}`. */
export function parseJson(bytes: Buffer): unknown {
  const text = new TextDecoder('utf-8', { fatal: true });
  try {
    return bytes.length === 0 ? {} : JSON.parse(text.decode(bytes));
  } catch (cause) {
    throw new Problem('INVALID_ARGUMENT', `The request body is not valid JSON: ${messageOf(cause)}.`, {
      reason: 'INVALID_JSON',
      cause,
    });
  }
}

const bodies = new WeakMap<HonoRequest, Promise<Buffer>>();

/** The bytes of a request's body, limited as they come in. It comes in once, and is there for all who ask. */
export function readBody(request: HonoRequest, limits: BodyLimits = LIMITS): Promise<Buffer> {
  const known = bodies.get(request) ?? readInTime(request, limits);
  bodies.set(request, known);
  return known;
}

/** Who sends a byte a minute gets no connection of ours. */
async function readInTime(request: HonoRequest, limits: BodyLimits): Promise<Buffer> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(tooSlow(limits)), limits.ms);
  try {
    return await Promise.race([readLimited(request, limits), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function readLimited(request: HonoRequest, limits: BodyLimits): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of untilBroken(request.raw.body)) {
    bytes += chunk.length;
    if (bytes > limits.bytes) throw tooLarge(limits);
    limits.onBytes?.(chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A sender that goes away is no defect of ours. */
async function* untilBroken(body: AsyncIterable<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  try {
    yield* body ?? [];
  } catch (cause) {
    throw new Problem('CANCELLED', 'The request body broke off. Send it again.', { reason: 'BODY_BROKEN_OFF', cause });
  }
}

const tooLarge = ({ bytes }: BodyLimits): Problem =>
  new Problem('INVALID_ARGUMENT', `The request body is larger than ${bytes} bytes. Rows belong into a dataset upload.`, {
    reason: 'BODY_TOO_LARGE',
    details: { limitBytes: bytes },
  });

const tooSlow = ({ ms }: BodyLimits): Problem =>
  new Problem('DEADLINE_EXCEEDED', `The request body did not come within ${ms / 1000} s. Send it again.`, {
    reason: 'BODY_TOO_SLOW',
  });
