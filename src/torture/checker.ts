/**
 * Judges an ended job from outside: by its input, its output, the numbers that the API gave of it, and the engine's own log. It shares no code with what it
 * judges, and reads everything as a stream, so that a million rows are cheap.
 */
import { readQuestion } from './answers.ts';
import type { Call } from './call-log.ts';
import { type Dialect, type OutputRow, readOutputRow } from './output-row.ts';
import type { Several } from './read-lines.ts';
import { Witness } from './witness.ts';

/** Everything that is known of one job. */
export interface Evidence {
  readonly dialect: Dialect;
  /** Lines of the input, in its order. */
  readonly input: Several<string>;
  /** Lines of the file of answers, and of the file of errors. */
  readonly answers: Several<string>;
  readonly errors: Several<string>;
  readonly numbers: JobNumbers;
  /** Of one engine or of several; calls for other jobs may be among them where their keys are others. */
  readonly calls: Several<Call>;
  /** True where a line to the engine broke: what it told may not have arrived. Default false. */
  readonly isLossy?: boolean;
  /** The ends that are right for it; default: any. */
  readonly expected?: readonly JobNumbers['outcome'][];
}

/** What the API says of the job. */
export interface JobNumbers {
  readonly outcome: 'COMPLETED' | 'FAILED' | 'EXPIRED' | 'CANCELLED';
  readonly rows: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** A promise that was not kept. */
export type ViolationKind =
  /** A row that the job counts, or should have run, is in no output file. */
  | 'lost'
  /** A row is there twice. */
  | 'doubled'
  /** An answer stands under the id of another row, or of none. */
  | 'wrongly keyed'
  /** An answer is none that the engine ever gave. */
  | 'not what the engine said'
  /** The engine's whole, good answer became a failure. */
  | 'answered but failed'
  /** A line is no line of the dialect. */
  | 'corrupt'
  /** A failure among the answers, or an answer among the failures. */
  | 'in the wrong file'
  /** The rows of a file are not in the order of the input. */
  | 'out of order'
  /** A job that should have been completed has failed, or the like. */
  | 'ended otherwise'
  /** The API's counts are not those of the files. */
  | 'counts differ'
  /** The API's tokens are not those of the answers delivered. */
  | 'billed is not delivered';

export interface Violation {
  readonly kind: ViolationKind;
  readonly customId?: string;
  /** For people. */
  readonly what: string;
}

/** What the job cost beside what it should have. */
export interface Figures {
  readonly rows: number;
  readonly answers: number;
  readonly failures: number;
  readonly unfinished: number;
  /** Calls that the engine got for this job's rows. */
  readonly calls: number;
  /** Calls for rows that the engine had answered whole and well before: the price of crashes. */
  readonly askedAgain: number;
  /** Rows that the engine answered and that a cancel or a deadline left out. */
  readonly answeredInVain: number;
  /** Tokens that the engine worked, and those of the answers delivered. */
  readonly tokensWorked: number;
  readonly tokensDelivered: number;
}

export interface Findings {
  /** The first 20 of each kind. */
  readonly violations: readonly Violation[];
  /** How many there are of each kind. */
  readonly found: ReadonlyMap<ViolationKind, number>;
  readonly figures: Figures;
}

/** Judges a job. Never rejects for what the files hold. */
export async function checkJob(evidence: Evidence): Promise<Findings> {
  const checker = new Checker(evidence, await Witness.hear(evidence.calls));
  await checker.readInput();
  await checker.readOutput('answers');
  await checker.readOutput('errors');
  return checker.conclude();
}

const MOST_SAID = 20;

/** A row of the input, by its place. */
interface InputRow {
  readonly place: number;
  readonly key: string;
}

class Checker {
  readonly #evidence: Evidence;
  readonly #witness: Witness;
  readonly #rows = new Map<string, InputRow>();
  /** How each row ended, by its id. */
  readonly #ends = new Map<string, OutputRow['kind']>();
  readonly #violations: Violation[] = [];
  readonly #found = new Map<ViolationKind, number>();
  readonly #counts = { answer: 0, failure: 0, unfinished: 0 };
  readonly #delivered = { input: 0, output: 0 };

  constructor(evidence: Evidence, witness: Witness) {
    this.#evidence = evidence;
    this.#witness = witness;
  }

  async readInput(): Promise<void> {
    for await (const line of this.#evidence.input) {
      // A dataset that a job took holds objects with both.
      const { custom_id: customId, body } = JSON.parse(line) as { custom_id: string; body: Record<string, unknown> };
      this.#rows.set(customId, { place: this.#rows.size, key: readQuestion(body).key });
    }
  }

  async readOutput(file: 'answers' | 'errors'): Promise<void> {
    let last = -1;
    for await (const line of this.#evidence[file]) {
      const row = readOutputRow(line, this.#evidence.dialect);
      if (row === undefined) this.#say('corrupt', `A line of the ${file} can’t be read: ${line.slice(0, 200)}`);
      else last = this.#judge(row, file, last);
    }
  }

  /** Answers the row's place. */
  #judge(row: OutputRow, file: 'answers' | 'errors', last: number): number {
    const { kind, customId } = row;
    this.#counts[kind] += 1;
    if ((kind === 'answer') !== (file === 'answers')) this.#say('in the wrong file', `${kind} among the ${file}`, customId);
    const asked = this.#rows.get(customId);
    if (asked === undefined) {
      this.#say('wrongly keyed', 'no row of the input has this id', customId);
      return last;
    }
    if (this.#ends.has(customId)) this.#say('doubled', `${this.#ends.get(customId)}, and again ${kind}`, customId);
    else if (asked.place < last) this.#say('out of order', `behind row ${last} of the input`, customId);
    this.#ends.set(customId, kind);
    if (row.kind === 'answer') this.#judgeAnswer(row, asked.key);
    else this.#judgeMissing(row, asked.key);
    return asked.place;
  }

  #judgeAnswer({ customId, digest, usage }: Extract<OutputRow, { kind: 'answer' }>, key: string): void {
    this.#delivered.input += usage.input;
    this.#delivered.output += usage.output;
    if (this.#witness.of(key).digests.includes(digest)) return;
    const owner = this.#witness.keyOf(digest);
    if (owner === undefined) this.#say('not what the engine said', `the engine never said ${digest}`, customId);
    else this.#say('wrongly keyed', `the engine told this to ${owner}`, customId);
  }

  #judgeMissing({ kind, customId }: OutputRow, key: string): void {
    if (kind === 'unfinished') {
      if (this.#evidence.numbers.outcome === 'COMPLETED') this.#say('lost', 'never ran, in a job that is completed', customId);
    } else if (this.#evidence.isLossy !== true && this.#witness.of(key).answers > 0) {
      this.#say('answered but failed', 'the engine answered it, and it is delivered as a failure', customId);
    }
  }

  conclude(): Findings {
    this.#judgeEnd();
    this.#judgeAbsent();
    this.#judgeCounts();
    return { violations: this.#violations, found: this.#found, figures: this.#toFigures() };
  }

  #judgeEnd(): void {
    const { expected, numbers } = this.#evidence;
    if (expected !== undefined && !expected.includes(numbers.outcome))
      this.#say('ended otherwise', `it is ${numbers.outcome}, and should be ${expected.join(' or ')}`);
  }

  /** Where a job ended early, Fireworks' files leave out what never ran; OpenAI's name it. */
  #judgeAbsent(): void {
    const { dialect, numbers } = this.#evidence;
    if (dialect === 'fireworks' && numbers.outcome !== 'COMPLETED') {
      const [counted, there] = [numbers.succeeded + numbers.failed, this.#counts.answer + this.#counts.failure];
      if (there < counted) this.#say('lost', `the job counts ${counted} rows as ended, and ${there} are there`);
      return;
    }
    for (const customId of this.#rows.keys()) if (!this.#ends.has(customId)) this.#say('lost', 'in no output file', customId);
  }

  #judgeCounts(): void {
    const { rows, succeeded, failed, inputTokens, outputTokens } = this.#evidence.numbers;
    this.#compare('counts differ', 'rows', [rows, this.#rows.size]);
    this.#compare('counts differ', 'answers', [succeeded, this.#counts.answer]);
    this.#compare('counts differ', 'failures', [failed, this.#counts.failure]);
    this.#compare('billed is not delivered', 'input tokens', [inputTokens, this.#delivered.input]);
    this.#compare('billed is not delivered', 'output tokens', [outputTokens, this.#delivered.output]);
  }

  #compare(kind: ViolationKind, what: string, [said, found]: readonly [said: number, found: number]): void {
    if (said !== found) this.#say(kind, `the job says ${said} ${what}, the files hold ${found}`);
  }

  #say(kind: ViolationKind, what: string, customId?: string): void {
    const count = (this.#found.get(kind) ?? 0) + 1;
    this.#found.set(kind, count);
    if (count <= MOST_SAID) this.#violations.push({ kind, what, ...(customId === undefined ? {} : { customId }) });
  }

  #toFigures(): Figures {
    const sums = { calls: 0, askedAgain: 0, answeredInVain: 0, tokensWorked: 0 };
    for (const [customId, { key }] of this.#rows) {
      const told = this.#witness.of(key);
      const end = this.#ends.get(customId) ?? 'unfinished';
      sums.calls += told.calls;
      sums.askedAgain += told.again;
      sums.answeredInVain += end === 'unfinished' && told.answers > 0 ? 1 : 0;
      sums.tokensWorked += told.tokens;
    }
    const { answer, failure } = this.#counts;
    return {
      rows: this.#rows.size,
      answers: answer,
      failures: failure,
      unfinished: this.#rows.size - answer - failure,
      ...sums,
      tokensDelivered: this.#delivered.input + this.#delivered.output,
    };
  }
}
