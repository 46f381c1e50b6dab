/** A request that this engine does not take, in OpenAI's envelope. */
export interface RefusalOptions {
  readonly status?: number;
  readonly type?: string;
  readonly code?: string;
  /** The field at fault. */
  readonly param?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #options: RefusalOptions;

  constructor(message: string, options: RefusalOptions = {}) {
    super(message);
    this.status = options.status ?? 400;
    this.headers = options.headers ?? {};
    this.#options = options;
  }

  get code(): string | undefined {
    return this.#options.code;
  }

  toBody(): object {
    const { type = 'invalid_request_error', code = null, param = null } = this.#options;
    return { error: { message: this.message, type, param, code } };
  }
}
