import type { Pool } from '../engines/pool.ts';
import type { ModelDefaults } from './job.ts';

/** The engines behind a model, and what its rows must know. */
export interface ServedModel {
  readonly pool: Pool;
  /** A row that asks for more is given this much; undefined means that the engine decides. */
  readonly maxTokensLimit?: number;
  /** What rows get where neither they nor their job say. */
  readonly defaults?: ModelDefaults;
  /** The request paths that the engines answer, as `/v1/chat/completions`; undefined means unknown, which is as good as all. */
  readonly paths?: readonly string[];
}
