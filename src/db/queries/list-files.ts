/** Datasets as files of OpenAI's dialect: one for each that was uploaded, up to two for one that a job wrote. */
import { type RawBuilder, sql } from 'kysely';
import { OUTPUT_FILES } from '../../contract/dataset.ts';
import { growthOf, UNFINISHED_FILE } from '../../jobs/openai-row.ts';
import type { Db } from '../store.ts';

/** A file: a dataset's rows as they came, or the answers or errors of a job's output. */
export interface FileRow {
  readonly datasetId: string;
  readonly kind: 'rows' | 'answers' | 'errors';
  /** Of its content; of a job's output in OpenAI's row shape. */
  readonly bytes: number;
  /** The stored file's name; null where several are behind it, or a job wrote it. */
  readonly filename: string | null;
  /** Null: what is usual for the kind. */
  readonly purpose: string | null;
  readonly sourceJob: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  /** The same for the same content. */
  readonly contentHash: string;
}

/** Which of an account's files, and which part of their list. */
export interface FileQuery {
  readonly accountId: string;
  /** Files that have expired by then are gone, whether they are deleted yet or not. */
  readonly now: Date;
  readonly datasetId?: string;
  readonly purpose?: string | undefined;
  readonly ascending?: boolean;
  /** Only what comes after this one. */
  readonly after?: Pick<FileRow, 'createdAt' | 'datasetId' | 'kind'> | undefined;
  readonly limit?: number;
}

/** The files in the order in which they were made, the newest first unless asked otherwise. */
export async function listFiles(db: Db, query: FileQuery): Promise<readonly FileRow[]> {
  const { accountId, now, datasetId, purpose, ascending = false, after, limit = null } = query;
  const [direction, beyond] = ascending ? [sql`asc`, sql`>`] : [sql`desc`, sql`<`];
  const { rows } = await sql<FileRow>`
    select dataset.id as dataset_id, content.*, purpose, source_job, dataset.created_at, expires_at
      from dataset cross join lateral (${CONTENTS}) as content
     where dataset.account_id = ${accountId} and state = 'READY' and (expires_at is null or expires_at > ${now})
       ${given(datasetId, (id) => sql`and dataset.id = ${id}`)}
       ${given(purpose, (wanted) => sql`and ${PURPOSE} = ${wanted}`)}
       ${given(after, (last) => sql`and ${PLACE} ${beyond} (${last.createdAt}, ${last.datasetId}::text, ${last.kind}::text)`)}
     order by dataset.created_at ${direction}, dataset.id collate "C" ${direction}, kind collate "C" ${direction}
     limit ${limit}
  `.execute(db);
  return rows;
}

const given = <Value>(value: Value | undefined, then: (value: Value) => RawBuilder<unknown>): RawBuilder<unknown> =>
  value === undefined ? sql`` : then(value);

const PLACE = sql`(dataset.created_at, dataset.id collate "C", kind collate "C")`;
const PURPOSE = sql`coalesce(purpose, case when source_job is null then 'batch' else 'batch_output' end)`;

const { results: RESULTS, errors: ERRORS } = OUTPUT_FILES;

/** By how much each row of a stored file grows; what is stored in OpenAI's shape doesn't. */
const GROWTH = sql`case when source_job is null then 0
  when file.name = ${RESULTS} then ${growthOf('success')}::int when file.name = ${ERRORS} then ${growthOf('failure')}::int else 0 end`;

/** What is behind a dataset's files. Of a job's output only those that hold rows count, hidden ones too. */
const CONTENTS = sql`
  select case when source_job is null then 'rows' when file.name = ${RESULTS} then 'answers' else 'errors' end as kind,
         sum(file.bytes + file.rows::bigint * ${GROWTH})::bigint as bytes,
         case when source_job is null and count(*) = 1 then min(file.name) end as filename,
         md5(string_agg(file.sha256, ' ' order by file.name collate "C")) as content_hash
    from dataset_file as file
   where file.account_id = dataset.account_id and file.dataset_id = dataset.id
     and (source_job is null or (file.rows > 0 and file.name in (${RESULTS}, ${ERRORS}, ${UNFINISHED_FILE})))
   group by 1
`;
