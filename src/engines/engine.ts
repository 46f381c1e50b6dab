import type { Gauge } from './gauge.ts';

/** What a row is sent to. The path tells the kind of request: `/v1/chat/completions`, `/v1/completions`, `/v1/embeddings`, `/v1/responses`. */
export interface EngineRequest {
  readonly path: string;
  /** The JSON body in pieces, in order. Sent as they are, never parsed or joined. */
  readonly body: readonly Uint8Array[];
  /** Rows with the same lane should meet the same prefix cache; engines that keep one prefix per slot pin a lane to a slot. */
  readonly lane?: number;
}

/** Any HTTP answer, also a refusal. */
export interface EngineAnswer {
  readonly kind: 'answer';
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** No answer: the connection, the engine or the time ran out. */
export interface EngineSilence {
  readonly kind: 'silence';
  readonly cause:
    | 'connection'
    | 'connect-timeout'
    | 'first-byte-timeout'
    | 'idle-timeout'
    | 'total-timeout'
    | 'cut-off'
    /** The engine died of this request, and of no other. */
    | 'crashed'
    | 'aborted'
    | 'too-large';
  /** The cause in words, for a person. */
  readonly message: string;
}

export type EngineReply = EngineAnswer | EngineSilence;

/** A good answer that comes as it is made, from its first event on. */
export interface EngineStream {
  readonly kind: 'stream';
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Server-sent events, each as the engine wrote it, with its blank line. An engine waits for a slow reader; who leaves early gives the request up. */
  readonly events: AsyncIterable<Buffer>;
  /** Resolves once the engine has said all or is given up, read or not. Never rejects. */
  readonly ended: Promise<StreamEnd>;
}

/** How a stream ended. */
export interface StreamEnd {
  /** Of all events. */
  readonly bytes: number;
  /** What cut it off; undefined when it ended by itself. */
  readonly silence: EngineSilence | undefined;
}

/** A model that an engine serves. */
export interface EngineModel {
  /** The engine's own name for it, sent as `model`. */
  readonly id: string;
  /** Tokens of prompt and answer together, when the engine says. */
  readonly contextLength?: number;
  /** The request paths that it answers, as `/v1/chat/completions`; undefined where the engine doesn't say, which is as good as all. */
  readonly paths?: readonly string[];
}

/** How long a request's prompt is, by its model's own tokenizer. */
export interface PromptCount {
  /** Of the longest prompt, the model's template included. */
  readonly tokens: number;
  /** Of prompt and answer together. */
  readonly contextLength: number;
  /** False when the engine would refuse the request for its length. */
  readonly fits: boolean;
}

/**
 * Whatever answers requests: an OpenAI-compatible HTTP endpoint, our own llama.cpp child behind the same protocol, or echo.
 * Every implementation passes `test/conformance/engine.ts`.
 */
export interface Engine {
  /** For people: `http://gpu-1:8000/v1`, `llama.cpp tickets`, `echo`. */
  readonly name: string;
  /** How many requests it can use at once, when it says so; undefined means unknown. */
  readonly slots: number | undefined;
  /** True while its model is not in memory, as nobody asked it or another one needs the room: the next request loads it. */
  readonly isUnloaded?: boolean;
  /** Asks the engine what it serves. Throws a `Problem` UNAVAILABLE with reason `ENGINE_UNREACHABLE` when it can't be asked. */
  models(): Promise<readonly EngineModel[]>;
  /** Sends one request. Never rejects: what goes wrong is a value. */
  answer(request: EngineRequest, signal: AbortSignal): Promise<EngineReply>;
  /**
   * Sends one request whose body says `"stream":true`. Answers a stream once its first event is there; whatever goes wrong before, also as an
   * event, is a reply as of `answer`. The signal gives the request up at any time. Never rejects.
   */
  stream(request: EngineRequest, signal: AbortSignal): Promise<EngineReply | EngineStream>;
  /**
   * How busy it is, everybody's requests included, where it can be asked: undefined when it did not answer this time, `none` when it has nothing to show.
   * Never rejects.
   */
  gauge?(): Promise<Gauge | 'none' | undefined>;
  /** Counts a request's tokens without answering it, where the engine can; undefined when it can't say this time. Never rejects. */
  countPrompt?(request: EngineRequest, signal: AbortSignal): Promise<PromptCount | undefined>;
  close(): Promise<void>;
}
