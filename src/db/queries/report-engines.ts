import { sql } from 'kysely';
import type { EngineReport } from '../schema.ts';
import { storableJson } from '../storable-text.ts';
import type { Db } from '../store.ts';

/** Notes how a process finds engines, in place of what it said before. Of one that is gone nothing is noted. */
export async function reportEngines(db: Db, reports: readonly EngineReport[]): Promise<void> {
  if (reports.length === 0) return;
  await sql`
    insert into engine_report (account_id, engine_id, process, at, models)
      select account_id, id, said.process, said.at, said.models
        from jsonb_to_recordset(${storableJson(reports)}::jsonb)
             as said ("accountId" text, "engineId" text, process text, at timestamptz, models jsonb)
        join engine on account_id = said."accountId" and id = said."engineId"
      on conflict (account_id, engine_id, process) do update set at = excluded.at, models = excluded.models
  `.execute(db);
}
