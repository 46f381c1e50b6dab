/** The one pass over a dataset: every line is checked, and what planning needs of every row is kept. */
import { JsonCursor } from '../jsonl/json-cursor.ts';
import type { Line } from '../jsonl/split-lines.ts';
import { type BadLine, BadLines, type RowFault } from './bad-line.ts';
import { checkRow, type RowRules } from './check-row.ts';
import { FilesSplitter, type InputFile, type LinePlace } from './files-splitter.ts';
import { findDuplicates, type ReadAt } from './find-duplicates.ts';
import { IdFingerprints } from './id-fingerprints.ts';
import { InvalidRows } from './invalid-rows.ts';
import { LineNumbers } from './line-numbers.ts';
import { mediaBytesOfInput } from './media-bytes.ts';
import { PrefixLadder } from './prefix-ladder.ts';
import type { RowFormat } from './row-format.ts';
import { type RowIndex, RowIndexBuilder } from './row-index.ts';
import { RowModels } from './row-models.ts';

export interface ReadPlanOptions {
  /** The files that the bytes come from, one after the other, when they are several; the input is their sum. */
  readonly files?: readonly InputFile[] | undefined;
  /** Reads bytes of the same input again, to compare ids and to show lines. */
  readonly readAt: ReadAt;
  /** Whether rows may be request bodies without id, which get the ids `row-1`, `row-2`, … */
  readonly bareRows: boolean;
  /** Whether the job puts a system prompt in front of rows. */
  readonly systemPrompt: boolean;
  /** The path that every row must name as its `url`; undefined: rows say themselves. */
  readonly endpoint?: string | undefined;
  /** Says which model a row runs on; without it nothing is asked of models. */
  readonly models?: RowModels;
  /** Default 16 MiB. */
  readonly maxLineBytes?: number;
  /** How many bad lines are kept in words; all are counted. Default 1000. */
  readonly maxBadLines?: number;
  onProgress?(bytes: number, rows: number): void;
  readonly signal?: AbortSignal;
}

export interface PlanReading {
  readonly format: RowFormat;
  readonly rows: RowIndex;
  readonly badLines: { readonly count: number; readonly kept: readonly BadLine[] };
  /** The rows of all bad lines. */
  readonly invalid: InvalidRows;
  /** `line 3`, or `line 3 of b.jsonl` where there are several files. */
  readonly nameRow: (row: number) => string;
  readonly bytes: number;
  /** Blank ones included. */
  readonly lines: number;
  readonly blankLines: number;
}

const DEFAULT_MAX_LINE_BYTES = 16 * 1024 * 1024;
const DEFAULT_MAX_BAD_LINES = 1000;

/** Reads a whole dataset. Bad lines are an answer, not an error; what is thrown comes from the stream, `readAt` or the signal. */
export async function readPlan(chunks: AsyncIterable<Uint8Array>, options: ReadPlanOptions): Promise<PlanReading> {
  const pass = new PlanPass(options);
  for await (const chunk of chunks) {
    options.signal?.throwIfAborted();
    pass.take(chunk);
    options.onProgress?.(pass.bytes, pass.rows);
  }
  return pass.finish();
}

class PlanPass {
  readonly #options: ReadPlanOptions;
  readonly #splitter: FilesSplitter;
  readonly #cursor = new JsonCursor();
  readonly #index = new RowIndexBuilder();
  readonly #ids = new IdFingerprints();
  readonly #ladder = new PrefixLadder();
  readonly #lineNumbers = new LineNumbers();
  readonly #badLines: BadLines;
  readonly #invalid = new InvalidRows();
  readonly #maxBadLines: number;
  readonly #maxLineBytes: number;
  /** The first row decides on the format, where the job has not. */
  #rules: RowRules;

  constructor(options: ReadPlanOptions) {
    this.#options = options;
    const { bareRows, systemPrompt, endpoint, models = new RowModels({}) } = options;
    this.#rules = { format: endpoint === undefined ? undefined : 'openai', bareRows, systemPrompt, endpoint, models };
    this.#maxLineBytes = options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES;
    this.#maxBadLines = options.maxBadLines ?? DEFAULT_MAX_BAD_LINES;
    this.#badLines = new BadLines(this.#maxBadLines);
    this.#splitter = new FilesSplitter(options.files, { maxLineBytes: this.#maxLineBytes });
  }

  get bytes(): number {
    return this.#splitter.bytes;
  }

  get rows(): number {
    return this.#index.count;
  }

  take(chunk: Uint8Array): void {
    for (const line of this.#splitter.push(chunk)) this.#takeLine(line);
  }

  async finish(): Promise<PlanReading> {
    for (const line of this.#splitter.end()) this.#takeLine(line);
    const rows = this.#index.finish();
    const duplicates = new BadLines(this.#maxBadLines);
    const { readAt } = this.#options;
    const lineNumbers = this.#lineNumbers;
    const nameRow = (row: number): string => inWords(this.#splitter.placeOf(lineNumbers.lineOf(row)));
    const onRepeat = (row: number, earlier: number): void => this.#invalid.add(row, earlier);
    await findDuplicates(this.#ids.suspects(), { rows, lineNumbers, badLines: duplicates, readAt, nameRow, onRepeat });
    this.#ids.release();
    const { bytes, lines, blankLines } = this.#splitter;
    const kept = [...this.#badLines.kept, ...duplicates.kept]
      .sort((a, b) => a.line - b.line)
      .slice(0, this.#maxBadLines)
      .map((badLine) => ({ ...badLine, ...this.#splitter.placeOf(badLine.line) }));
    const badLines = { count: this.#badLines.count + duplicates.count, kept };
    const invalid = this.#invalid;
    return { format: this.#rules.format ?? 'fireworks', rows, badLines, invalid, nameRow, bytes, lines, blankLines };
  }

  #takeLine(line: Line): void {
    this.#lineNumbers.add(this.#index.count, line.number);
    if (line.fault === undefined) this.#takeRow(line);
    else this.#takeUnreadable(line, line.fault === 'too-long' ? this.#tooLong() : NOT_UTF8);
  }

  #takeRow({ number, offset, bytes }: Line): void {
    const rules = this.#rules;
    const { fault, format, id, body, model } = checkRow(this.#cursor, bytes, rules);
    if (rules.format === undefined && format !== undefined && (format !== 'bare' || rules.bareRows))
      this.#rules = { ...rules, format };
    if (fault !== undefined) this.#refuse({ number, bytes }, fault);
    const promptBytes = this.#ladder.climb(bytes, body);
    const { maxTokens, messages, input } = body;
    const mediaBytes = messages?.mediaBytes ?? mediaBytesOfInput(bytes, input);
    this.#index.add({ offset, length: bytes.length, ladder: this.#ladder.steps, maxTokens, model, promptBytes, mediaBytes });
    if (id === undefined) this.#ids.addNone();
    else this.#ids.add(bytes, id, fault !== undefined);
  }

  #takeUnreadable({ number, offset, bytes }: Line, fault: RowFault): void {
    this.#refuse({ number, bytes }, fault);
    this.#index.add({ offset, length: bytes.length, ladder: NO_LADDER, maxTokens: 0, model: 0, promptBytes: 0, mediaBytes: 0 });
    this.#ids.addNone();
  }

  /** Before the row is indexed: its number is the count so far. */
  #refuse({ number, bytes }: Pick<Line, 'number' | 'bytes'>, fault: RowFault): void {
    this.#badLines.add(number, bytes, fault);
    this.#invalid.add(this.#index.count);
  }

  #tooLong(): RowFault {
    return {
      reason: 'LINE_TOO_LONG',
      message: `the line is longer than ${this.#maxLineBytes} bytes`,
      remedy: 'Make the row shorter, or put each row on a line of its own.',
    };
  }
}

const inWords = ({ file, line }: LinePlace): string => (file === undefined ? `line ${line}` : `line ${line} of ${file}`);

const NO_LADDER = new Uint32Array(0);

const NOT_UTF8: RowFault = {
  reason: 'NOT_UTF8',
  message: 'the line is not valid UTF-8',
  remedy: 'Save the file as UTF-8 text, not compressed (iconv -t UTF-8 converts).',
};
