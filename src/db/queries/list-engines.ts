import type { Engine } from '../schema.ts';
import type { Db } from '../store.ts';
import type { Page } from './page.ts';
import { type TakenPage, takePage } from './take-page.ts';

/** What a list of engines can be ordered and narrowed by. */
export type EngineColumn = 'id' | 'displayName' | 'url' | 'kind' | 'draining' | 'createdBy' | 'createdAt' | 'updatedAt';

/** One page of an account's engines, by name unless the page says otherwise. */
export const listEngines = (db: Db, page: Page<EngineColumn>): Promise<TakenPage<Engine>> =>
  takePage<Engine, EngineColumn>(db, db.selectFrom('engine').selectAll(), { page, last: [{ column: 'id' }] });
