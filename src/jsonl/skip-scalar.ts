/** Finds the end of a JSON number, `true`, `false` or `null`. */

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

/** Answers the index after the scalar that starts at `at`, or the complement (`~`) of the index of the fault. */
export function skipScalar(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === TRUE[0]) return skipLiteral(bytes, at, TRUE);
  if (byte === FALSE[0]) return skipLiteral(bytes, at, FALSE);
  if (byte === NULL[0]) return skipLiteral(bytes, at, NULL);
  return skipNumber(bytes, at);
}

function skipLiteral(bytes: Uint8Array, start: number, literal: Buffer): number {
  for (let index = 0; index < literal.length; index++) {
    if (bytes[start + index] !== literal[index]) return ~start;
  }
  return start + literal.length;
}

function skipNumber(bytes: Uint8Array, start: number): number {
  const first = bytes[start] === 0x2d ? start + 1 : start;
  let at = bytes[first] === 0x30 ? first + 1 : skipDigits(bytes, first);
  if (at === first) return ~start;
  if (bytes[at] === 0x2e) {
    const fraction = at + 1;
    at = skipDigits(bytes, fraction);
    if (at === fraction) return ~at;
  }
  if (bytes[at] !== 0x65 && bytes[at] !== 0x45) return at;
  const sign = bytes[at + 1];
  const exponent = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1;
  at = skipDigits(bytes, exponent);
  return at === exponent ? ~at : at;
}

function skipDigits(bytes: Uint8Array, start: number): number {
  let at = start;
  while (isDigit(bytes[at])) at++;
  return at;
}

const isDigit = (byte = 0): boolean => byte >= 0x30 && byte <= 0x39;
