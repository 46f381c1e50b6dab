import { createHash } from 'node:crypto';

/** So an archive writes a secret that moves. */
const AS_BYTES = /^hex:([0-9a-f]{64})$/;

/** The bytes that `BOATLOAD_SECRET` stands for. Any text makes a secret; `hex:` and 64 digits are one as it is. */
export function toSecret(text: string): Buffer {
  const [, digits] = AS_BYTES.exec(text) ?? [];
  return digits === undefined ? createHash('sha256').update(text).digest() : Buffer.from(digits, 'hex');
}
