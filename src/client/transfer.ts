/** Bytes on their way, counted. */
import type { RequestBody } from './transport.ts';

/** How far a transfer is. */
export interface Transfer {
  readonly bytes: number;
  /** Absent when the other side doesn't say. */
  readonly totalBytes?: number;
}

/** Gets how far a transfer is, as often as something moves. */
export type OnTransfer = (transfer: Transfer) => void;

/** Browsers send a stream only over HTTP/2, and some not at all: there, a file goes as it is and is counted when it has arrived. */
const canSendStreams = (): boolean => !('document' in globalThis);

/** The body of a request that sends `content`, calling back with the bytes sent so far. */
export function toCountedBody(content: Blob, onSent: (bytes: number) => void): RequestBody {
  if (!canSendStreams()) return content;
  let sent = 0;
  return content.stream().pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(chunk);
        sent += chunk.length;
        onSent(sent);
      },
    }),
  );
}

/** The same chunks, calling back with the bytes that were taken so far. */
export async function* counted(chunks: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    yield chunk;
    onBytes(bytes);
  }
}
