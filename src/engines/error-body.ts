/** The engine's own words in a refusal, whichever dialect it speaks. */
export interface ErrorBody {
  readonly message: string;
  /** As `invalid_request_error`. */
  readonly type: string | undefined;
  /** As `model_not_found`. */
  readonly code: string | undefined;
  /** The field at fault. */
  readonly param: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** Understands OpenAI's envelope, FastAPI's `detail`, a bare `message`, an error that is a string, and plain text. */
export function readErrorBody(body: Uint8Array): ErrorBody {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString().trim();
  const reply = parse(text);
  if (reply === undefined) return { message: text, type: undefined, code: undefined, param: undefined };
  const error = isFields(reply['error']) ? reply['error'] : reply;
  const words = [error['message'], reply['error'], reply['detail'], reply['message']].map(toWords);
  return {
    message: words.find((word) => word !== undefined) ?? text,
    type: toText(error['type']),
    code: toText(error['code']),
    param: toText(error['param']),
  };
}

/** FastAPI gives a list of faults, each with a path and a sentence. */
function toWords(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const faults = value.filter(isFields).map(({ loc, msg }) => (Array.isArray(loc) ? `${loc.join('.')}: ${msg}` : String(msg)));
  return faults.length === 0 ? undefined : faults.join('; ');
}

const toText = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

function parse(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
