/** A vector as base64: numbers in single precision, the lowest byte first, as OpenAI's clients unpack them. */
export function packVector(vector: readonly number[]): string {
  const bytes = Buffer.alloc(4 * vector.length);
  for (const [at, value] of vector.entries()) bytes.writeFloatLE(value, 4 * at);
  return bytes.toString('base64');
}
