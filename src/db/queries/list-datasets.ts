import type { Dataset } from '../schema.ts';
import type { Db } from '../store.ts';
import { inPage, ordered, type Page } from './page.ts';

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

export interface ListedDatasets {
  readonly datasets: readonly Dataset[];
  /** On all pages together. */
  readonly total: number;
}

/** One page of an account's datasets, by name unless the page says otherwise. */
export async function listDatasets(db: Db, page: Page<DatasetColumn>): Promise<ListedDatasets> {
  const matching = db.selectFrom('dataset').where(inPage(page));
  const { total } = await matching.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  const query = matching
    .selectAll()
    .limit(page.pageSize)
    .offset(page.offset ?? 0);
  const datasets = await ordered(page, [{ column: 'id' }])
    .reduce((all, { column, direction }) => all.orderBy(column, direction), query)
    .execute();
  return { datasets, total };
}
