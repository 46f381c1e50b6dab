/** What a job's rows will take, estimated when its input is checked. */
export const FORECASTS: readonly string[] = ['alter table job add column planned jsonb'];
