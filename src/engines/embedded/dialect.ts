/** What differs between the kinds of requests: how each is read, and how its answers are said. */
import type { Token } from 'node-llama-cpp';
import type { Call, Piece, Served } from './call.ts';
import type { Fields } from './fields.ts';
import type { Answer, FinishReason } from './generate.ts';
import type { RequestKind } from './request-fields.ts';

export interface Dialect {
  readonly kind: RequestKind;
  /** Ids of replies begin with it. */
  readonly idPrefix: string;
  /** What a reply is called, and a chunk of a stream. */
  readonly object: string;
  readonly chunkObject: string;
  /** Throws a `Refusal` that says what is wrong with the request. */
  readonly read: (body: Fields, served: Served) => Wishes;
}

/** What a request wants, but for what all kinds have in common. */
export interface Wishes {
  readonly prompts: readonly (readonly Token[])[];
  /** In GBNF, where the answer has to keep a form. */
  readonly grammar: string | undefined;
  /** Texts that end an answer besides those that the request names. */
  readonly stops: readonly string[];
  /** How many likely tokens to tell besides the drawn one; undefined: nothing about likelihood. */
  readonly topLogprobs: number | undefined;
  /** Begins the answers to it. */
  readonly speak: (answers: Call['answers']) => Speech;
}

/** How a choice is said, but for its index. */
export interface Speech {
  readonly toWhole: (answer: Answer, index: number) => Ended;
  /** What every choice of a stream begins with, if anything. */
  readonly beginning?: object;
  readonly toPiece: (piece: Piece) => object;
  readonly toEnding: (index: number, reason: FinishReason) => Ended;
  /** How many of an answer's tokens are thinking, where that is told. */
  readonly countReasoning?: (answer: Answer) => number;
}

type Ended = object & { readonly finish_reason: string };
