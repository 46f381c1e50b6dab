/** A few words that are looked for among bytes, so that keys are told apart without becoming strings. */
export class WordSet<Word extends string> {
  readonly #byLength: (readonly { readonly word: Word; readonly bytes: Buffer }[])[] = [];

  constructor(words: readonly Word[]) {
    const all = words.map((word) => ({ word, bytes: Buffer.from(word) }));
    const longest = Math.max(0, ...all.map(({ bytes }) => bytes.length));
    for (let length = 0; length <= longest; length++) this.#byLength.push(all.filter(({ bytes }) => bytes.length === length));
  }

  /** The word that the bytes from `start` to `end` (exclusive) are, if they are one. */
  find(bytes: Uint8Array, start: number, end: number): Word | undefined {
    const candidates = this.#byLength[end - start];
    if (candidates === undefined) return undefined;
    for (let index = 0; index < candidates.length; index++) {
      const candidate = candidates[index];
      if (candidate !== undefined && isAt(bytes, start, candidate.bytes)) return candidate.word;
    }
    return undefined;
  }
}

function isAt(bytes: Uint8Array, start: number, word: Uint8Array): boolean {
  for (let index = 0; index < word.length; index++) {
    if (bytes[start + index] !== word[index]) return false;
  }
  return true;
}
