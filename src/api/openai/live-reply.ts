/** What the sender of a live request gets: the engine's bytes, with what this server knows of them in the headers. */
import { Problem } from '../../base/problem.ts';
import type { OpenAiErrorBody } from '../../contract/openai/error.ts';
import type { EngineAnswer, EngineSilence, EngineStream } from '../../engines/engine.ts';
import { readErrorBody } from '../../engines/error-body.ts';
import { placeUsage } from '../../jobs/place-usage.ts';
import { readUsage } from '../../jobs/row-usage.ts';
import { scanObject } from '../../jsonl/scan-object.ts';
import type { ReadLiveRequest } from './live-request.ts';
import { toOpenAiError } from './openai-errors.ts';

type Headers = Readonly<Record<string, string>>;

const JSON_TYPE = { 'content-type': 'application/json' };
const STREAM_TYPE = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
};

/** A whole answer as it is, or the engine's refusal in this dialect's words. */
export function toWholeReply(answer: EngineAnswer, headers: Headers): Response {
  const members = answer.status < 300 ? scanObject(answer.body) : undefined;
  if (members === undefined || members.has('error')) return toEngineRefusal(answer, headers);
  const { inputTokens, cachedTokens } = readUsage(members, answer.body);
  const counts = { 'fireworks-prompt-tokens': `${inputTokens}`, 'fireworks-cached-prompt-tokens': `${cachedTokens}` };
  return new Response(toBytes(answer.body), { headers: { ...JSON_TYPE, ...headers, ...counts } });
}

/** Gateways say 200 over an error. */
function toEngineRefusal({ status: said, body }: EngineAnswer, headers: Headers): Response {
  const status = said < 400 ? 400 : said;
  const { message, type, code, param } = readErrorBody(body);
  const error = {
    message: message === '' ? `The engine answered HTTP ${status}.` : message,
    type: type ?? 'invalid_request_error',
  };
  return Response.json({ error: { ...error, param: param ?? null, code: code ?? null } }, { status, headers: { ...headers } });
}

/** A stream event by event, at the pace of its reader; `giveUp` is called when the reader goes away. */
export function toStreamedReply(
  stream: EngineStream,
  { request, headers, giveUp }: { readonly request: ReadLiveRequest; readonly headers: Headers; readonly giveUp: () => void },
): Response {
  const events = toEvents(stream, request);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await events.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel: giveUp,
    },
    // Nothing is fetched ahead: what waits, waits at the engine's side of the flow.
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { ...STREAM_TYPE, ...headers } });
}

/** What the engine says, and at the end of a stream that broke off why. */
async function* toEvents(stream: EngineStream, { path, usagePlace }: ReadLiveRequest): AsyncGenerator<Buffer> {
  yield* path === '/v1/responses' ? stream.events : placeUsage(stream.events, usagePlace);
  const { silence } = await stream.ended;
  if (silence !== undefined) yield toErrorEvent(path, silence);
}

/** Both published clients throw such an event as an error, each in the words of its kind of stream. */
function toErrorEvent(path: string, { message }: EngineSilence): Buffer {
  const body: OpenAiErrorBody = toOpenAiError(new Problem('UNAVAILABLE', message, { reason: 'ENGINE_FAILED' }));
  if (path !== '/v1/responses') return Buffer.from(`data: ${JSON.stringify(body)}\n\n`);
  const { code, param } = body.error;
  return Buffer.from(`event: error\ndata: ${JSON.stringify({ type: 'error', code, message, param })}\n\n`);
}

/** As the platform's types want them: not shared with anybody. */
const toBytes = (body: Buffer): Uint8Array<ArrayBuffer> => new Uint8Array(body);
