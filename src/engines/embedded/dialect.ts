/** What differs between the kinds of requests: how each is read, and how its answers are said. */
import type { Token } from 'node-llama-cpp';
import type { Call, Piece, Served } from './call.ts';
import type { Fields } from './fields.ts';
import type { Answer } from './generate.ts';
import type { RequestKind } from './request-fields.ts';

export interface Dialect {
  readonly kind: RequestKind;
  /** Ids of replies begin with it. */
  readonly idPrefix: string;
  /** What a reply is called, and a chunk of a stream. */
  readonly object: string;
  readonly chunkObject: string;
  /** How many likely tokens to tell besides the drawn one; undefined: nothing about likelihood. */
  readonly readTopLogprobs: (body: Fields) => number | undefined;
  /** Throws a `Refusal` that says what is wrong with them. */
  readonly readPrompts: (body: Fields, served: Served) => readonly (readonly Token[])[];
  /** Begins the answers to one request. */
  readonly speak: (served: Served, answers: Call['answers']) => Speech;
}

/** How a choice is said, but for its index and what ended it. */
export interface Speech {
  readonly toWhole: (answer: Answer) => object;
  /** What every choice of a stream begins with, if anything. */
  readonly beginning?: object;
  readonly toPiece: (piece: Piece) => object;
  readonly toEnding: (index: number) => object;
}
