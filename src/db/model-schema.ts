/** What the rows of models hold in JSON columns. */

import type { ProblemCode } from '../base/problem.ts';

/** Files on their way here from somewhere else. */
export interface ModelPull {
  /** As it was asked for. */
  readonly source: string;
  readonly files: readonly PulledFile[];
  /** It can be asked for again when it FAILED, and goes on where it was. */
  readonly state: 'PULLING' | 'CHECKING' | 'FAILED' | 'DONE';
  /** Of all files that are known so far. */
  readonly bytes: number;
  /** Null until it is known. */
  readonly totalBytes: number | null;
  /** Why it failed; else empty. */
  readonly message: string;
  /** The file that a job gets without asking; absent: the largest one. What comes later changes no job. */
  readonly usual?: string | undefined;
  /** Whoever fetches it; nobody yet when absent. */
  readonly holder?: string | undefined;
  /** When somebody else may, as an ISO time. */
  readonly heldUntil?: string | undefined;
  /** Why it failed the last time, for programs: a problem's code and reason. */
  readonly failure?: { readonly code: ProblemCode; readonly reason: string } | undefined;
}

export interface PulledFile {
  readonly name: string;
  readonly url: string;
  /** Null where nobody says; a hub may know. */
  readonly sha256: string | null;
}
