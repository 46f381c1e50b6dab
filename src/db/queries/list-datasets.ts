import type { Dataset } from '../schema.ts';
import type { Db } from '../store.ts';
import { inPage, ordered, type Page } from './page.ts';
import type { TakenPage } from './take-page.ts';

/** What a list of datasets can be ordered and narrowed by. */
export type DatasetColumn =
  | 'id'
  | 'displayName'
  | 'state'
  | 'format'
  | 'rows'
  | 'bytes'
  | 'sourceJob'
  | 'createdBy'
  | 'createdAt'
  | 'updatedAt';

/** One page of an account's datasets, by name unless the page says otherwise. */
export async function listDatasets(db: Db, page: Page<DatasetColumn>): Promise<TakenPage<Dataset>> {
  const matching = db.selectFrom('dataset').where(inPage(page));
  const { total } = await matching.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  const query = matching
    .selectAll()
    .limit(page.pageSize)
    .offset(page.offset ?? 0);
  const rows = await ordered(page, [{ column: 'id' }])
    .reduce((all, { column, direction }) => all.orderBy(column, direction), query)
    .execute();
  return { rows, total };
}
