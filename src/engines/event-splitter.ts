/** Cuts the bytes of a `text/event-stream` into its events, wherever the pieces that come over the network happen to end. */
const LF = 0x0a;
const CR = 0x0d;
const BLANK_LINE = Buffer.from('\n\n');

export class EventSplitter {
  /** The begun event. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Of the line that the last piece ended in. */
  #lineBytes = 0;
  #lastByte = LF;

  /** Bytes of the event that has not ended yet. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes the next piece and answers the events that it completes, each with its blank line. */
  push(piece: Buffer): readonly Buffer[] {
    const events: Buffer[] = [];
    let eventStart = 0;
    let lineStart = 0;
    for (let at = piece.indexOf(LF); at !== -1; at = piece.indexOf(LF, at + 1)) {
      const isBlank = this.#isBlank(piece, lineStart, at);
      lineStart = at + 1;
      this.#lineBytes = 0;
      if (!isBlank) continue;
      events.push(this.#take(piece.subarray(eventStart, lineStart)));
      eventStart = lineStart;
    }
    this.#lineBytes += piece.length - lineStart;
    this.#lastByte = piece.at(-1) ?? this.#lastByte;
    this.#hold(piece.subarray(eventStart));
    return events;
  }

  /** The event that the end of all bytes ends, if one was begun. */
  end(): Buffer | undefined {
    return this.#heldBytes === 0 ? undefined : this.#take(BLANK_LINE);
  }

  /** Lines end in LF or CR LF. */
  #isBlank(piece: Buffer, lineStart: number, end: number): boolean {
    const length = this.#lineBytes + end - lineStart;
    return length === 0 || (length === 1 && (end > 0 ? piece[end - 1] : this.#lastByte) === CR);
  }

  #hold(bytes: Buffer): void {
    if (bytes.length > 0) this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  #take(last: Buffer): Buffer {
    const event = this.#held.length === 0 ? last : Buffer.concat([...this.#held, last]);
    this.#held = [];
    this.#heldBytes = 0;
    return event;
  }
}

/** The data of an event, its lines joined; undefined when it has none, as a comment that keeps a connection alive. */
export function dataOf(event: Buffer): string | undefined {
  const lines = event
    .toString()
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'));
  return lines.length === 0 ? undefined : lines.map((line) => line.slice(line[5] === ' ' ? 6 : 5)).join('\n');
}
