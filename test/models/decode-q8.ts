/// <reference lib="esnext.float16" />
/** The numbers of a q8_0 tensor as an engine reads them: per block of 32 a half as the scale, then signed bytes. */
export function decodeQ8(bytes: Buffer): Float32Array {
  const values = new Float32Array((bytes.length / 34) * 32);
  for (let block = 0; block * 34 < bytes.length; block += 1) {
    const scale = new Float16Array(new Uint16Array([bytes.readUInt16LE(block * 34)]).buffer)[0] ?? 0;
    for (let at = 0; at < 32; at += 1) values[block * 32 + at] = scale * bytes.readInt8(block * 34 + 2 + at);
  }
  return values;
}
