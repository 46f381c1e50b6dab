/** Reads the head of a GGUF file of this machine. */
import { open } from 'node:fs/promises';
import { Problem } from '../base/problem.ts';
import { type GgufHead, readGgufHead } from './gguf-head.ts';

/** Throws a `Problem` MODEL_FILE_INVALID for what is no such file. */
export async function readGgufFile(path: string): Promise<GgufHead> {
  await using file = await open(path);
  const read = async (start: number, end: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    return buffer.subarray(0, bytesRead);
  };
  try {
    return await readGgufHead(read);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new Problem('INVALID_ARGUMENT', `${path} can't be read as a GGUF model: ${cause.message}.`, {
      reason: 'MODEL_FILE_INVALID',
      cause,
    });
  }
}
