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
  /** Requests that may wait for a slot; one more is refused with 429. */
  readonly maxWaiting: number;
  /** A folder of the child's own for evaluated prefixes. */
  readonly scratchFolder: string;
}

export type ChildMessage =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'ready'; readonly slots: number; readonly contextSize: number; readonly threads: number }
  | { readonly kind: 'failed'; readonly code: ProblemCode; readonly reason: string; readonly message: string };
