/** What the parent tells the child when it starts it, and what the child says back over their channel. */
import type { ProblemCode } from '../../base/problem.ts';

export interface ChildOptions {
  readonly modelPath: string;
  /** A LoRA adapter that goes on it. */
  readonly adapterPath?: string;
  /** The name under which the model is asked. */
  readonly modelId: string;
  readonly slots?: number;
  readonly contextSize?: number;
  readonly threads?: number;
  readonly fusedAttention?: boolean | undefined;
  /** It may take no more memory than this, whatever the machine has. */
  readonly roomBytes?: number;
  /** Refuse it rather than give it fewer slots or a shorter context than its best. */
  readonly atBest?: boolean;
  /** Requests that may wait for a slot; one more is refused with 429. */
  readonly maxWaiting: number;
  /** A folder of the child's own for evaluated prefixes. */
  readonly scratchFolder: string;
}

/** What a child has that can answer. */
export interface Readiness {
  readonly slots: number;
  readonly contextSize: number;
  /** The request paths that it answers. */
  readonly paths: readonly string[];
  readonly threads: number;
  /** What its weights and its contexts are reckoned to take. */
  readonly memoryBytes: number;
}

export type ChildMessage =
  | { readonly kind: 'listening'; readonly port: number }
  | ({ readonly kind: 'ready' } & Readiness)
  | { readonly kind: 'failed'; readonly code: ProblemCode; readonly reason: string; readonly message: string };
