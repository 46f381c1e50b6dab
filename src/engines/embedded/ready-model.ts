/** What a loaded model can be asked, whatever it is made for. */
import type { ServerResponse } from 'node:http';
import type { PromptCount } from '../engine.ts';
import type { Fields } from './fields.ts';

export interface Asked {
  /** One of the model's. */
  readonly path: string;
  readonly body: Fields;
}

/** A model that is ready to answer. */
export interface ReadyModel {
  readonly modelId: string;
  /** Tokens that a request may have, and tokens that the model was trained for. */
  readonly contextSize: number;
  readonly trainContextSize: number;
  /** The request paths that it answers. */
  readonly paths: readonly string[];
  /** Requests that are worked on at once. */
  readonly slots: number;
  /** Writes the answer. Rejects before anything was written, with a `Refusal` that says what is wrong with the request, or with the signal's reason. */
  answer(asked: Asked, response: ServerResponse, signal: AbortSignal): Promise<void>;
  /** How long the request's prompts are. Throws the `Refusal` that an answer would, but for the length. */
  count(asked: Asked): PromptCount;
  /** What `/metrics` says. */
  metrics(): string;
}
