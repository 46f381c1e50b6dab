import { sql } from 'kysely';
import type { Db } from '../store.ts';
import type { Page } from './page.ts';
import { type TakenPage, takePage } from './take-page.ts';

/** What a list of deployed models can be ordered and narrowed by. */
export type DeployedModelColumn = 'id' | 'public';

/** A model that is served. */
export interface DeployedModel {
  readonly id: string;
  readonly public: boolean;
}

/** The same, listed. */
export type ListedDeployedModel = DeployedModel & { readonly accountId: string };

/** One page of the served models of an account, by name unless the page says otherwise; a record knows better who may use it. */
export const listDeployedModels = (
  db: Db,
  page: Page<DeployedModelColumn>,
  served: readonly DeployedModel[],
): Promise<TakenPage<ListedDeployedModel>> => {
  const source = sql<ListedDeployedModel>`
    select ${page.accountId}::text as account_id, served.id, coalesce(model.public, served.public) as public
      from jsonb_to_recordset(${JSON.stringify(served)}::jsonb) as served (id text, public boolean)
      left join model on model.account_id = ${page.accountId} and model.id = served.id
  `;
  return takePage<ListedDeployedModel, DeployedModelColumn>(db, source, { page, last: [{ column: 'id' }] });
};
