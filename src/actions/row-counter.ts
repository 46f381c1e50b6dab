const NEWLINE = 0x0a;
/** Space, tab and carriage return: a line of nothing else is blank. */
const BLANK: readonly number[] = [0x20, 0x09, 0x0d];

/** Counts rows (lines that are not blank) in bytes that come in pieces. */
export class RowCounter {
  #rows = 0;
  #lineHasRow = false;

  add(bytes: Uint8Array): void {
    let start = 0;
    while (start < bytes.length) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline === -1 ? bytes.length : newline;
      if (!this.#lineHasRow && !isBlank(bytes, start, end)) this.#beginRow();
      if (newline !== -1) this.#lineHasRow = false;
      start = end + 1;
    }
  }

  get rows(): number {
    return this.#rows;
  }

  #beginRow(): void {
    this.#lineHasRow = true;
    this.#rows += 1;
  }
}

const isBlank = (bytes: Uint8Array, start: number, end: number): boolean => {
  for (let index = start; index < end; index += 1) if (!BLANK.includes(bytes[index] ?? 0)) return false;
  return true;
};
