import { sql } from 'kysely';
import type { Model } from '../schema.ts';
import type { Db } from '../store.ts';
import type { Page } from './page.ts';
import { type TakenPage, takePage } from './take-page.ts';

/** What a list of models can be ordered and narrowed by. */
export type ModelColumn = 'id' | 'displayName' | 'kind' | 'state' | 'public' | 'contextLength' | 'createdAt' | 'updatedAt';

/** A model of the list; one that only an engine knows has no times. */
export type ListedModel = Omit<Model, 'uid' | 'createdBy' | 'createdAt' | 'updatedAt'> & {
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
};

/** A model that an engine serves. */
export interface EngineModel {
  readonly id: string;
  readonly public: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface ModelList {
  /** Models of the account that engines serve; those with a record are listed once. */
  readonly served: readonly EngineModel[];
  /** Leaves out records that are not public. */
  readonly onlyPublic: boolean;
}

/** One page of an account's models, by name unless the page says otherwise: records, and what engines serve beside them. */
export const listModels = (
  db: Db,
  page: Page<ModelColumn>,
  { served, onlyPublic }: ModelList,
): Promise<TakenPage<ListedModel>> => {
  const source = sql<ListedModel>`
    select *, coalesce((details ->> 'contextLength')::int, 0) as context_length from (
      select account_id, id, display_name, description, kind, state, public, details, precisions, pull, created_at, updated_at
        from model where account_id = ${page.accountId} and (public or not ${onlyPublic}::boolean)
      union all
      select ${page.accountId}::text, id, '', '', 'HF_BASE_MODEL', 'READY', public, details, '[]'::jsonb, null::jsonb, null, null
        from jsonb_to_recordset(${JSON.stringify(served)}::jsonb) as served (id text, public boolean, details jsonb)
       where not exists (select 1 from model where model.account_id = ${page.accountId} and model.id = served.id)
    ) as known
  `;
  return takePage<ListedModel, ModelColumn>(db, source, { page, last: [{ column: 'id' }] });
};
