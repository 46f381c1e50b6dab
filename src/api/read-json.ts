import type { HonoRequest } from 'hono';
import { Problem } from '../base/problem.ts';

const MAX_BODY_BYTES = 1024 * 1024;

/** Reads a JSON body whatever its content type says; an empty one is `{}`. The size limit holds while it comes in. */
export async function readJson(request: HonoRequest): Promise<unknown> {
  const text = new TextDecoder('utf-8', { fatal: true });
  const bytes = await readLimited(request);
  try {
    return bytes.length === 0 ? {} : JSON.parse(text.decode(bytes));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Problem('INVALID_ARGUMENT', `The request body is not valid JSON: ${why}.`, { reason: 'INVALID_JSON', cause });
  }
}

async function readLimited(request: HonoRequest): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.raw.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const tooLarge = (): Problem =>
  new Problem('INVALID_ARGUMENT', `The request body is larger than ${MAX_BODY_BYTES} bytes. Rows belong into a dataset upload.`, {
    reason: 'BODY_TOO_LARGE',
    details: { limitBytes: MAX_BODY_BYTES },
  });
