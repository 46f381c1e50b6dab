/** The canonical codes of google.rpc; `contract/errors.ts` says what each is on the wire. */
export type ProblemCode =
  | 'CANCELLED'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DATA_LOSS'
  | 'UNAUTHENTICATED';

export interface ProblemOptions extends ErrorOptions {
  /** What exactly is wrong, in UPPER_SNAKE, stable for programs to test: `DUPLICATE_CUSTOM_ID`. */
  readonly reason: string;
  /** Further facts for programs: line numbers, limits, names. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * A refusal that a person reads. The message is a sentence that says what was expected, what came and what to do.
 * Anything else that is thrown is a defect of ours.
 */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ProblemCode, message: string, options: ProblemOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.reason = options.reason;
    this.details = options.details ?? {};
  }
}
